import t from 'tap'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const API = 'resource.k8s.io/v1'
const REQUEST = { name: 'gpu', exactly: { deviceClassName: 'gpus' } }
const CLAIM = { apiVersion: API, kind: 'ResourceClaim', metadata: { namespace: 'ns' }, spec: { devices: { requests: [REQUEST] } } }
const DEVICE = { name: 'gpu-0', attributes: { model: { string: 'x' } }, capacity: { 'example.com/memory': { value: '8Gi' } } }
const SLICE = { apiVersion: API, kind: 'ResourceSlice', spec: { driver: 'gpu.example.com', nodeName: 'n', pool: { name: 'p', resourceSliceCount: 1 }, devices: [DEVICE] } }
const EXACTLY = 'spec.devices.requests[0].exactly'
const UNKNOWN = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

t.test('claims', (t) =>
  checkRefusals(t, CLAIM, [
    ['no class', { [`${EXACTLY}.deviceClassName`]: '' }, `${EXACTLY}.deviceClassName: Required value`],
    ['a request twice', { 'spec.devices.requests[1]': REQUEST }, 'spec.devices.requests[1]: Duplicate value: "gpu"'],
    ['a request of nothing', { 'spec.devices.requests[0].exactly': undefined }, 'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ['an unknown mode', { [`${EXACTLY}.allocationMode`]: 'Some' }, `${EXACTLY}.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
    ['all and a number', { [`${EXACTLY}.allocationMode`]: 'All', [`${EXACTLY}.count`]: 2 }, `${EXACTLY}.count: Invalid value: 2: must not be specified when allocationMode is 'All'`],
    ['fewer than one', { [`${EXACTLY}.count`]: -1 }, `${EXACTLY}.count: Invalid value: -1: must be greater than zero`],
    ['an unknown toleration', { [`${EXACTLY}.tolerations`]: [{ key: 'a', operator: 'Near' }] }, `${EXACTLY}.tolerations[0].operator: Unsupported value: "Near": supported values: "Equal", "Exists"`],
    ['a constraint of another', { 'spec.devices.constraints': [{ requests: ['cpu'], matchAttribute: 'a.io/b' }] }, `spec.devices.constraints[0].requests[0]: Invalid value: "cpu": ${UNKNOWN}`],
    ['a constraint of nothing', { 'spec.devices.constraints': [{ requests: ['gpu'] }] }, 'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'],
    ['an attribute of no domain', { 'spec.devices.constraints': [{ matchAttribute: 'b' }] }, 'spec.devices.constraints[0].matchAttribute: Invalid value: "b": a fully qualified name must be a domain and a name separated by a slash'],
    ['no configuration', { 'spec.devices.config': [{}] }, 'spec.devices.config[0].opaque: Required value'],
    ['a configuration that is no object', { 'spec.devices.config': [{ opaque: { driver: 'a.io', parameters: 'x' } }] }, 'spec.devices.config[0].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object'],
    ['a condition of nothing', { [`${EXACTLY}.selectors`]: [{}] }, `${EXACTLY}.selectors[0].cel: Required value`],
    ['alternatives of the same name', { 'spec.devices.requests[0]': { name: 'gpu', firstAvailable: [{ name: 'a', deviceClassName: 'c' }, { name: 'a', deviceClassName: 'd' }] } }, 'spec.devices.requests[0].firstAvailable[1]: Duplicate value: "a"'],
  ]))

const MANY = "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a == b))))"
const selector = (expression: string) => ({ [`${EXACTLY}.selectors`]: [{ cel: { expression } }] })
const EXPRESSION = `${EXACTLY}.selectors[0].cel.expression`

t.test('selectors of devices', (t) =>
  checkRefusals(t, CLAIM, [
    ['by driver', selector("device.driver == 'a.io' && !device.allowMultipleAllocations")],
    ['by an attribute of any type', selector("device.attributes['a.io'].fast")],
    ['by capacity', selector("device.capacity['a.io'].memory.compareTo(quantity('1Gi')) >= 0")],
    ['with a name for what is used twice', selector("cel.bind(a, device.attributes['a.io'], a.x && a.y)")],
    ['a binding without a name', selector('cel.bind(1, 2, true)'), `${EXPRESSION}: Invalid value: "cel.bind(1, 2, true)": compilation failed: ERROR: <input>:1:10: cel.bind() variable names must be simple identifiers\n | cel.bind(1, 2, true)\n | .........^`],
    ['no such field', selector('device.size > 1'), `${EXPRESSION}: Invalid value: "device.size > 1": compilation failed: ERROR: <input>:1:7: undefined field 'size'\n | device.size > 1\n | ......^`],
    ['a dot too many', selector('..x'), `${EXPRESSION}: Invalid value: "..x": compilation failed: ERROR: <input>:1:2: Syntax error: no viable alternative at input '..'\n | ..x\n | .^`],
    ['a text', selector('device.driver'), `${EXPRESSION}: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string`],
    ['too much to do', selector(MANY), `${EXPRESSION}: Forbidden: too complex, exceeds cost limit`],
  ]))

t.test('what is filled in', async (t) => {
  t.match((await stored(t, CLAIM)).spec, { devices: { requests: [{ exactly: { allocationMode: 'ExactCount', count: 1 } }] } })
  t.same((await stored(t, { ...SLICE, spec: { ...SLICE.spec, devices: [{ ...DEVICE, taints: [{ key: 'a', effect: 'NoExecute' }] }] } })).spec, {
    ...SLICE.spec,
    pool: { ...SLICE.spec.pool, generation: 0 },
    devices: [{ ...DEVICE, taints: [{ key: 'a', effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' }] }],
  })
})

t.test('admin access is for namespaces that have the label', async (t) => {
  const { create, refused } = await startApi(t)
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } })
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'admins', labels: { 'resource.kubernetes.io/admin-access': 'true' } } })
  const claim = (namespace: string) => ({ ...CLAIM, metadata: { namespace }, spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpus', adminAccess: true } }] } } })
  t.same(await refused(claim('plain')), ['spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace'])
  t.same(await refused(claim('admins')), [])
})

t.test('the spec of a claim stays', async (t) => {
  const { create, refusedUpdate } = await startApi(t)
  const claim = await create(CLAIM)
  t.match(await refusedUpdate(claim, (c) => void (c.spec = { devices: { requests: [{ ...REQUEST, name: 'other' }] } })), [/^spec: Invalid value: \{"Devices":\{"Requests":\[\{"Name":"other".*: field is immutable$/])
})

t.test('the status of a claim', async (t) => {
  const { create, update, refusedUpdate } = await startApi(t)
  const claim = await create(CLAIM)
  const result = { request: 'gpu', driver: 'gpu.example.com', pool: 'p', device: 'gpu-0' }
  const consumer = { resource: 'pods', name: 'p', uid: 'u' }
  const refused = (status: object) => refusedUpdate(claim, (c) => void (c.status = status), { subresource: 'status' })
  t.same(await refused({ reservedFor: [consumer] }), ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set'])
  t.same(await refused({ allocation: { devices: { results: [{ ...result, request: 'cpu' }] } } }), [`status.allocation.devices.results[0].request: Invalid value: "cpu": ${UNKNOWN}`])
  t.same(await refused({ allocation: { devices: { results: [result] } }, reservedFor: [consumer, consumer] }), ['status.reservedFor[1]: Duplicate value: "u"'])
  t.same(await refused({ allocation: { devices: { results: [result] } }, devices: [{ driver: 'gpu.example.com', pool: 'p', device: 'gpu-1' }] }), [
    'status.devices[0]: Invalid value: {"Driver":"gpu.example.com","Pool":"p","Device":"gpu-1","ShareID":""}: must be an allocated device in the claim',
  ])
  const status = { driver: 'gpu.example.com', pool: 'p', device: 'gpu-0', data: { a: 1 } }
  const allocated = await update(claim, (c) => void (c.status = { allocation: { devices: { results: [result] } }, reservedFor: [consumer], devices: [status] }), { subresource: 'status' })
  t.match(await refusedUpdate(allocated, (c) => void (c.status = { allocation: { devices: { results: [{ ...result, device: 'gpu-1' }] } } }), { subresource: 'status' }), [/^status.allocation: Invalid value: .*: field is immutable$/])
  const freed = await update(allocated, (c) => void (c.status = { devices: [status] }), { subresource: 'status' })
  t.notOk((freed.status as { devices?: unknown } | undefined)?.devices, 'devices that are free again have no status')
})

t.test('slices', (t) => {
  const device = 'spec.devices[0]'
  const choices = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  return checkRefusals(t, SLICE, [
    ['no driver', { 'spec.driver': '' }, 'spec.driver: Required value'],
    ['no pool', { 'spec.pool.name': '' }, 'spec.pool.name: Required value'],
    ['no slices', { 'spec.pool.resourceSliceCount': 0 }, 'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero'],
    ['nowhere', { 'spec.nodeName': undefined }, `spec: Required value: ${choices}`],
    ['in two places', { 'spec.allNodes': true }, `spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${choices}, but multiple fields are set`],
    ['a device twice', { 'spec.devices[1]': DEVICE }, 'spec.devices[1]: Duplicate value: "gpu-0"'],
    ['a device of its own node', { [`${device}.nodeName`]: 'n' }, `${device}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`],
    ['an attribute of two types', { [`${device}.attributes.model`]: { string: 'x', bool: true } }, `${device}.attributes[model]: Invalid value: {"IntValue":null,"BoolValue":true,"StringValue":"x","VersionValue":null,"IntValues":null,"BoolValues":null,"StringValues":null,"VersionValues":null}: exactly one value must be specified`],
    ['an attribute of none', { [`${device}.attributes.model`]: {} }, `${device}.attributes[model]: Invalid value: "": exactly one value must be specified`],
    ['a version that is none', { [`${device}.attributes.model`]: { version: '1' } }, `${device}.attributes[model].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0`],
    ['an unknown effect', { [`${device}.taints`]: [{ key: 'a', effect: 'Some' }] }, `${device}.taints[0].effect: Unsupported value: "Some": supported values: "NoExecute", "NoSchedule", "None"`],
    ['counters without a set', { [`${device}.consumesCounters`]: [{ counters: { c: { value: '1' } } }] }, `${device}.consumesCounters[0].counterSet: Required value`],
    ['conditions without failures', { [`${device}.bindingConditions`]: ['a'] }, `${device}.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions`],
  ])
})

t.test('capacities that are shared', (t) => {
  const memory = { value: '10', requestPolicy: { default: '2', validValues: ['1', '2'] } }
  const device = { name: 'd', allowMultipleAllocations: true, capacity: { 'example.com/memory': memory } }
  const at = 'spec.devices[0].capacity[example.com/memory].requestPolicy'
  const withPolicy = (requestPolicy: object) => ({ 'spec.devices[0].capacity': { 'example.com/memory': { value: '10', requestPolicy } } })
  return checkRefusals(t, { ...SLICE, spec: { ...SLICE.spec, devices: [device] } }, [
    ['not shared', { 'spec.devices[0].allowMultipleAllocations': false }, `${at}: Forbidden: allowMultipleAllocations must be true`],
    ['values and a range', withPolicy({ default: '2', validValues: ['2'], validRange: { min: '1' } }), `${at}: Forbidden: exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time`],
    ['no default', withPolicy({ validValues: ['2'] }), `${at}.default: Required value: required when validValues is defined`],
    ['unsorted', withPolicy({ default: '2', validValues: ['2', '1'] }), `${at}.validValues[1]: Invalid value: "1": values must be sorted in ascending order`],
    ['more than there is', withPolicy({ default: '2', validValues: ['2', '11'] }), `${at}.validValues[1]: Invalid value: "11": option is larger than capacity value: 10`],
    ['a default of another', withPolicy({ default: '3', validValues: ['2'] }), `${at}.validValues: Invalid value: "3": default value is not valid according to the requestPolicy`],
    ['a range without start', withPolicy({ default: '3', validRange: { max: '4' } }), `${at}.validRange.min: Required value: required when validRange is defined`],
    ['a default below', withPolicy({ default: '1', validRange: { min: '2' } }), `${at}.validRange.min: Invalid value: "1": default is less than min: 2`],
    ['a default between steps', withPolicy({ default: '3', validRange: { min: '2', step: '2' } }), `${at}.validRange.step: Invalid value: "3": value is not a multiple of a given step (2) from (2)`],
  ])
})

t.test('classes and templates', async (t) => {
  const deviceClass = { apiVersion: API, kind: 'DeviceClass', spec: {} }
  await checkRefusals(t, deviceClass, [['no extended resource', { 'spec.extendedResourceName': 'cpu' }, 'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name']])
  const template = { apiVersion: API, kind: 'ResourceClaimTemplate', metadata: { namespace: 'ns' }, spec: { metadata: { labels: { a: 'b' } }, spec: CLAIM.spec } }
  await checkRefusals(t, template, [
    ['a name', { 'spec.metadata.name': 'x' }, 'spec.metadata.name: Forbidden: cannot be set'],
    ['a request of nothing', { 'spec.spec.devices.requests[0].exactly': undefined }, 'spec.spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
  ])
  await checkUpdateRefusals(t, SLICE, [
    ['another node', { 'spec.nodeName': 'm' }, 'spec.nodeName: Invalid value: "m": field is immutable'],
    ['another device', { 'spec.devices[0].name': 'other' }],
  ])
})
