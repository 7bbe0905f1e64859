/** Resources of running pods: what a node grants, how containers get there, what is told of it. */
import t from 'tap'
import type { Container, Node, Pod, ResourceRequirements } from '../../schemas/types.ts'
import { SeededRandom } from '../../src/clock.ts'
import { Allocation, effectiveResources, podLevelResources, resizeOf } from '../../src/kubelet/allocation.ts'
import { markRunning, markStarting, newRecords } from '../../src/kubelet/container-record.ts'
import { isResized, planResize } from '../../src/kubelet/container-resize.ts'
import { rejectionOf } from '../../src/kubelet/pod-admission.ts'
import { normalSysctl } from '../../src/kubelet/sandbox/kernel.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const NOW = '2026-01-01T00:00:00Z'
const both = (cpu: string, memory: string): ResourceRequirements => ({ requests: { cpu, memory }, limits: { cpu, memory } })

function podOf(containers: Container[], { generation = 1, spec = {}, ...metadata }: Partial<Pod['metadata']> & { spec?: Partial<Pod['spec']> } = {}): Pod {
  return { metadata: { name: 'p', namespace: 'default', uid: 'u', generation, ...metadata }, spec: { containers, ...spec } }
}

const node: Node = { metadata: { name: 'n', labels: { disk: 'ssd' } }, spec: { taints: [{ key: 'gone', effect: 'NoExecute' }] }, status: { allocatable: { cpu: '2', memory: '4Gi', pods: '3' } } }
const tolerations = [{ operator: 'Exists' }]

t.test('which pods a node takes', async (t) => {
  const big = podOf([{ name: 'a', resources: { requests: { cpu: '1500m', memory: '1Gi' } } }], { uid: 'other', spec: { tolerations } })
  const web = (uid: string) => podOf([{ name: 'a', ports: [{ containerPort: 80, hostPort: 8080 }] }], { uid, spec: { tolerations } })
  const table: [name: string, pod: Pod, others: Pod[], reason: string | undefined, message?: string][] = [
    ['one that asks for nothing', podOf([], { spec: { tolerations } }), [big], undefined],
    ['too little of one resource', podOf([{ name: 'a', resources: { requests: { cpu: '600m' } } }], { spec: { tolerations } }), [big], 'OutOfcpu', "Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000"],
    ['too little memory', podOf([{ name: 'a', resources: { requests: { memory: '4Gi' } } }], { spec: { tolerations } }), [big], 'OutOfmemory', "Node didn't have enough resource: memory, requested: 4294967296, used: 1073741824, capacity: 4294967296"],
    ['what the node knows nothing of', podOf([{ name: 'a', resources: { requests: { 'example.com/x': '1' } } }], { spec: { tolerations } }), [], undefined],
    ['too many', podOf([], { spec: { tolerations } }), [big, big, big], 'OutOfpods', "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"],
    ['another system', podOf([], { spec: { os: { name: 'windows' } } }), [], 'PodOSNotSupported', "Failed to admit pod as the OS field doesn't match node OS"],
    ['a selector', podOf([], { spec: { tolerations, nodeSelector: { disk: 'hdd' } } }), [], 'NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    ['a port of the host', web('u'), [web('other')], 'NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"],
    ['a taint', podOf([]), [], 'TaintToleration', "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"],
    ['a sysctl', podOf([], { spec: { securityContext: { sysctls: [{ name: 'kernel/msgmax', value: '1' }] } } }), [], 'SysctlForbidden', 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
    ['a safe one', podOf([], { spec: { tolerations, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } } }), [], undefined],
    ['but of the host', podOf([], { spec: { hostNetwork: true, securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } } }), [], 'SysctlForbidden', 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled'],
  ]
  for (const [name, pod, others, reason, message] of table) {
    const rejection = rejectionOf({ pod, node, others })
    t.equal(rejection?.reason, reason, name)
    if (message) t.equal(rejection?.message, message, name)
  }
  t.equal(normalSysctl('net/ipv4/conf/eno2.100/rp_filter'), 'net.ipv4.conf.eno2/100.rp_filter')
})

t.test('how a container gets to other resources', async (t) => {
  const restartForMemory = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }]
  t.equal(resizeOf({ resources: both('1', '1Gi') }, both('1000m', '1024Mi')), 'nothing')
  t.equal(resizeOf({ resources: both('2', '1Gi'), resizePolicy: restartForMemory }, both('1', '1Gi')), 'update')
  t.equal(resizeOf({ resources: both('1', '2Gi'), resizePolicy: restartForMemory }, both('1', '1Gi')), 'restart')
  t.equal(resizeOf({ resources: both('1', '1Gi') }, { requests: { cpu: '1', memory: '1Gi' } }), 'update', 'limits that are new')

  const pod = podOf([{ name: 'a', resources: { requests: { cpu: '1' } } }, { name: 'b', resources: both('1', '1Gi') }], { spec: { resources: { limits: { memory: '3Gi' } } } })
  t.same(effectiveResources(pod, pod.spec.containers?.[0] ?? {}).limits, { memory: '3Gi' }, "the pod's limit where it has none of its own")
  t.same(podLevelResources(pod), { requests: { cpu: '2', memory: '1Gi' }, limits: { memory: '3Gi' } }, 'no limit where one container has none')
})

