import t from 'tap'
import claims from '../../../../api/core/v1/persistentvolumeclaim.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const metadata = { name: 'a', namespace: 'ns' }
const CLAIM = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
const SNAPSHOT = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' }
const withSpec = (spec: object) => ({ ...CLAIM, spec: { ...CLAIM.spec, ...spec } })

t.test('what is filled in', async (t) => {
  t.match(await stored(t, CLAIM), { spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } })
  t.match((await stored(t, withSpec({ dataSource: SNAPSHOT }))).spec, { dataSource: SNAPSHOT, dataSourceRef: SNAPSHOT })
  t.match((await stored(t, withSpec({ dataSourceRef: SNAPSHOT }))).spec, { dataSource: SNAPSHOT, dataSourceRef: SNAPSHOT })
  const other = { apiGroup: 'x.example', kind: 'Populator', name: 'p' }
  t.match((await stored(t, withSpec({ dataSource: other }))).spec, { dataSource: undefined, dataSourceRef: undefined }, 'what no data can come from')
})

t.test('what is refused', (t) =>
  checkRefusals(t, CLAIM, [
    ['no modes', { 'spec.accessModes': undefined }, 'spec.accessModes: Required value: at least 1 access mode is required'],
    ['no size', { 'spec.resources': {} }, 'spec.resources[storage]: Required value'],
    ['nothing', { 'spec.resources.requests.storage': '0' }, 'spec.resources[storage]: Invalid value: "0": must be greater than zero'],
    ['one pod and many', { 'spec.accessModes': ['ReadWriteOncePod', 'ReadWriteMany'] }, 'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes'],
    ['a class that is no name', { 'spec.storageClassName': '-' }, "spec.storageClassName: Invalid value: \"-\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"],
    ['two sources', { 'spec.dataSource': SNAPSHOT, 'spec.dataSourceRef': { ...SNAPSHOT, name: 't' } }, 'spec: Invalid value: {}: must match dataSourceRef'],
  ]))

t.test('what may not change', async (t) => {
  const immutable = (diff: string): string => `spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${diff}`
  const resized = '@@ -6,7 +6,7 @@\n  "Resources": {\n   "Limits": null,\n   "Requests": {\n-   "storage": "1Gi"\n+   "storage": "2Gi"\n   }\n  },\n  "VolumeName": "",\n'
  await checkUpdateRefusals(t, CLAIM, [
    ['the size before it is bound', { 'spec.resources.requests.storage': '2Gi' }, immutable(resized)],
    ['a volume, as a binder does', { 'spec.volumeName': 'v' }],
    ['a class it had none of', { 'spec.storageClassName': 'c' }],
    ['its form', { 'spec.volumeMode': 'Block' }, immutable('@@ -11,7 +11,7 @@\n  },\n  "VolumeName": "",\n  "StorageClassName": null,\n- "VolumeMode": "Filesystem",\n+ "VolumeMode": "Block",\n  "DataSource": null,\n  "DataSourceRef": null,\n  "VolumeAttributesClassName": null\n'), 'volumeMode: Invalid value: "Block": field is immutable'],
  ])
})

t.test('a bound claim may grow', async (t) => {
  const { create, update, refusedUpdate } = await startApi(t)
  const bound = await update(await create(CLAIM), (copy) => void (copy['status'] = { phase: 'Bound', capacity: { storage: '1Gi' } }), { subresource: 'status' })
  const resize = (storage: string) => (copy: object) => void ((copy as typeof CLAIM).spec.resources.requests.storage = storage)
  t.same(await refusedUpdate(bound, resize('2Gi')), [])
  t.same(await refusedUpdate(bound, resize('512Mi')), ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity'])
})

t.test('what a status may say', (t) =>
  checkUpdateRefusals(t, CLAIM, [
    ['less than nothing', { 'status.capacity': { storage: '-1' } }, 'status.capacity[storage]: Invalid value: -1: must be a valid resource quantity'],
    ['resizing of something else', { 'status.allocatedResources': { cpu: '1' } }, 'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"'],
    ['an unknown state', { 'status.allocatedResourceStatuses': { storage: 'Some' } }, 'status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"'],
  ], { subresource: 'status' }))

t.test('what tables show', async (t) => {
  const spec = { accessModes: ['ReadWriteMany'], volumeName: 'v', storageClassName: 'c', volumeMode: 'Block' }
  t.match(cells(claims, { metadata, spec, status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany'] } }), {
    Status: 'Bound',
    Volume: 'v',
    Capacity: '1Gi',
    'Access Modes': 'RWX',
    StorageClass: 'c',
    VolumeMode: 'Block',
  })
  t.match(cells(claims, { metadata: { ...metadata, deletionTimestamp: 'now' }, spec: {}, status: { phase: 'Pending', capacity: { storage: '1Gi' } } }), { Status: 'Terminating', Volume: '', Capacity: '', 'Access Modes': '', VolumeMode: '<unset>' })
})
