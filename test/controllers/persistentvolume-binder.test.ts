import t from 'tap'
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../schemas/types.ts'
import binder, { plan, type ClaimView } from '../../controllers/persistentvolume-binder.ts'
import volumeBinder, { plan as planVolume } from '../../controllers/persistentvolume-binder-volumes.ts'
import claimProtection from '../../controllers/persistentvolumeclaim-protection.ts'
import volumeProtection from '../../controllers/persistentvolume-protection.ts'
import provisioner from '../../controllers/local-path-provisioner.ts'
import reclaimer from '../../controllers/local-path-reclaimer.ts'
import { bestMatch } from '../../controllers/_volumes.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

function claim(name: string, size: string, o: { storageClassName?: string; annotations?: Record<string, string>; volumeName?: string; modes?: string[]; phase?: string } = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, finalizers: ['kubernetes.io/pvc-protection'], ...(o.annotations ? { annotations: o.annotations } : {}) },
    spec: { accessModes: o.modes ?? ['ReadWriteOnce'], resources: { requests: { storage: size } }, storageClassName: o.storageClassName ?? 'manual', ...(o.volumeName ? { volumeName: o.volumeName } : {}) },
    status: { phase: o.phase ?? 'Pending' },
  }
}

function volume(name: string, size: string, o: { storageClassName?: string; modes?: string[]; claimRef?: PersistentVolume['spec']['claimRef']; phase?: string; policy?: string; annotations?: Record<string, string>; path?: string } = {}): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: `uid-${name}`, finalizers: ['kubernetes.io/pv-protection'], ...(o.annotations ? { annotations: o.annotations } : {}) },
    spec: { accessModes: o.modes ?? ['ReadWriteOnce'], capacity: { storage: size }, storageClassName: o.storageClassName ?? 'manual', persistentVolumeReclaimPolicy: o.policy ?? 'Retain', hostPath: { path: o.path ?? '/x' }, ...(o.claimRef ? { claimRef: o.claimRef } : {}) },
    status: { phase: o.phase ?? 'Available' },
  }
}

const storageClass = (name: string, o: Partial<StorageClass> = {}): StorageClass => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: 'orrery.io/local-path', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate', ...o })

t.test('which volume suits best', (t) => {
  const mine = { name: 'c', namespace: 'default' }
  const cases: { name: string; claim: PersistentVolumeClaim; volumes: PersistentVolume[]; delayed?: boolean; expect: string | undefined }[] = [
    { name: 'the smallest that is large enough', claim: claim('c', '3Gi'), volumes: [volume('s', '1Gi'), volume('l', '9Gi'), volume('m', '5Gi')], expect: 'm' },
    { name: 'of the class', claim: claim('c', '1Gi'), volumes: [volume('a', '1Gi', { storageClassName: 'other' })], expect: undefined },
    { name: 'with the modes', claim: claim('c', '1Gi', { modes: ['ReadWriteMany'] }), volumes: [volume('a', '1Gi')], expect: undefined },
    { name: 'with as few more modes as can be', claim: claim('c', '1Gi'), volumes: [volume('a', '1Gi', { modes: ['ReadWriteOnce', 'ReadWriteMany'] }), volume('b', '5Gi')], expect: 'b' },
    { name: 'only what is available', claim: claim('c', '1Gi'), volumes: [volume('a', '1Gi', { phase: 'Released' })], expect: undefined },
    { name: 'not what is meant for another', claim: claim('c', '1Gi'), volumes: [volume('a', '1Gi', { claimRef: { name: 'd', namespace: 'default' } })], expect: undefined },
    { name: 'what is meant for it, whatever its class', claim: claim('c', '1Gi'), volumes: [volume('b', '1Gi'), volume('a', '5Gi', { claimRef: mine, storageClassName: 'other' })], expect: 'a' },
    { name: 'later: only what is meant for it', claim: claim('c', '1Gi'), volumes: [volume('b', '1Gi')], delayed: true, expect: undefined },
  ]
  for (const c of cases) t.equal(bestMatch(c.claim, c.volumes, c.delayed ?? false)?.metadata.name, c.expect, c.name)
  t.end()
})

