import t from 'tap'
import { planNode } from '../../src/kubelet/node-plan.ts'
import { Stages } from '../../src/kubelet/stages.ts'
import { virtualNode } from '../../src/kubelet/virtual-node.ts'
import type { Node } from '../../schemas/types.ts'

const stage = new Stages().node
const plan = (node: Node, more: object = {}) => planNode({ node, stage, now: 'now', internalIPs: ['172.18.0.2'], podCIDRs: ['10.244.0.0/24'], machineID: 'aa-bb', ...more })

t.test('a fresh node gets all it needs; a second look changes nothing', async (t) => {
  const fresh: Node = { metadata: { name: 'n' }, spec: {} }
  const { spec, status } = plan(fresh)
  t.same(spec, { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] })
  t.same(status?.allocatable, { cpu: '32', 'ephemeral-storage': '1Ti', 'hugepages-1Gi': '0', 'hugepages-2Mi': '0', memory: '256Gi', pods: '110' })
  t.same(status?.conditions?.map((c) => `${c.type}=${c.status}`), ['MemoryPressure=False', 'DiskPressure=False', 'PIDPressure=False', 'NetworkUnavailable=False', 'Ready=True'])
  const settled: Node = { metadata: { name: 'n' }, spec: { podCIDR: '10.244.0.0/24' }, ...(status ? { status } : {}) }
  t.same(plan(settled, { now: 'later' }), {})
  t.equal(plan(settled, { now: 'later', heartbeat: true }).status?.conditions?.[4]?.lastHeartbeatTime, 'later')
  t.equal(plan(settled, { now: 'later', heartbeat: true }).status?.conditions?.[4]?.lastTransitionTime, 'now')
})

t.test('what a client says of its node stays', async (t) => {
  const given: Node = { metadata: { name: 'n' }, spec: {}, status: { capacity: { cpu: '4' }, allocatable: { cpu: '3' }, addresses: [{ type: 'InternalIP', address: '1.2.3.4' }], conditions: [{ type: 'Custom', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.30.0' } } }
  const { status } = plan(given)
  t.same([status?.capacity, status?.allocatable], [{ cpu: '4' }, { cpu: '3' }])
  t.same(status?.addresses, [{ type: 'InternalIP', address: '1.2.3.4' }, { type: 'Hostname', address: 'n' }])
  t.equal(status?.conditions?.[0]?.type, 'Custom')
  t.match(status?.nodeInfo, { kubeletVersion: 'v1.30.0', architecture: 'amd64' })
})

t.test('a node that was marked as lost comes back', async (t) => {
  const { status } = plan({ metadata: { name: 'n' }, spec: {} })
  const lost: Node = { metadata: { name: 'n' }, spec: { podCIDR: 'x' }, status: { ...status, conditions: status?.conditions?.map((c) => ({ ...c, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' })) ?? [] } }
  t.match(plan(lost, { now: 'later' }).status?.conditions?.[4], { type: 'Ready', status: 'True', reason: 'KubeletReady', lastTransitionTime: 'later' })
})

t.test('a configured node keeps its own figures over the defaults', async (t) => {
  const { status } = plan(virtualNode('n', { capacity: { cpu: '2' } }))
  t.match(status?.capacity, { cpu: '2', memory: '256Gi' })
})

t.test('what somebody advertises in the capacity can be had', async (t) => {
  const { status = {} } = plan(virtualNode('n', {}))
  const settled = (more: Record<string, string>, allocatable: Record<string, string> = {}): Node => ({ ...virtualNode('n', {}), spec: { podCIDR: 'x' }, status: { ...status, capacity: { ...status.capacity, ...more }, allocatable: { ...status.allocatable, ...allocatable } } })
  t.equal(plan(settled({ 'example.com/dongle': '4' })).status?.allocatable?.['example.com/dongle'], '4')
  t.notOk('example.com/dongle' in (plan(settled({}, { 'example.com/dongle': '4' })).status?.allocatable ?? {}), 'until it is taken away')
  t.same(plan(settled({ 'example.com/dongle': '4' }, { 'example.com/dongle': '4' })), {})
})
