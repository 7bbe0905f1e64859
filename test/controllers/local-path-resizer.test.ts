/** Volumes of the local provisioner grow with their claims. */
import t from 'tap'
import type { PersistentVolume, PersistentVolumeClaim } from '../../schemas/types.ts'
import resizer, { finished, inProgress, wantedSize } from '../../controllers/local-path-resizer.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'

const claim = (asked: string, has: string): PersistentVolumeClaim => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'default', uid: 'u' }, spec: { volumeName: 'pv', resources: { requests: { storage: asked } } }, status: { phase: 'Bound', capacity: { storage: has } } })
const volume = (provisioner: string): PersistentVolume => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv', annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } }, spec: { capacity: { storage: '1Gi' }, claimRef: { uid: 'u' } } })

t.test('what is wanted', (t) => {
  t.equal(wantedSize(claim('2Gi', '1Gi')), '2Gi')
  t.equal(wantedSize(claim('1024Mi', '1Gi')), undefined)
  t.equal(wantedSize(claim('1Gi', '2Gi')), undefined, 'volumes do not shrink')
  t.end()
})

t.test('what a status says', (t) => {
  const other = { type: 'ModifyingVolume', status: 'True' }
  const going = inProgress({ phase: 'Bound', capacity: { storage: '1Gi' }, conditions: [other, { type: 'FileSystemResizePending', status: 'True' }] }, '2Gi', 0)
  t.same(going, { phase: 'Bound', capacity: { storage: '1Gi' }, conditions: [other, { type: 'Resizing', status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z' }], allocatedResources: { storage: '2Gi' }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } })
  t.same(finished(going, '2Gi'), { phase: 'Bound', capacity: { storage: '2Gi' }, conditions: [other], allocatedResources: { storage: '2Gi' } })
  t.end()
})

t.test('others have their own resizers', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, resizer)
  cluster.seed(volume('x.example.com'), claim('2Gi', '1Gi'))
  await run.settle()
  t.equal(cluster.writes.length, 0)
})

t.test('a claim that grows', async (t) => {
  const kubectl = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  await kubectl.apply(`
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: elastic}
provisioner: orrery.io/local-path
allowVolumeExpansion: true
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: c}
spec: {storageClassName: elastic, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}`)
  await kubectl.run('wait pvc/c --for=jsonpath={.status.phase}=Bound --timeout=20s')
  await kubectl.run(['patch', 'pvc', 'c', '-p', '{"spec": {"resources": {"requests": {"storage": "3Gi"}}}}'])
  await kubectl.run('wait pvc/c --for=jsonpath={.status.capacity.storage}=3Gi --timeout=20s')
  const { status } = await kubectl.json<PersistentVolumeClaim>('get pvc c')
  t.same(status, { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '3Gi' }, allocatedResources: { storage: '3Gi' } })
  t.equal(await kubectl.run('get pv -o jsonpath={.items[*].spec.capacity.storage}'), '3Gi')
  await eventually(async () => /Resizing +persistentvolumeclaim\/c +External resizer is resizing volume pvc-[^]*VolumeResizeSuccessful +persistentvolumeclaim\/c +Resize volume succeeded/.test(await kubectl.run('get events --sort-by=.metadata.name')))
})
