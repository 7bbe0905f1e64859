/** Claims that a pod brings with it. */
import t from 'tap'
import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../schemas/types.ts'
import ephemeral from '../../controllers/ephemeral-volume.ts'
import attachDetach, { attachmentName } from '../../controllers/persistentvolume-attach-detach.ts'
import { attachStep, type Attempt } from '../../controllers/_attach-attempts.ts'
import expander from '../../controllers/persistentvolume-expander.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { node, pod } from '../helpers/objects.ts'
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

t.test('claims that are to grow', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, expander)
  const claim = (name: string): PersistentVolumeClaim => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'default', uid: `uid-${name}` }, spec: { volumeName: name, resources: { requests: { storage: '1Gi' } } }, status: { phase: 'Bound', capacity: { storage: '1Gi' } } })
  const volume = (name: string, source: Partial<PersistentVolume['spec']>): PersistentVolume => ({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { claimRef: { uid: `uid-${name}` }, ...source } })
  cluster.seed(volume('csi', { csi: { driver: 'd', volumeHandle: 'h' } }), volume('ebs', { awsElasticBlockStore: { volumeID: 'v' } }), claim('csi'), claim('ebs'))
  await run.settle()
  t.same(cluster.events, [])
  for (const name of ['csi', 'ebs']) cluster.edit<PersistentVolumeClaim>(CLAIM, name, (copy) => void (copy.spec.resources = { requests: { storage: '2Gi' } }))
  await run.settle()
  t.same(cluster.events, [
    'PersistentVolumeClaim/csi Normal ExternalExpanding: waiting for an external controller to expand this PVC',
    'PersistentVolumeClaim/ebs Normal ExternalExpanding: CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc',
  ])
  t.equal(cluster.read(CLAIM, 'ebs').metadata.annotations?.['volume.kubernetes.io/storage-resizer'], 'ebs.csi.aws.com')
  t.same(run.errors, [])
})

t.test('volumes of CSI drivers are attached where pods use them', async (t) => {
  const KIND = 'storage.k8s.io/v1/VolumeAttachment'
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, attachDetach)
  const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'default' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } }
  const volume: PersistentVolume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, spec: { csi: { driver: 'd.example.com', volumeHandle: 'h' } } }
  const user: Pod = { ...pod('p', { node: 'n' }), spec: { nodeName: 'n', containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } }
  cluster.seed(node('n'), claim, volume, user)
  await run.settle()
  t.same(cluster.all(KIND), [], 'where the kubelet leaves it to the controller')
  cluster.edit<Node>('v1/Node', 'n', (copy) => void (copy.metadata.annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }))
  await run.settle()
  const name = attachmentName({ driver: 'd.example.com', handle: 'h', node: 'n' })
  t.match(cluster.all<VolumeAttachment>(KIND), [{ metadata: { name }, spec: { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } } }])
  cluster.edit<VolumeAttachment>(KIND, name, (copy) => void (copy.status = { attached: true }))
  await run.settle()
  t.same(cluster.read<Node>('v1/Node', 'n').status?.volumesAttached, [{ name: 'kubernetes.io/csi/d.example.com^h', devicePath: '' }])
  t.same(cluster.events, ['Pod/p Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv" '])
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'p' })
  await run.settle()
  t.same([cluster.all(KIND), cluster.read<Node>('v1/Node', 'n').status?.volumesAttached], [[], []])
  cluster.seed({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'd.example.com' }, spec: { attachRequired: false } } as CSIDriver, { ...user, metadata: { ...user.metadata, uid: 'again' } })
  await run.settle()
  t.same(cluster.all(KIND), [], 'a driver may do without')
  t.same(run.errors, [])
})

t.test('a volume that its node has mounted is detached later', async (t) => {
  const KIND = 'storage.k8s.io/v1/VolumeAttachment'
  const IN_USE = 'kubernetes.io/csi/d.example.com^h'
  const cases: { name: string; edit: (node: Node) => void; gone: boolean }[] = [
    { name: 'mounted', edit: () => {}, gone: false },
    { name: 'let go', edit: (n) => void (n.status = { ...n.status, volumesInUse: [] }), gone: true },
    { name: 'out of service', edit: (n) => void (n.spec.taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }]), gone: true },
  ]
  for (const { name: what, edit, gone } of cases) {
    const cluster = new FakeCluster()
    const run = new ControllerRun(cluster, attachDetach)
    const base = node('n')
    const name = attachmentName({ driver: 'd.example.com', handle: 'h', node: 'n' })
    cluster.seed(
      { ...base, metadata: { ...base.metadata, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } }, status: { volumesInUse: [IN_USE], conditions: [{ type: 'Ready', status: 'Unknown' }] } } as Node,
      { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, spec: { csi: { driver: 'd.example.com', volumeHandle: 'h' } } } as PersistentVolume,
      { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec: { attacher: 'd.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } }, status: { attached: true } } as VolumeAttachment,
    )
    await run.settle()
    t.equal(cluster.all(KIND).length, 1, `${what}: at first`)
    cluster.edit<Node>('v1/Node', 'n', edit)
    await run.settle()
    t.equal(cluster.all(KIND).length, gone ? 0 : 1, what)
    await run.step(6 * 60_000)
    t.same(cluster.all(KIND), [], `${what}: a node that is not well has six minutes`)
    t.same(run.errors, [])
  }
})