t.test('what is done for a claim', (t) => {
  const classes = [storageClass('fast'), storageClass('lazy', { volumeBindingMode: 'WaitForFirstConsumer' }), storageClass('none', { provisioner: 'kubernetes.io/no-provisioner' }), storageClass('ebs', { provisioner: 'kubernetes.io/aws-ebs' })]
  const standard = storageClass('standard', { metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } })
  const view = (volumes: PersistentVolume[], pods: string[] = [], more: StorageClass[] = []): ClaimView => ({
    volume: (name) => volumes.find((v) => v.metadata.name === name),
    volumes: () => volumes,
    storageClass: (name) => [...classes, ...more].find((c) => c.metadata.name === name),
    classes: () => [...classes, ...more],
    waitingPods: () => pods,
  })
  const unclassed = claim('c', '1Gi')
  delete unclassed.spec.storageClassName
  const bound = { 'pv.kubernetes.io/bind-completed': 'yes' }
  const event = (type: string, reason: string, message: string) => ({ type, reason, message })
  const cases: { name: string; claim: PersistentVolumeClaim; view: ClaimView; expect: object }[] = [
    { name: 'binds', claim: claim('c', '1Gi'), view: view([volume('v', '1Gi')]), expect: { do: 'bind' } },
    { name: 'asks the provisioner', claim: claim('c', '1Gi', { storageClassName: 'fast' }), view: view([]), expect: { do: 'provision', provisioner: 'orrery.io/local-path' } },
    { name: 'asks the driver that took over', claim: claim('c', '1Gi', { storageClassName: 'ebs' }), view: view([]), expect: { do: 'provision', provisioner: 'ebs.csi.aws.com' } },
    { name: 'no such class', claim: claim('c', '1Gi'), view: view([]), expect: { do: 'tell', event: event('Warning', 'ProvisioningFailed', 'storageclass.storage.k8s.io "manual" not found') } },
    { name: 'no provisioner', claim: claim('c', '1Gi', { storageClassName: 'none' }), view: view([]), expect: { do: 'tell', event: event('Warning', 'ProvisioningFailed', 'no volume plugin matched name: kubernetes.io/no-provisioner') } },
    { name: 'waits for a consumer', claim: claim('c', '1Gi', { storageClassName: 'lazy' }), view: view([]), expect: { do: 'phase', phase: 'Pending', event: event('Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding') } },
    { name: 'waits for its pods', claim: claim('c', '1Gi', { storageClassName: 'lazy' }), view: view([], ['a', 'b']), expect: { do: 'phase', phase: 'Pending', event: event('Normal', 'WaitForPodScheduled', 'waiting for pods a,b to be scheduled') } },
    { name: 'its node is chosen', claim: claim('c', '1Gi', { storageClassName: 'lazy', annotations: { 'volume.kubernetes.io/selected-node': 'n' } }), view: view([]), expect: { do: 'provision', provisioner: 'orrery.io/local-path' } },
    { name: 'no class at all', claim: unclassed, view: view([]), expect: { do: 'phase', phase: 'Pending', event: event('Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set') } },
    { name: 'gets the default class', claim: unclassed, view: view([], [], [standard]), expect: { do: 'assignClass', name: 'standard' } },
    { name: 'wants none', claim: claim('c', '1Gi', { storageClassName: '' }), view: view([], [], [standard]), expect: { do: 'phase', phase: 'Pending' } },
    { name: 'a named volume that is too small', claim: claim('c', '2Gi', { volumeName: 'v' }), view: view([volume('v', '1Gi')]), expect: { do: 'phase', phase: 'Pending', event: event('Warning', 'VolumeMismatch', 'Cannot bind to requested volume "v": requested PV is too small') } },
    { name: 'a named volume that another has', claim: claim('c', '1Gi', { volumeName: 'v' }), view: view([volume('v', '1Gi', { claimRef: { name: 'd', namespace: 'default', uid: 'd' } })]), expect: { do: 'phase', phase: 'Pending', event: event('Warning', 'FailedBinding', 'volume "v" already bound to a different claim.') } },
    { name: 'lost', claim: claim('c', '1Gi', { volumeName: 'v', annotations: bound }), view: view([]), expect: { do: 'phase', phase: 'Lost', event: event('Warning', 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!') } },
    { name: 'misbound', claim: claim('c', '1Gi', { volumeName: 'v', annotations: bound }), view: view([volume('v', '1Gi', { claimRef: { uid: 'other' } })]), expect: { do: 'phase', phase: 'Lost', event: event('Warning', 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly') } },
  ]
  for (const c of cases) t.match(plan(c.claim, c.view), c.expect, c.name)
  t.end()
})

t.test('what is done for a volume', (t) => {
  const ref = { name: 'c', namespace: 'default', uid: 'uid-c' }
  const c = claim('c', '1Gi', { volumeName: 'v' })
  const cases: { name: string; volume: PersistentVolume; claim?: PersistentVolumeClaim; expect: object }[] = [
    { name: 'new', volume: volume('v', '1Gi', { phase: '' }), expect: { do: 'phase', phase: 'Available' } },
    { name: 'meant for a claim', volume: volume('v', '1Gi', { phase: '', claimRef: { name: 'c', namespace: 'default' } }), expect: { do: 'phase', phase: 'Available' } },
    { name: 'its claim has it', volume: volume('v', '1Gi', { claimRef: ref }), claim: c, expect: { do: 'phase', phase: 'Bound' } },
    { name: 'its claim is gone', volume: volume('v', '1Gi', { claimRef: ref, phase: 'Bound' }), expect: { do: 'phase', phase: 'Released' } },
    { name: 'its claim is another now', volume: volume('v', '1Gi', { claimRef: { ...ref, uid: 'former' }, phase: 'Bound' }), claim: c, expect: { do: 'phase', phase: 'Released' } },
    { name: 'retained', volume: volume('v', '1Gi', { claimRef: ref, phase: 'Released' }), expect: { do: 'nothing' } },
    { name: 'deleted', volume: volume('v', '1Gi', { claimRef: ref, phase: 'Released', policy: 'Delete', path: '/tmp/x' }), expect: { do: 'delete' } },
    { name: 'deleted by its provisioner', volume: volume('v', '1Gi', { claimRef: ref, phase: 'Released', policy: 'Delete', annotations: { 'pv.kubernetes.io/provisioned-by': 'x.example' } }), expect: { do: 'nothing' } },
    {
      name: 'cannot be deleted',
      volume: volume('v', '1Gi', { claimRef: ref, phase: 'Released', policy: 'Delete' }),
      expect: { do: 'phase', phase: 'Failed', event: { reason: 'VolumeFailedDelete', message: 'host_path deleter only supports /tmp/.+ but received provided /x' } },
    },
    { name: 'recycled', volume: volume('v', '1Gi', { claimRef: ref, phase: 'Released', policy: 'Recycle' }), expect: { do: 'recycle' } },
    { name: 'its claim took another', volume: volume('v', '1Gi', { claimRef: ref, phase: 'Bound' }), claim: claim('c', '1Gi', { volumeName: 'w' }), expect: { do: 'unbind' } },
  ]
  for (const x of cases) t.match(planVolume(x.volume, x.claim), x.expect, x.name)
  t.end()
})

/** All the controllers of volumes together. */
function storage() {
  const cluster = new FakeCluster()
  const claims = [binder, claimProtection, provisioner].map((d) => new ControllerRun(cluster, d))
  const volumes = [volumeBinder, volumeProtection, reclaimer].map((d) => new ControllerRun(cluster, d))
  const settle = async () => {
    for (let before = -1; before !== cluster.writes.length; ) {
      before = cluster.writes.length
      for (const run of [...claims, ...volumes]) await run.settle()
    }
  }
  const errors = () => [...claims, ...volumes].flatMap((run) => run.errors)
  return { cluster, settle, errors, claim: (name: string) => cluster.read<PersistentVolumeClaim>('v1/PersistentVolumeClaim', name), volume: (name: string) => cluster.read<PersistentVolume>('v1/PersistentVolume', name) }
}

t.test('a claim is bound, used, and let go', async (t) => {
  const s = storage()
  s.cluster.seed(volume('small', '1Gi', { phase: '' }), volume('large', '5Gi', { phase: '' }), claim('want', '3Gi'))
  await s.settle()
  t.match(s.claim('want'), { spec: { volumeName: 'large' }, status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } } })
  t.same(s.claim('want').metadata.annotations, { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' })
  t.match(s.volume('large'), { spec: { claimRef: { kind: 'PersistentVolumeClaim', name: 'want', uid: 'uid-want' } }, status: { phase: 'Bound' } })
  t.same(s.volume('large').metadata.annotations, { 'pv.kubernetes.io/bound-by-controller': 'yes' })
  t.equal(s.volume('small').status?.phase, 'Available')

  const user = { ...pod('user', { node: 'n' }), spec: { nodeName: 'n', volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'want' } }] } }
  s.cluster.seed(user)
  await s.cluster.delete('v1/PersistentVolumeClaim', { namespace: 'default', name: 'want' })
  await s.settle()
  t.ok(s.claim('want').metadata.deletionTimestamp, 'it stays while a pod uses it')
  s.cluster.finish('v1/Pod', 'user')
  await s.settle()
  t.same(s.cluster.all('v1/PersistentVolumeClaim'), [])
  t.equal(s.volume('large').status?.phase, 'Released')
  t.same(s.errors(), [])
})

t.test('a volume that appears later is taken', async (t) => {
  const s = storage()
  s.cluster.seed(claim('want', '3Gi'))
  await s.settle()
  t.equal(s.claim('want').status?.phase, 'Pending')
  s.cluster.seed(volume('late', '3Gi', { phase: '' }))
  await s.settle()
  t.equal(s.claim('want').status?.phase, 'Bound')
})

t.test('a volume is provisioned, and goes with its claim', async (t) => {
  const s = storage()
  s.cluster.seed(storageClass('lazy', { volumeBindingMode: 'WaitForFirstConsumer' }), claim('data', '2Gi', { storageClassName: 'lazy' }))
  await s.settle()
  t.same(s.cluster.all('v1/PersistentVolume'), [])
  s.cluster.edit<PersistentVolumeClaim>('v1/PersistentVolumeClaim', 'data', (copy) => void (copy.metadata.annotations = { 'volume.kubernetes.io/selected-node': 'node-1' }))
  await s.settle()
  t.match(s.claim('data'), { spec: { volumeName: 'pvc-uid-data' }, status: { phase: 'Bound', capacity: { storage: '2Gi' } } })
  t.match(s.volume('pvc-uid-data').spec, { storageClassName: 'lazy', persistentVolumeReclaimPolicy: 'Delete', nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', values: ['node-1'] }] }] } } })
  t.ok(s.cluster.events.includes('PersistentVolumeClaim/data Normal ProvisioningSucceeded: Successfully provisioned volume pvc-uid-data'))
  await s.cluster.delete('v1/PersistentVolumeClaim', { namespace: 'default', name: 'data' })
  await s.settle()
  t.same([...s.cluster.all<Pod>('v1/PersistentVolumeClaim'), ...s.cluster.all('v1/PersistentVolume')], [])
  t.same(s.errors(), [])
})
