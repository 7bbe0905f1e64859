/** ReplicationControllers: pods of their selector, counted in their status, without the pods that are going. */
import t from 'tap'
import type { Pod, ReplicationController } from '../../schemas/types.ts'
import controller from '../../controllers/replicationcontroller.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { makeReady, pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const KIND = 'v1/ReplicationController'
const rc = (replicas: number): ReplicationController => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name: 'web', namespace: 'default', uid: 'uid-web', generation: 1 },
  spec: { replicas, selector: { app: 'web' }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'app:1' }] } } },
})

t.test('pods come, are counted and go', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, controller)
  cluster.seed(rc(3), pod('stray'), pod('other', { labels: { app: 'db' } }), pod('over', { phase: 'Failed' }))
  await run.settle()
  const owned = () => cluster.all<Pod>('v1/Pod').filter(({ metadata }) => metadata.ownerReferences?.some(({ kind, uid }) => kind === 'ReplicationController' && uid === 'uid-web'))
  t.equal(owned().length, 3, 'the orphan is one of them')
  t.equal(cluster.events.length, 2)
  t.match(cluster.events[0], /^ReplicationController\/web Normal SuccessfulCreate: Created pod: web-\w{5}$/)
  for (const { metadata } of owned()) cluster.edit<Pod>('v1/Pod', metadata.name ?? '', (copy) => makeReady(copy, '2026-01-01T00:00:00Z'))
  await run.settle()
  t.same(cluster.read<ReplicationController>(KIND, 'web').status, { replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 })
  cluster.edit<ReplicationController>(KIND, 'web', (copy) => void (copy.spec.replicas = 1))
  await run.settle()
  t.equal(owned().length, 1)
  t.match(cluster.events.at(-1), /^ReplicationController\/web Normal SuccessfulDelete: Deleted pod: /)
  t.same(run.errors, [])
})
