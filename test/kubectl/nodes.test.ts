/** Nodes: what they show, cordon and uncordon, taints, drain; nodes made by hand. */
import t from 'tap'
import type { Node, Pod } from '../../schemas/types.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'
import { deploymentManifest, podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t, {
  nodes: [
    { name: 'plain' },
    { name: 'big', capacity: { cpu: '64', memory: '256Gi', pods: '250' }, labels: { disk: 'ssd' }, taints: [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }] },
  ],
})

for (const version of kubectlVersions) {
  const k = new Kubectl(version, target)

  t.test(`nodes as configured, kubectl ${version}`, async (t) => {
    await k.run('wait node --all --for=condition=Ready --timeout=20s')
    const lines = (await k.run('get nodes -o wide')).trimEnd().split('\n')
    t.match(lines[0], /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME$/)
    t.match(lines[1], /^big +Ready +<none> +\S+ +v1\.36\.\d+ +\d+\.\d+\.\d+\.\d+ +<none> /)
    const node = await k.json<Node>('get node big')
    t.equal(node.status?.capacity?.cpu, '64')
    t.equal(node.metadata.labels?.disk, 'ssd')
    t.same(node.spec.taints, [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }])
    t.same(node.status?.conditions?.map((c) => c.type).sort(), ['DiskPressure', 'MemoryPressure', 'NetworkUnavailable', 'PIDPressure', 'Ready'])
    t.match(await k.run('get leases -n kube-node-lease -o name'), /lease\.coordination\.k8s\.io\/big\n/)
  })

  t.test(`cordon, taint and drain, kubectl ${version}`, async (t) => {
    const inside = k.in(`drain-${version.replace('.', '-')}`)
    await k.run(`create namespace ${inside.namespace}`)
    t.equal(await k.run('cordon plain'), 'node/plain cordoned\n')
    t.equal(await k.run('cordon plain'), 'node/plain already cordoned\n')
    t.match(await k.run('get node plain --no-headers'), /^plain +Ready,SchedulingDisabled /)
    await inside.apply(podManifest({ name: 'waits' }))
    await eventually(async () => {
      const { status } = await inside.json<Pod>('get pod waits')
      t.equal(status?.conditions?.find((c) => c.type === 'PodScheduled')?.reason, 'Unschedulable')
      return true
    })
    t.equal(await k.run('uncordon plain'), 'node/plain uncordoned\n')
    await inside.run('wait pod/waits --for=condition=Ready --timeout=20s')

    t.equal(await k.run('taint node plain key=value:NoSchedule'), 'node/plain tainted\n')
    t.match(await k.fails('taint node plain key=other:NoSchedule'), /node plain already has key taint\(s\) with same effect\(s\) and --overwrite is false/)
    t.equal(await k.run('taint node plain key:NoSchedule-'), 'node/plain untainted\n')
    t.equal(await k.run('label node plain zone=a'), 'node/plain labeled\n')
    await k.run('label node plain zone-')

    await inside.apply(deploymentManifest({ replicas: 2 }))
    await inside.run('rollout status deployment/web --timeout=20s')
    t.match(await k.fails('drain plain --timeout=20s'), /cannot delete.*Pods that declare no controller/)
    const drained = await k.run('drain plain --force --ignore-daemonsets --delete-emptydir-data --timeout=20s')
    t.match(drained, /pod\/waits evicted/)
    t.match(drained, /node\/plain drained\n$/)
    t.equal((await inside.json<{ items: Pod[] }>('get pods')).items.filter((p) => p.spec.nodeName).length, 0)
    await k.run('uncordon plain')
    await inside.run('rollout status deployment/web --timeout=20s')
    await k.run(`delete namespace ${inside.namespace} --timeout=20s`)
  })

  t.test(`a node made by hand, kubectl ${version}`, async (t) => {
    await k.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'by-hand', labels: { kind: 'by-hand' } } }))
    await k.run('wait node/by-hand --for=condition=Ready --timeout=20s')
    await k.apply(podManifest({ name: 'there', spec: { nodeSelector: { kind: 'by-hand' } } }))
    await k.run('wait pod/there --for=condition=Ready --timeout=20s')
    t.equal((await k.json<Pod>('get pod there')).spec.nodeName, 'by-hand')
    await k.run('delete pod there --grace-period=1 --timeout=20s')
    await k.run('delete node by-hand')
    t.match(await k.fails('get node by-hand'), /nodes "by-hand" not found/)
  })
}

eachKubectl(t, target, {
  name: 'tolerations and selectors',
  async test(t, k) {
    await k.apply(podManifest({ name: 'db', spec: { nodeSelector: { disk: 'ssd' }, tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'db', effect: 'NoSchedule' }] } }))
    await k.run('wait pod/db --for=condition=Ready --timeout=20s')
    t.equal((await k.json<Pod>('get pod db')).spec.nodeName, 'big')
  },
})
