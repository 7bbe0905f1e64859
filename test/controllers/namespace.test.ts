import t from 'tap'
import type { ConfigMap, Namespace, Pod } from '../../schemas/types.ts'
import namespaceController, { statusOf, type Leftovers } from '../../controllers/namespace.ts'
import publisher from '../../controllers/root-ca-certificate-publisher.ts'
import accounts from '../../controllers/serviceaccount.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const KINDS = [
  { kind: 'v1/ConfigMap', plural: 'configmaps', namespaced: true },
  { kind: 'v1/Pod', plural: 'pods', namespaced: true },
  { kind: 'apps/v1/Deployment', plural: 'deployments', namespaced: true },
  { kind: 'v1/Node', plural: 'nodes', namespaced: false },
]

const space = (name: string, phase = 'Active'): Namespace => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, uid: `uid-${name}` }, spec: { finalizers: ['kubernetes'] }, status: { phase } })

const none: Leftovers = { remaining: new Map(), finalizers: new Map(), errors: [], estimateSeconds: 0, podsOnly: false }
const shown = (left: Partial<Leftovers>) => statusOf({ phase: 'Terminating' }, { ...none, ...left }, 0)?.conditions?.filter((c) => c.status === 'True').map((c) => [c.type, c.reason, c.message])

t.test('what a deletion that goes on reports', (t) => {
  t.same(shown({}), [])
  t.equal(statusOf({}, none, 0)?.conditions?.length, 5)
  t.same(shown({ remaining: new Map([['pods.', 2], ['deployments.apps', 1]]), finalizers: new Map([['x/y', 3]]) }), [
    ['NamespaceContentRemaining', 'SomeResourcesRemain', 'Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances'],
    ['NamespaceFinalizersRemaining', 'SomeFinalizersRemain', 'Some content in the namespace has finalizers remaining: x/y in 3 resource instances'],
  ])
  t.same(shown({ errors: ['b', 'a'] }), [['NamespaceDeletionContentFailure', 'ContentDeletionFailed', 'Failed to delete all resource types, 2 remaining: a, b']])
  t.same(shown({ remaining: new Map([['pods.', 2]]), podsOnly: true }), [], 'while pods go, nothing is reported')
  const status = statusOf({ phase: 'Terminating' }, none, 0)
  t.equal(statusOf(status, none, 1000), status, 'the same again changes nothing')
  t.end()
})

t.test('pods first, then the rest, then the namespace', async (t) => {
  const cluster = new FakeCluster({ gracefulPods: true })
  const run = new ControllerRun(cluster, namespaceController, { kinds: () => KINDS })
  const inside = (o: Pod): Pod => ({ ...o, metadata: { ...o.metadata, namespace: 'going' }, spec: { ...o.spec, terminationGracePeriodSeconds: 30 } })
  const map = (name: string, finalizers?: string[]): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'going', ...(finalizers ? { finalizers } : {}) } })
  cluster.seed(inside(pod('p', { node: 'n', readyAt: '2026-01-01T00:00:00Z' })), map('a'), map('held', ['x/y']), { ...map('other'), metadata: { name: 'other', namespace: 'else' } }, space('going'))
  cluster.edit<Namespace>('v1/Namespace', 'going', (copy) => void (copy.metadata.deletionTimestamp = '2025-12-31T23:59:50Z'))
  const names = (kind: string) => cluster.all(kind).map((o) => o.metadata.name)
  await run.settle()
  t.same(run.errors, [])
  t.equal(cluster.read<Namespace>('v1/Namespace', 'going').status?.phase, 'Terminating')
  t.ok(cluster.all<Pod>('v1/Pod')[0]?.metadata.deletionTimestamp)
  t.same(names('v1/ConfigMap'), ['a', 'held', 'other'], 'nothing else yet')

  const [p] = cluster.all<Pod>('v1/Pod')
  cluster.finish('v1/Pod', p?.metadata.name ?? '')
  await run.settle()
  t.same(names('v1/ConfigMap'), ['held', 'other'])
  t.match(cluster.read<Namespace>('v1/Namespace', 'going').status?.conditions?.find((c) => c.type === 'NamespaceFinalizersRemaining'), { status: 'True', message: 'Some content in the namespace has finalizers remaining: x/y in 1 resource instances' })

  await cluster.change<ConfigMap>('v1/ConfigMap', { namespace: 'going', name: 'held' }, (copy) => void (copy.metadata.finalizers = []))
  await run.settle()
  t.same(names('v1/Namespace'), [])
  t.same(names('v1/ConfigMap'), ['other'])
  t.same(run.errors, [])
})

t.test('every active namespace has its account and the bundle', async (t) => {
  const cluster = new FakeCluster({ settings: { rootCA: 'PEM' } })
  const runs = [new ControllerRun(cluster, accounts), new ControllerRun(cluster, publisher)]
  const settle = async () => {
    for (const run of runs) await run.settle()
  }
  cluster.seed(space('a'), space('b', 'Terminating'))
  await settle()
  t.same(cluster.all('v1/ServiceAccount').map((o) => [o.metadata.namespace, o.metadata.name]), [['a', 'default']])
  await cluster.delete('v1/ServiceAccount', { namespace: 'a', name: 'default' })
  cluster.edit<ConfigMap>('v1/ConfigMap', 'kube-root-ca.crt', (copy) => void (copy.data = { 'ca.crt': 'forged' }))
  await settle()
  t.equal(cluster.all('v1/ServiceAccount').length, 1)
  t.same(new Set(cluster.all<ConfigMap>('v1/ConfigMap').map((o) => o.data?.['ca.crt'])), new Set(['PEM']))
})
