import t from 'tap'
import finalizer, { CLEANUP_FINALIZER } from '../../controllers/crd-finalizer.ts'
import type { CustomResourceDefinition } from '../../schemas/types.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { conditionsOf, definition, specOf, version, withStatus } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const WIDGET = 'example.com/v1/Widget'
const KINDS = [
  { kind: 'v1/ConfigMap', plural: 'widgets', namespaced: true },
  { kind: WIDGET, plural: 'widgets', namespaced: true },
]

const widget = (name: string, namespace = 'default', finalizers?: string[]): KubeObject => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, namespace, ...(finalizers ? { finalizers } : {}) } })

function start(conditions: string[], ...objects: KubeObject[]) {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, finalizer, { kinds: () => KINDS })
  const crd = withStatus(definition('Widget', [version('v1', specOf({}))]), ...conditions)
  cluster.seed({ ...crd, metadata: { ...crd.metadata, finalizers: [CLEANUP_FINALIZER] } }, ...objects)
  const last: string[][] = []
  cluster.before = ({ kind }, object) => {
    if (kind === CRD && object) last.push(conditionsOf(object as CustomResourceDefinition))
  }
  const told = () => last.at(-1)?.at(-1)
  return { cluster, run, told, remove: () => cluster.delete(CRD, { name: 'widgets.example.com' }), left: () => cluster.all(WIDGET).map((o) => o.metadata.name) }
}

t.test('instances go first', async (t) => {
  const { cluster, run, told, remove, left } = start(['NamesAccepted', 'Established'], widget('a'), widget('b', 'other'), { ...widget('c'), apiVersion: 'v1', kind: 'ConfigMap' })
  await run.settle()
  t.equal(cluster.writes.length, 0)
  await remove()
  await run.settle()
  t.same(run.errors, [])
  t.same(left(), [])
  t.equal(cluster.all('v1/ConfigMap').length, 1)
  t.same(cluster.all(CRD), [])
  t.equal(told(), 'Terminating=False InstanceDeletionCompleted: removed all instances')
})

t.test('instances that are held', async (t) => {
  const { cluster, run, told, remove, left } = start(['NamesAccepted', 'Established'], widget('a'), widget('held', 'default', ['x.y/z']))
  await remove()
  await run.settle()
  t.same(left(), ['held'])
  t.equal(told(), 'Terminating=True InstanceDeletionInProgress: CustomResource deletion is in progress')
  await run.step(61_000)
  t.equal(told(), 'Terminating=True InstanceDeletionCheck: could not confirm zero CustomResources remaining: context deadline exceeded')
  await cluster.change(WIDGET, { namespace: 'default', name: 'held' }, (copy) => void (copy.metadata.finalizers = []))
  await run.settle()
  t.same(cluster.all(CRD), [], 'it goes as soon as the last one has gone')
  t.same(run.errors, [])
})

t.test('one that was never established', async (t) => {
  const { cluster, run, told, remove, left } = start(['!NamesAccepted', '!Established'], widget('a'))
  await remove()
  await run.settle()
  t.same(cluster.all(CRD), [])
  t.same(left(), ['a'], 'they are not its own')
  t.equal(told(), 'Terminating=False NeverEstablished: resource was never established')
})

t.test('when deletes are refused', async (t) => {
  const { cluster, run, told, remove } = start(['NamesAccepted', 'Established'], widget('a'))
  const { before } = cluster
  cluster.before = (write, object) => {
    if (write.verb === 'delete' && write.kind === WIDGET) throw new Error('no')
    before(write, object)
  }
  await remove()
  await run.settle()
  t.equal(told(), 'Terminating=True InstanceDeletionFailed: could not issue all deletes: no')
  cluster.before = before
  await run.step(1000)
  t.same(cluster.all(CRD), [])
})
