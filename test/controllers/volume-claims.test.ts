/** Claims that a pod brings with it. */
import t from 'tap'
import type { PersistentVolumeClaim, Pod } from '../../schemas/types.ts'
import ephemeral from '../../controllers/ephemeral-volume.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CLAIM = 'v1/PersistentVolumeClaim'
const withVolume = (name: string): Pod => ({
  ...pod(name),
  spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: { labels: { a: 'b' } }, spec: { accessModes: ['ReadWriteOnce'] } } } }, { name: 'w', emptyDir: {} }] },
})

t.test('generic ephemeral volumes', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, ephemeral)
  cluster.seed(withVolume('a'))
  await run.settle()
  const { metadata, spec } = cluster.read<PersistentVolumeClaim>(CLAIM, 'a-v')
  t.match(metadata, { labels: { a: 'b' }, ownerReferences: [{ kind: 'Pod', name: 'a', uid: 'uid-a', controller: true, blockOwnerDeletion: true }] })
  t.same(spec, { accessModes: ['ReadWriteOnce'] })
  await cluster.delete(CLAIM, { namespace: 'default', name: 'a-v' })
  await run.settle()
  t.ok(cluster.read(CLAIM, 'a-v'), 'made again while the pod is there')
  cluster.seed({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'b-v', namespace: 'default' }, spec: {} } as PersistentVolumeClaim, withVolume('b'))
  await run.settle()
  t.same(cluster.events, ['Pod/b Warning FailedBinding: ephemeral volume v: PVC default/b-v was not created for pod default/b (pod is not owner)'])
  t.equal(run.errors.length, 1)
})
