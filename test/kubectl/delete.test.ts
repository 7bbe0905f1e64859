/** `kubectl delete` with each way of cascading, grace periods, force and selectors. */
import t from 'tap'
import type { Pod, ReplicaSet } from '../../schemas/types.ts'
import { eventually, startTestCluster, type Kubectl } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { configMapManifest, deploymentManifest, podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t)

async function deployed(k: Kubectl, name: string): Promise<void> {
  await k.apply(deploymentManifest({ name, replicas: 2 }))
  await k.run(`rollout status deployment/${name} --timeout=20s`)
}

function names(k: Kubectl, kinds: string): Promise<string> {
  return k.run(['get', kinds, '-o', 'name'])
}

eachKubectl(t, target, {
  name: 'delete cascading',
  async test(t, k) {
    await deployed(k, 'background')
    t.match(await k.run('delete deployment background'), /^deployment\.apps "background" deleted( from \S+ namespace)?\n$/)
    await eventually(async () => (await names(k, 'replicasets,pods')) === '')

    await deployed(k, 'foreground')
    await k.run('delete deployment foreground --cascade=foreground --timeout=20s')
    t.equal(await names(k, 'deployments,replicasets,pods'), '', 'with the owner its dependents are gone')

    await deployed(k, 'orphan')
    await k.run('delete deployment orphan --cascade=orphan')
    const [set] = (await k.json<{ items: ReplicaSet[] }>('get replicasets')).items
    t.equal(set?.metadata.ownerReferences, undefined, 'the replica set has lost its owner')
    t.equal(set?.status?.readyReplicas, 2)
    await k.run('delete replicaset -l app=orphan --cascade=orphan')
    t.equal((await k.json<{ items: Pod[] }>('get pods')).items.length, 2)
    await k.run('delete pods --all')
    t.equal(await names(k, 'pods'), '')
  },
})

eachKubectl(t, target, {
  name: 'delete with grace',
  async test(t, k) {
    for (const name of ['slow', 'quick', 'now', 'forced']) await k.apply(podManifest({ name, spec: { terminationGracePeriodSeconds: 3600 } }))
    await k.run('wait pod --all --for=condition=Ready --timeout=20s')
    await k.run('delete pod slow --wait=false')
    const slow = await k.try('get pod slow -o json')
    if (slow.code === 0) t.equal((JSON.parse(slow.stdout) as Pod).metadata.deletionGracePeriodSeconds, 3600)
    await k.run('delete pod quick --grace-period=1 --timeout=20s')
    await k.run('delete pod now --now --timeout=20s')
    const forced = await k.try('delete pod forced --grace-period=0 --force')
    t.equal(forced.code, 0)
    t.match(forced.stderr, /Immediate deletion does not wait for confirmation that the running resource has been terminated/)
    t.match(forced.stdout, /pod "forced" force deleted/)
    t.notMatch(await names(k, 'pods'), /quick|now|forced/)
  },
})

eachKubectl(t, target, {
  name: 'delete selections',
  async test(t, k) {
    for (const [name, tier] of [['a', 'front'], ['b', 'back'], ['c', 'back'], ['d', 'none']] as const) await k.apply(configMapManifest(name, {}, { tier }))
    t.match(await k.run('delete configmap -l tier=back'), /^configmap "b" deleted.*\nconfigmap "c" deleted/)
    t.match(await k.run('delete configmaps --field-selector=metadata.name=d'), /^configmap "d" deleted/)
    t.match(await k.run('delete -f -', { stdin: configMapManifest('a', {}) }), /^configmap "a" deleted/)
    t.equal(await names(k, 'configmaps'), 'configmap/kube-root-ca.crt\n')
    t.match(await k.fails('delete configmap a'), /Error from server \(NotFound\): configmaps "a" not found/)
    t.equal(await k.run('delete configmap a --ignore-not-found'), '')
    t.match(await k.run('delete configmap kube-root-ca.crt --dry-run=server'), /deleted \(server dry run\)|deleted from \S+ namespace \(server dry run\)/)
    await eventually(async () => (await names(k, 'configmaps')) === 'configmap/kube-root-ca.crt\n')
  },
})

eachKubectl(t, target, {
  name: 'delete a namespace',
  async test(t, k) {
    const inner = k.in(`${k.namespace}-inner`)
    await k.run(`create namespace ${inner.namespace}`)
    await deployed(inner, 'web')
    await inner.apply(configMapManifest('kept-by', {}))
    await inner.run(['patch', 'configmap', 'kept-by', '-p', '{"metadata":{"finalizers":["example.com/hold"]}}'])
    await k.run(`delete namespace ${inner.namespace} --wait=false`)
    await eventually(async () => (await names(inner, 'deployments,replicasets,pods')) === '')
    t.match(await k.run(`get namespace ${inner.namespace} --no-headers`), /Terminating/)
    t.match(await inner.fails('create configmap late'), /is forbidden: unable to create new content in namespace \S+ because it is being terminated/)
    await inner.run(['patch', 'configmap', 'kept-by', '--type=json', '-p', '[{"op":"remove","path":"/metadata/finalizers"}]'])
    await k.run(`wait namespace/${inner.namespace} --for=delete --timeout=30s`)
    t.match(await k.fails(`get namespace ${inner.namespace}`), /not found/)
  },
})