t.test('a memory limit below what is used waits', async (t) => {
  const pod = podOf([{ name: 'a', resources: both('1', '10Mi') }])
  const records = newRecords(pod)
  const [record] = records
  if (!record) return t.fail('no record')
  record.container = { ...record.container, resources: both('1', '50Mi') }
  markStarting(record, new SeededRandom(1))
  markRunning(record, 0)
  record.container = pod.spec.containers?.[0] ?? {}
  t.same(planResize(pod, records).update, [record])
  t.notOk(isResized(records))
  record.handle = { stop() {}, close() {}, usage: () => ({ cpuNanos: 0, memoryBytes: 20 * 1024 * 1024, diskBytes: 0, processes: 1 }) }
  t.equal(planResize(pod, records).problem, 'cannot decrease memory limits: [attempting to set pod memory limit (10485760) below current usage (20971520), attempting to set container "a" memory limit (10485760) below current usage (20971520)]')
  return undefined
})

t.test('what is granted, and what is told of it', async (t) => {
  const events: string[] = []
  const first = podOf([{ name: 'a', resources: both('1', '1Gi') }])
  const allocation = new Allocation(first, { pod: (_, { type, reason, message }) => void events.push(`${type} ${reason} ${message}`) })
  const wanted = podOf([{ name: 'a', resources: both('3', '1Gi') }], { generation: 2 })
  const reject = () => ({ reason: 'OutOfcpu', message: 'no room' })
  allocation.follow(wanted, reject, NOW)
  allocation.follow(wanted, reject, NOW)
  t.same(allocation.pod.spec.containers?.[0]?.resources, both('1', '1Gi'))
  t.match(allocation.conditions(), [{ type: 'PodResizePending', status: 'True', reason: 'Deferred', message: 'no room', observedGeneration: 2 }])
  allocation.follow(wanted, () => undefined, NOW)
  t.same(allocation.pod, wanted)
  t.match(allocation.conditions(), [{ type: 'PodResizeInProgress', status: 'True', observedGeneration: 2 }])
  allocation.failed('too low', NOW)
  t.match(allocation.conditions(), [{ type: 'PodResizeInProgress', reason: 'Error', message: 'too low' }])
  allocation.completed()
  t.same(allocation.conditions(), [])
  const resources = '{"name":"a","resources":{"limits":{"cpu":"3","memory":"1Gi"},"requests":{"cpu":"3","memory":"1Gi"}}}'
  t.same(events, [
    `Warning ResizeDeferred Pod resize OutOfcpu: {"containers":[${resources}],"generation":2,"error":"no room"}`,
    `Normal ResizeStarted Pod resize started: {"containers":[${resources}],"generation":2}`,
    `Warning ResizeError Pod resize error: {"containers":[${resources}],"generation":2,"error":"too low"}`,
    `Normal ResizeCompleted Pod resize completed: {"containers":[${resources}],"generation":2}`,
  ])
})

t.test('with kubectl', async (t) => {
  const target = await startTestCluster(t, { nodes: [{ name: 'node-1', capacity: { cpu: '2', memory: '4Gi' } }] })
  const k = new Kubectl('1.36', target)
  const resize = (cpu: string) => k.run(['patch', 'pod', 'web', '--subresource', 'resize', '--patch', JSON.stringify({ spec: { containers: [{ name: 'main', resources: both(cpu, '64Mi') }] } })])
  const reaches = (isThere: (pod: Pod) => boolean | undefined) =>
    eventually(async () => {
      const pod = await k.json<Pod>('get pod web')
      return isThere(pod) === true && pod
    })
  const cpuLimit = ({ status }: Pod) => status?.containerStatuses?.[0]?.resources?.limits?.cpu
  const isQuiet = ({ status }: Pod) => !status?.conditions?.some((c) => c.type?.startsWith('PodResize'))
  await k.apply(podManifest({ name: 'other', container: { resources: both('1', '64Mi') } }))
  await k.apply(podManifest({ name: 'web', container: { image: 'busybox', command: ['sleep', '1000'], resources: both('500m', '64Mi') } }))
  await k.run('wait pod/web pod/other --for=condition=Ready --timeout=20s')
  await resize('750m')
  const { status } = await reaches((pod) => cpuLimit(pod) === '750m' && isQuiet(pod))
  t.match(status, { containerStatuses: [{ restartCount: 0, allocatedResources: { cpu: '750m' } }], allocatedResources: { cpu: '750m' } })
  t.equal(await k.run('exec web -- cat /sys/fs/cgroup/cpu.max'), '75000 100000\n')
  await resize('1500m')
  const pending = await reaches((pod) => pod.status?.conditions?.some((c) => c.type === 'PodResizePending'))
  t.match(pending.status?.conditions?.find((c) => c.type === 'PodResizePending'), { reason: 'Deferred', message: "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000" })
  await k.run('delete pod other --now')
  await reaches((pod) => cpuLimit(pod) === '1500m' && isQuiet(pod))
  const events = await k.run('get events --field-selector involvedObject.name=web -o custom-columns=R:.reason --no-headers')
  for (const reason of ['ResizeStarted', 'ResizeCompleted', 'ResizeDeferred']) t.match(events, reason)
})
