import t from 'tap'
import nodes from '../../../../api/core/v1/node.ts'
import type { Node } from '../../../../schemas/types.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const NODE = { apiVersion: 'v1', kind: 'Node', spec: {} }
const NAME_RULE = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const FEATURE_RULE =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"

t.test('what is filled in', async (t) => {
  const rich = await stored(t, { ...NODE, spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.2.0.0/24'] }, status: { capacity: { cpu: '0.0001', memory: '1Gi' } } })
  t.match(rich, { spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'] }, status: { capacity: { cpu: '1m', memory: '1Gi' }, allocatable: { cpu: '1m', memory: '1Gi' } } })
  t.match(await stored(t, { ...NODE, spec: { podCIDRs: ['10.2.0.0/24', 'fd00::/64'] } }), { spec: { podCIDR: '10.2.0.0/24', podCIDRs: ['10.2.0.0/24', 'fd00::/64'] } })
  t.match(await stored(t, { ...NODE, status: { capacity: { cpu: '2' }, allocatable: { cpu: '1' } } }), { status: { allocatable: { cpu: '1' } } })
})

t.test('what is refused', (t) =>
  checkRefusals(t, NODE, [
    ['a bad taint', { 'spec.taints': [{ key: 'a b', value: 'c d', effect: 'Some' }, { key: 'k' }] },
      `metadata.taints[0].key: Invalid value: "a b": ${NAME_RULE}`,
      "metadata.taints[0].value: Invalid value: \"c d\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'metadata.taints[0].effect: Unsupported value: "Some": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      'metadata.taints[1].effect: Required value'],
    ['a taint twice', { 'spec.taints': [{ key: 'k', effect: 'NoSchedule' }, { key: 'k', value: 'v', effect: 'NoSchedule' }] }, 'metadata.taints[1]: Duplicate value: {"Key":"k","Value":"v","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair'],
    ['less than nothing', { 'status.capacity': { cpu: '-1' }, 'status.allocatable': { pods: '1500m' } },
      'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
      'status.allocatable.pods: Invalid value: "1500m": must be an integer'],
    ['swap of no size', { 'status.nodeInfo.swap.capacity': 0 }, 'metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than zero'],
    ['features out of order', { 'status.declaredFeatures': ['B', 'A', 'A', 'c'] },
      'status.declaredFeatures[1]: Invalid value: "A": list must be sorted alphabetically',
      'status.declaredFeatures[2]: Duplicate value: "A"',
      `status.declaredFeatures[3]: Invalid value: "c": invalid feature name "c": ${FEATURE_RULE}`],
    ['no range', { 'spec.podCIDRs': ['x'] }, 'spec.podCIDRs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['two of a family', { 'spec.podCIDRs': ['10.1.0.0/24', '10.2.0.0/24'] }, 'spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one CIDR for each IP family'],
  ]))

t.test('what may not change', async (t) => {
  const onlyOnce = (name: string): string => `Forbidden: node updates may not change ${name} except from "" to valid`
  await checkUpdateRefusals(t, { ...NODE, spec: { podCIDR: '10.1.0.0/24', providerID: 'p' } }, [
    ['the range', { 'spec.podCIDR': '10.2.0.0/24' }, `spec.podCIDRs: ${onlyOnce('podCIDR')}`],
    ['the machine', { 'spec.providerID': 'q' }, `spec.providerID: ${onlyOnce('providerID')}`],
    ['its old name', { 'spec.externalID': 'e' }, 'spec.externalID: Forbidden: may not be updated'],
    ['a cordon', { 'spec.unschedulable': true }],
  ])
  await checkUpdateRefusals(t, NODE, [
    ['a range at last', { 'spec.podCIDR': '10.1.0.0/24', 'spec.providerID': 'p' }],
    ['an address twice', { 'status.addresses': [{ type: 'InternalIP', address: '1.1.1.1' }, { type: 'InternalIP', address: '1.1.1.1' }] }, 'status.addresses[1]: Duplicate value: {"Type":"InternalIP","Address":"1.1.1.1"}'],
  ], { subresource: 'status' })
})

t.test('what tables show', async (t) => {
  const shown = (node: Partial<Node>) => cells(nodes, { metadata: { name: 'n' }, spec: {}, ...node })
  t.match(shown({}), { Name: 'n', Status: 'Unknown', Roles: '<none>', Version: '', 'Internal-IP': '<none>', 'OS-Image': '<unknown>', 'Kernel-Version': '<unknown>' })
  const nodeInfo = { kubeletVersion: 'v1', kernelVersion: '6.1', architecture: 'arm64', osImage: 'os', containerRuntimeVersion: 'cri' }
  t.match(
    shown({
      metadata: { name: 'n', labels: { 'node-role.kubernetes.io/b': '', 'kubernetes.io/role': 'a', 'node-role.kubernetes.io/': '' } },
      spec: { unschedulable: true },
      status: { nodeInfo, conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '1.1.1.1' }] },
    }),
    { Status: 'Ready,SchedulingDisabled', Roles: 'a,b', Version: 'v1', 'Internal-IP': '1.1.1.1', 'External-IP': '<none>', 'Kernel-Version': '6.1 (arm64)', 'Container-Runtime': 'cri' },
  )
  t.equal(shown({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })['Status'], 'NotReady')
})

t.test('a node keeps the status it comes with', async (t) => {
  const { create } = await startApi(t)
  t.match(await create({ ...NODE, status: { conditions: [{ type: 'Ready', status: 'True' }] } }), { status: { conditions: [{ type: 'Ready' }] } })
})
