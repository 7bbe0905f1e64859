/** Runtimes that a node has not, and pods with users of their own. */
import t from 'tap'
import type { Event, Pod } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

t.test('runtimes and users', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  const own = (name: string, command: string) => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec: {hostUsers: false, restartPolicy: Never, containers: [{name: main, image: busybox, command: [${command}]}]}
`
  await k.apply(`
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: vm}
handler: kata
---
apiVersion: v1
kind: Pod
metadata: {name: vm}
spec: {runtimeClassName: vm, containers: [{name: main, image: busybox, command: [sleep, inf]}]}
${own('one', 'cat, /proc/self/uid_map')}${own('two', 'cat, /proc/self/gid_map')}${own('bogus', 'bogus')}`)
  const event = await eventually(async () => (await k.json<{ items: Event[] }>('get events --field-selector involvedObject.name=vm,reason=FailedCreatePodSandBox')).items[0] ?? false)
  t.equal(event.message, 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "kata" is configured')
  t.equal((await k.json<Pod>('get pod vm')).status?.phase, 'Pending')
  const maps = await Promise.all(['one', 'two'].map(async (name) => {
    await eventually(async () => (await k.json<Pod>(`get pod ${name}`)).status?.phase === 'Succeeded')
    return k.run(`logs ${name}`)
  }))
  for (const map of maps) t.match(map, /^ +0 +\d+ +65536\n$/)
  t.not(maps[0], maps[1], 'each has users of its own')
  await eventually(async () => (await k.json<Pod>('get pod bogus')).status?.phase === 'Failed')
  const metrics = await k.run('get --raw /api/v1/nodes/node-1/proxy/metrics')
  t.match(metrics, /kubelet_started_user_namespaced_pods_total 3\n/)
  t.match(metrics, /kubelet_started_user_namespaced_pods_errors_total 1\n/)
  const told = (await k.json<{ items: Event[] }>('get events --field-selector involvedObject.name=bogus')).items.map((e) => e.reason)
  t.ok(told.includes('Created') && told.includes('Failed') && !told.includes('Started'), told.join(' '))
})
