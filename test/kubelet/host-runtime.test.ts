/** Containers as processes of this machine: only when that was asked for. */
import net from 'node:net'
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const free = await new Promise<number>((resolve) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address() as net.AddressInfo
    server.close(() => resolve(port))
  })
})

const serving = `require('node:http').createServer((q, r) => r.end('from ' + process.env.GREETING)).listen(${free}, '127.0.0.1', () => console.log('up', require('node:fs').readFileSync(process.env.ORRERY_ROOT + '/config/key', 'utf8')))`
const manifest = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {key: value}
---
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {orrery.io/runtime: host}}
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - name: main
      image: app
      command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(serving)}]
      env: [{name: GREETING, value: the host}]
      ports: [{containerPort: ${free}}]
      readinessProbe: {httpGet: {port: ${free}}, periodSeconds: 1}
      volumeMounts: [{name: config, mountPath: /config}]
  volumes: [{name: config, configMap: {name: config}}]
---
apiVersion: v1
kind: Pod
metadata: {name: fails, annotations: {orrery.io/runtime: host}}
spec: {restartPolicy: Never, containers: [{name: main, image: app, command: [sh, -c, 'echo bad >&2; exit 7']}]}
`
const ended = (k: Kubectl, name: string) => eventually(async () => (await k.json<Pod>(`get pod ${name}`)).status?.containerStatuses?.[0]?.state?.terminated ?? false)

t.test('it runs on this machine', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1, runsOnHost: true }))
  await k.apply(manifest)
  t.equal((await ended(k, 'fails')).exitCode, 7)
  t.equal(await k.run('logs fails'), 'bad\n')
  await k.run('wait pod/web --for=condition=Ready --timeout=30s')
  t.equal(await k.run('logs web'), 'up value\n', 'with the files of its volumes')
  t.equal(await k.run('get --raw /api/v1/namespaces/default/pods/web:' + String(free) + '/proxy/'), 'from the host', 'and its port is reached through the pod')
  t.equal(await k.run(['exec', 'web', '--', 'sh', '-c', 'echo $GREETING']), 'the host\n')
  await k.run('delete pod web')
})

t.test('but not unless it is asked for', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  await k.apply(manifest)
  t.match(await ended(k, 'fails'), { reason: 'StartError', message: /--runtime-host true/ })
})
