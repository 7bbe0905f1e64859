import t from 'tap'
import volumes from '../../../../api/core/v1/persistentvolume.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored, type Refusal } from '../../../helpers/refusals.ts'

const VOLUME = { apiVersion: 'v1', kind: 'PersistentVolume', spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } } }
const withSource = (source: object) => ({ ...VOLUME, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...source } })

t.test('what is filled in', async (t) => {
  t.match(await stored(t, VOLUME), {
    spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { type: '' } },
    status: { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' },
  })
  for (const [source, filled] of [
    [{ iscsi: { targetPortal: 'p', iqn: 'iqn.2001-04.com.example:s', lun: 0 } }, { iscsi: { iscsiInterface: 'default' } }],
    [{ rbd: { monitors: ['m'], image: 'i' } }, { rbd: { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' } }],
    [{ azureDisk: { diskName: 'd', diskURI: '/subscriptions/d', kind: 'Managed' } }, { azureDisk: { cachingMode: 'ReadWrite', fsType: 'ext4', readOnly: false } }],
    [{ scaleIO: { gateway: 'g', system: 's', volumeName: 'v', secretRef: { name: 's' } } }, { scaleIO: { storageMode: 'ThinProvisioned', fsType: 'xfs' } }],
  ] as const) {
    t.match((await stored(t, withSource(source))).spec, filled, Object.keys(source).join())
  }
})

t.test('what is refused', (t) => {
  const source = (member: string, value: object, ...lines: string[]): Refusal => [member, { 'spec.hostPath': undefined, [`spec.${member}`]: value }, ...lines]
  return checkRefusals(t, VOLUME, [
    ['no modes', { 'spec.accessModes': undefined }, 'spec.accessModes: Required value'],
    ['an unknown mode', { 'spec.accessModes': ['Some'] }, 'spec.accessModes: Unsupported value: "Some": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'],
    ['one pod and many', { 'spec.accessModes': ['ReadWriteOncePod', 'ReadWriteMany'] }, 'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
    ['no size', { 'spec.capacity': undefined }, 'spec.capacity: Required value', 'spec.capacity: Unsupported value: null: supported values: "storage"'],
    ['nothing', { 'spec.capacity.storage': '0' }, 'spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    ['no source', { 'spec.hostPath': undefined }, 'spec: Required value: must specify a volume type'],
    ['two sources', { 'spec.nfs': { server: 's', path: '/p' } }, 'spec.nfs: Forbidden: may not specify more than 1 volume type'],
    ['a way up', { 'spec.hostPath.path': '/a/../b' }, "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
    ['a root to be recycled', { 'spec.hostPath.path': '/', 'spec.persistentVolumeReclaimPolicy': 'Recycle' }, "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ['an unknown policy', { 'spec.persistentVolumeReclaimPolicy': 'Burn' }, 'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"'],
    ['an unknown form', { 'spec.volumeMode': 'Some' }, 'spec.volumeMode: Unsupported value: "Some": supported values: "Block", "Filesystem"'],
    ['affinity to nothing', { 'spec.nodeAffinity': {} }, 'spec.nodeAffinity.required: Required value: must specify required node constraints'],
    ['a class of attributes for no driver', { 'spec.volumeAttributesClassName': 'c' }, 'spec.csi: Required value: has to be specified when using volumeAttributesClassName'],
    ['options for what is not mounted', { 'metadata.annotations': { 'volume.beta.kubernetes.io/mount-options': 'ro' } }, 'metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for this volume type'],
    source('nfs', { path: 'p' }, 'spec.nfs.server: Required value', 'spec.nfs.path: Invalid value: "p": must be an absolute path'),
    source('local', { path: '' }, 'spec.local.path: Required value', 'spec.nodeAffinity: Required value: Local volume requires node affinity'),
    source('csi', { driver: 'd' }, 'spec.csi.volumeHandle: Required value'),
    source('iscsi', { targetPortal: 'p', iqn: 'x', lun: 256 },
      'spec.iscsi.iqn: Invalid value: "x": must be valid format',
      'spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive'),
    source('fc', {}, 'spec.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both'),
    source('azureFile', { shareName: 's', secretName: '', secretNamespace: '' }, 'spec.azureFile.secretName: Required value', 'spec.azureFile.secretNamespace: Required value'),
  ])
})

t.test('what may not change', async (t) => {
  const csi = { driver: 'd', volumeHandle: 'h' }
  const moved = '@@ -2,7 +2,7 @@\n  "GCEPersistentDisk": null,\n  "AWSElasticBlockStore": null,\n  "HostPath": {\n-  "Path": "/a",\n+  "Path": "/b",\n   "Type": ""\n  },\n  "Glusterfs": null,\n'
  await checkUpdateRefusals(t, VOLUME, [
    ['the source', { 'spec.hostPath.path': '/b' }, `spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n${moved}`],
    ['the form', { 'spec.volumeMode': 'Block' }, 'volumeMode: Invalid value: "Block": field is immutable'],
    ['the size', { 'spec.capacity.storage': '2Gi' }],
    ['a claim', { 'spec.claimRef': { namespace: 'ns', name: 'c' } }],
  ])
  await checkUpdateRefusals(t, withSource({ csi }), [['a secret to grow by', { 'spec.csi.controllerExpandSecretRef': { name: 's', namespace: 'ns' } }]])
  const term = (key: string) => ({ required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] } })
  await checkUpdateRefusals(t, withSource({ local: { path: '/a' }, nodeAffinity: term('beta.kubernetes.io/os') }), [
    ['a label by its stable name', { 'spec.nodeAffinity': term('kubernetes.io/os') }],
    ['another label', { 'spec.nodeAffinity': term('other') },
      'nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"other","Operator":"Exists","Values":null}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA'],
  ])
})

t.test('a new phase notes its time', async (t) => {
  const { create, update, clock } = await startApi(t)
  const made = await create(VOLUME)
  await clock.step(5000)
  const bound = await update(made, (copy) => void (copy['status'] = { phase: 'Available' }), { subresource: 'status' })
  t.match(bound['status'], { phase: 'Available', lastPhaseTransitionTime: '2026-01-01T00:00:05Z' })
})

t.test('what tables show', async (t) =>
  t.match(
    cells(volumes, {
      metadata: { name: 'v' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'], persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'ns', name: 'c' }, storageClassName: 's' },
      status: { phase: 'Bound' },
    }),
    { Name: 'v', Capacity: '1Gi', 'Access Modes': 'RWO,ROX,RWX,RWOP', 'Reclaim Policy': 'Retain', Status: 'Bound', Claim: 'ns/c', StorageClass: 's', VolumeAttributesClass: '<unset>' },
  ))
