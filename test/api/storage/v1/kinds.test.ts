import t from 'tap'
import drivers from '../../../../api/storage/v1/csidriver.ts'
import classes, { isDefaultClass } from '../../../../api/storage/v1/storageclass.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const API = 'storage.k8s.io/v1'
const CLASS = { apiVersion: API, kind: 'StorageClass', provisioner: 'x.example/p' }
const ATTRIBUTES = { apiVersion: API, kind: 'VolumeAttributesClass', driverName: 'x.example', parameters: { speed: 'high' } }
const DRIVER = { apiVersion: API, kind: 'CSIDriver', spec: {} }
const CSI_NODE = { apiVersion: API, kind: 'CSINode', spec: { drivers: [{ name: 'd', nodeID: 'n', topologyKeys: ['zone'], allocatable: { count: 5 } }] } }
const CAPACITY = { apiVersion: API, kind: 'CSIStorageCapacity', metadata: { name: 'a', namespace: 'ns' }, storageClassName: 'c', capacity: '1Gi' }
const ATTACHMENT = { apiVersion: API, kind: 'VolumeAttachment', spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } } }
const FIXED = 'field is immutable'
const NAME_RULE = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

t.test('storage classes', async (t) => {
  const expressions = 'allowedTopologies[0].matchLabelExpressions'
  const term = (...list: object[]) => ({ allowedTopologies: [{ matchLabelExpressions: list }] })
  t.match(await stored(t, CLASS), { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' })
  await checkRefusals(t, CLASS, [
    ['no provisioner', { provisioner: undefined }, 'provisioner: Required value'],
    ['an unknown policy', { reclaimPolicy: 'Recycle' }, 'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    ['an unknown mode', { volumeBindingMode: 'Some' }, 'volumeBindingMode: Unsupported value: "Some": supported values: "Immediate", "WaitForFirstConsumer"'],
    ['a parameter without name', { parameters: { '': 'x' } }, 'parameters: Invalid value: "": field can not be empty.'],
    ['huge parameters', { parameters: { a: 'x'.repeat(256 * 1024) } }, 'parameters: Too long: may not be more than 262144 bytes'],
    ['no zone', term({ key: 'zone' }), `${expressions}[0].values: Required value`],
    ['a zone twice', term({ key: 'zone', values: ['a', 'a'] }), `${expressions}[0].values[1]: Duplicate value: "a"`],
    ['a key twice', term({ key: 'zone', values: ['a'] }, { key: 'zone', values: ['b'] }), `${expressions}[1].key: Duplicate value: "zone"`],
    ['a term twice', { allowedTopologies: [{ matchLabelExpressions: [{ key: 'z', values: ['a', 'b'] }] }, { matchLabelExpressions: [{ key: 'z', values: ['b', 'a'] }] }] }, 'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
  ])
  await checkUpdateRefusals(t, CLASS, [
    ['other parameters', { parameters: { b: '1', a: '2' } }, `parameters: Invalid value: {"a":"2","b":"1"}: ${FIXED}`],
    ['another policy', { reclaimPolicy: 'Retain' }, `reclaimPolicy: Invalid value: "Retain": ${FIXED}`],
    ['room to grow', { allowVolumeExpansion: true }],
  ])
  const byDefault = { metadata: { name: 's', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'p' }
  t.ok(isDefaultClass(byDefault))
  t.match(cells(classes, byDefault), { Name: 's (default)', ReclaimPolicy: 'Delete', VolumeBindingMode: 'Immediate', AllowVolumeExpansion: false })
})

t.test('classes of attributes', async (t) => {
  await checkRefusals(t, ATTRIBUTES, [
    ['no driver', { driverName: '' }, 'driverName: Required value'],
    ['no parameters', { parameters: {} }, 'parameters: Required value: must contain at least one key/value pair'],
  ])
  await checkUpdateRefusals(t, ATTRIBUTES, [['both others', { driverName: 'y', parameters: { speed: 'low' } }, 'driverName: Forbidden: updates to driverName are forbidden.', 'parameters: Forbidden: updates to parameters are forbidden.']])
})

t.test('drivers', async (t) => {
  t.match((await stored(t, DRIVER)).spec, { attachRequired: true, podInfoOnMount: false, volumeLifecycleModes: ['Persistent'], storageCapacity: false, fsGroupPolicy: 'ReadWriteOnceWithFSType', requiresRepublish: false, seLinuxMount: false })
  await checkRefusals(t, DRIVER, [
    ['an unknown policy', { 'spec.fsGroupPolicy': 'Some' }, 'spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnceWithFSType"'],
    ['an unknown way to live', { 'spec.volumeLifecycleModes': ['Some'] }, 'spec.volumeLifecycleModes: Unsupported value: "Some": supported values: "Persistent", "Ephemeral"'],
    ['a short token', { 'spec.tokenRequests': [{ audience: 'a', expirationSeconds: 1 }] }, 'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes'],
    ['an audience twice', { 'spec.tokenRequests': [{ audience: 'a' }, { audience: 'a' }] }, 'spec.tokenRequests[1].audience: Duplicate value: "a"'],
    ['tokens of nobody', { 'spec.serviceAccountTokenInSecrets': true }, 'spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified'],
    ['restless', { 'spec.nodeAllocatableUpdatePeriodSeconds': 9 }, 'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds'],
  ])
  await checkUpdateRefusals(t, DRIVER, [
    ['attaching', { 'spec.attachRequired': false }, `spec.attachedRequired: Invalid value: false: ${FIXED}`],
    ['another life', { 'spec.volumeLifecycleModes': ['Ephemeral'] }, `spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: ${FIXED}`],
  ])
  const { create, update } = await startApi(t)
  const made = await create({ ...DRIVER, spec: { tokenRequests: [{}] } })
  const same = await update(made, (copy) => void (copy.metadata.labels = { a: 'b' }))
  const changed = await update(same, (copy) => void (copy['spec'] = { requiresRepublish: true }))
  t.same([made, same, changed].map(({ metadata: { generation } }) => generation), [undefined, undefined, 1], 'changes are counted from nothing')
  t.match(cells(drivers, { metadata: { name: 'd' }, spec: { tokenRequests: [{ audience: 'a' }, { audience: 'b' }], volumeLifecycleModes: ['Persistent', 'Ephemeral'] } }), { TokenRequests: 'a,b', Modes: 'Persistent,Ephemeral', AttachRequired: true })
})

t.test('what nodes know of drivers', async (t) => {
  const driver = 'spec.drivers[0]'
  await checkRefusals(t, CSI_NODE, [
    ['no id', { [`${driver}.nodeID`]: '' }, `${driver}.nodeID: Required value`],
    ['less than nothing', { [`${driver}.allocatable.count`]: -1 }, `${driver}.allocatable.count: Invalid value: -1: must be greater than or equal to 0`],
    ['a driver twice', { 'spec.drivers[1]': { name: 'd', nodeID: 'm', topologyKeys: null } }, 'spec.drivers[1].name: Duplicate value: "d"'],
    ['a key twice', { [`${driver}.topologyKeys`]: ['zone', 'zone'] }, `${driver}: Duplicate value: "zone"`],
    ['a bad key', { [`${driver}.topologyKeys`]: ['a b'] }, `${driver}: Invalid value: "a b": ${NAME_RULE}`],
  ])
  await checkUpdateRefusals(t, CSI_NODE, [
    ['other keys', { [`${driver}.topologyKeys`]: ['rack'] }, `spec.drivers: Invalid value: {"Name":"d","NodeID":"n","TopologyKeys":["rack"],"Allocatable":null}: ${FIXED}`],
    ['another count', { [`${driver}.allocatable.count`]: 6 }],
    ['no drivers', { 'spec.drivers': [] }],
  ])
  await checkUpdateRefusals(t, { ...CSI_NODE, spec: { drivers: [{ name: 'd', nodeID: 'n', topologyKeys: [] }] } }, [['no keys, said otherwise', { [`${driver}.topologyKeys`]: [] }]])
})

t.test('capacities', async (t) => {
  await checkRefusals(t, CAPACITY, [
    ['no class', { storageClassName: '' }, "storageClassName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
    ['less than nothing', { capacity: '-1' }, 'capacity: Invalid value: "-1": must be greater than or equal to 0'],
  ])
  await checkUpdateRefusals(t, CAPACITY, [
    ['elsewhere', { nodeTopology: { matchLabels: { b: '1', a: '2' }, matchExpressions: [{ key: 'k', operator: 'Exists' }] } }, `nodeTopology: Invalid value: {"matchLabels":{"a":"2","b":"1"},"matchExpressions":[{"key":"k","operator":"Exists"}]}: ${FIXED}`],
    ['another class', { storageClassName: 'd' }, `storageClassName: Invalid value: "d": ${FIXED}`],
    ['less room', { capacity: '1Mi' }],
  ])
})

t.test('attachments', async (t) => {
  const inline = { persistentVolumeName: undefined, inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], csi: { driver: 'd', volumeHandle: 'h' } } }
  const of = 'spec.source'
  await checkRefusals(t, ATTACHMENT, [
    ['of nothing', { [of]: {} }, `${of}: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName`],
    ['of two', { [`${of}.inlineVolumeSpec`]: inline.inlineVolumeSpec }, `${of}: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName`],
    ['inline', { [of]: inline }],
    ['inline but not of a driver', { [of]: { inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } } } }, `${of}.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes`],
    ['to no node', { 'spec.nodeName': '-' }, "spec.nodeName: Invalid value: \"-\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
  ])
  await checkUpdateRefusals(t, ATTACHMENT, [['to another node', { 'spec.nodeName': 'm' }, `spec: Invalid value: {"Attacher":"d","Source":{"PersistentVolumeName":"v","InlineVolumeSpec":null},"NodeName":"m"}: ${FIXED}`]])
  await checkUpdateRefusals(t, ATTACHMENT, [['a negative error', { 'status.attachError': { errorCode: -1 } }, 'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive']], { subresource: 'status' })
})