t.test('how an attempt to attach goes', (t) => {
  const attachment = (status: VolumeAttachment['status'], metadata: object = {}): VolumeAttachment => ({ apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name: 'a', ...metadata }, spec: { attacher: 'd', nodeName: 'n', source: {} }, status })
  const silent = attachment({ attached: false })
  const failed = attachment({ attached: false, attachError: { message: 'rpc error' } })
  const step = (before: Attempt | undefined, nowMs: number, of: VolumeAttachment) => attachStep(before, { attachment: of, handle: 'h', nowMs })
  t.same(step(undefined, 1000, failed), { next: { sinceMs: 1000, pauseMs: 500 }, againMs: 500 }, 'a new one is given a moment')
  t.same(step({ sinceMs: 1000, pauseMs: 500 }, 1500, failed), { next: { sinceMs: 1000, pauseMs: 1000, pausedUntilMs: 2000 }, failure: 'rpc error', againMs: 500 })
  t.same(step({ sinceMs: 1000, pauseMs: 1000, pausedUntilMs: 2000 }, 1800, failed).againMs, 200, 'the pause is kept')
  t.same(step({ sinceMs: 1000, pauseMs: 1000, pausedUntilMs: 2000 }, 2000, failed), { next: { sinceMs: 2000, pauseMs: 1000 }, againMs: 500 }, 'and another try')
  t.same(step({ sinceMs: 0, pauseMs: 122_000 }, 600, failed).next, { sinceMs: 0, pauseMs: 122_000, pausedUntilMs: 122_600 }, 'pauses do not grow for ever')
  t.same(step({ sinceMs: 0, pauseMs: 500 }, 60_000, silent), { next: { sinceMs: 0, pauseMs: 500 }, againMs: 60_000 })
  t.equal(step({ sinceMs: 0, pauseMs: 500 }, 120_000, silent).failure, 'timed out waiting for external-attacher of d CSI driver to attach volume h')
  t.equal(step({ sinceMs: 0, pauseMs: 500 }, 600, attachment({ attached: false }, { deletionTimestamp: '2026-01-01T00:00:00Z' })).failure, 'volume attachment is being deleted')
  t.end()
})

t.test('a volume for one node at a time', async (t) => {
  const KIND = 'storage.k8s.io/v1/VolumeAttachment'
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, attachDetach)
  const managed = (name: string): Node => ({ ...node(name), metadata: { ...node(name).metadata, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } } })
  const user = (name: string, on: string): Pod => ({ ...pod(name, { node: on }), spec: { nodeName: on, containers: [{ name: 'c' }], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } })
  const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'default' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } }
  const volume: PersistentVolume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, spec: { accessModes: ['ReadWriteOnce'], claimRef: { namespace: 'default', name: 'c' }, csi: { driver: 'd', volumeHandle: 'h' } } }
  cluster.seed(managed('n'), managed('m'), claim, volume, user('p', 'n'))
  await run.settle()
  const name = attachmentName({ driver: 'd', handle: 'h', node: 'n' })
  cluster.edit<VolumeAttachment>(KIND, name, (copy) => void (copy.status = { attached: false, attachError: { message: 'rpc error: no' } }))
  await run.step(600)
  t.same(cluster.events, ['Pod/p Warning FailedAttachVolume: AttachVolume.Attach failed for volume "pv" : rpc error: no'])
  cluster.edit<VolumeAttachment>(KIND, name, (copy) => void (copy.status = { attached: true }))
  await run.settle()
  cluster.seed(user('q', 'm'))
  await run.settle()
  await run.step(1000)
  t.same(cluster.events.slice(1), ['Pod/p Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv" ', 'Pod/q Warning FailedAttachVolume: Multi-Attach error for volume "pv" Volume is already used by pod(s) p'])
  t.equal(cluster.all(KIND).length, 1)
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'p' })
  await run.settle()
  t.match(cluster.all<VolumeAttachment>(KIND), [{ spec: { nodeName: 'm' } }], 'when it is free')
  t.same(run.errors, [])
})
