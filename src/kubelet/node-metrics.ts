/**
 * A node's figures in Prometheus' text format. Pure. Models /metrics, /metrics/cadvisor, /metrics/resource and /metrics/probes of
 * pkg/kubelet/server, with the names of pkg/kubelet/metrics and cadvisor that dashboards and rules are written against.
 */
import type { Node, Pod } from '../../schemas/types.ts'
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'
import { fullImageName } from './container-record.ts'
import type { NodeCounters } from './node-counters.ts'
import { memoryOf, type ContainerUsage, type PodUsage } from './pod-usage.ts'

export interface NodeView {
  node: Node
  pods: readonly Pod[]
  usages: readonly PodUsage[]
  counters: NodeCounters
  nowMs: number
  /** Of the node's own processes. */
  overhead: { milliCPU: number; memoryBytes: number }
  startedMs: number
  /** What its images take of its disk. */
  imageBytes: number
}

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number, timeMs?: number]

interface Family {
  name: string
  help: string
  type: 'gauge' | 'counter'
  samples: readonly Sample[]
}

export function metricsText(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map((s) => `${name}${sampleText(s)}\n`).join('')}`)
    .join('')
}

function sampleText([labels, value, timeMs]: Sample): string {
  const names = Object.keys(labels).sort()
  const inner = names.map((name) => `${name}="${(labels[name] ?? '').replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',')
  return `${names.length > 0 ? `{${inner}}` : ''} ${numberText(value)}${timeMs === undefined ? '' : ` ${timeMs}`}`
}

/** As Go prints a float with the fewest digits. */
function numberText(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e21 || Math.abs(value) < 1e-4)) return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2')
  return Math.abs(value) >= 1e6 && Number.isInteger(value) ? value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2') : String(value)
}

interface OfContainer {
  labels: Labels
  pod: Pod
  used: ContainerUsage
}

function perContainer({ usages }: NodeView): OfContainer[] {
  return usages.flatMap(({ pod, containers }) => containers.map((used) => ({ pod, used, labels: { container: used.name, pod: pod.metadata.name ?? '', namespace: pod.metadata.namespace ?? '' } })))
}

const cpuSecondsOf = (containers: readonly ContainerUsage[]) => containers.reduce((sum, c) => sum + c.cpuNanos, 0) / 1e9

/** What the node's own processes and its pods have used since it began. */
export function nodeCpuNanos({ usages, nowMs, startedMs, overhead }: NodeView): number {
  return usages.reduce((sum, { containers }) => sum + cpuSecondsOf(containers) * 1e9, 0) + (nowMs - startedMs) * overhead.milliCPU * 1000
}

export function nodeMemoryBytes({ usages, overhead }: NodeView): number {
  return usages.reduce((sum, usage) => sum + memoryOf(usage), overhead.memoryBytes)
}

export function resourceMetrics(view: NodeView): string {
  const { usages, nowMs } = view
  const all = perContainer(view)
  const ofPods = usages.map(({ pod, ...rest }) => ({ labels: { pod: pod.metadata.name ?? '', namespace: pod.metadata.namespace ?? '' }, usage: { pod, ...rest } }))
  return metricsText([
    { name: 'container_cpu_usage_seconds_total', help: '[STABLE] Cumulative cpu time consumed by the container in core-seconds', type: 'counter', samples: all.map(({ labels, used }) => [labels, used.cpuNanos / 1e9, nowMs]) },
    { name: 'container_memory_working_set_bytes', help: '[STABLE] Current working set of the container in bytes', type: 'gauge', samples: all.map(({ labels, used }) => [labels, used.memoryBytes, nowMs]) },
    { name: 'container_start_time_seconds', help: '[STABLE] Start time of the container since unix epoch in seconds', type: 'gauge', samples: all.map(({ labels, used }) => [labels, Date.parse(used.startedAt) / 1000]) },
    { name: 'node_cpu_usage_seconds_total', help: '[STABLE] Cumulative cpu time consumed by the node in core-seconds', type: 'counter', samples: [[{}, nodeCpuNanos(view) / 1e9, nowMs]] },
    { name: 'node_memory_working_set_bytes', help: '[STABLE] Current working set of the node in bytes', type: 'gauge', samples: [[{}, nodeMemoryBytes(view), nowMs]] },
    { name: 'pod_cpu_usage_seconds_total', help: '[STABLE] Cumulative cpu time consumed by the pod in core-seconds', type: 'counter', samples: ofPods.map(({ labels, usage }) => [labels, cpuSecondsOf(usage.containers), nowMs]) },
    { name: 'pod_memory_working_set_bytes', help: '[STABLE] Current working set of the pod in bytes', type: 'gauge', samples: ofPods.map(({ labels, usage }) => [labels, memoryOf(usage), nowMs]) },
    { name: 'resource_scrape_error', help: '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', type: 'gauge', samples: [[{}, 0]] },
  ])
}

export function cadvisorMetrics(view: NodeView): string {
  const { node, nowMs } = view
  const all = perContainer(view).map(({ labels, pod, used }) => {
    const spec = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].find((c) => c.name === used.name)
    const id = used.containerID.replace('containerd://', '')
    return { used, spec, labels: { ...labels, id: `/kubepods/pod${pod.metadata.uid}/${id}`, image: fullImageName(spec?.image ?? ''), name: id } }
  })
  const each = (value: (c: (typeof all)[number]) => number | undefined, more: Labels = {}): Sample[] =>
    all.flatMap((c): Sample[] => {
      const found = value(c)
      return found === undefined ? [] : [[{ ...c.labels, ...more }, found, nowMs]]
    })
  const { cpu = '0', memory = '0' } = node.status?.capacity ?? {}
  return metricsText([
    { name: 'container_cpu_usage_seconds_total', help: 'Cumulative cpu time consumed in seconds.', type: 'counter', samples: each(({ used }) => used.cpuNanos / 1e9, { cpu: 'total' }) },
    { name: 'container_fs_usage_bytes', help: 'Number of bytes that are consumed by the container on this filesystem.', type: 'gauge', samples: each(({ used }) => used.rootfsBytes, { device: '/dev/vda1' }) },
    { name: 'container_last_seen', help: 'Last time a container was seen by the exporter', type: 'gauge', samples: each(() => Math.floor(nowMs / 1000)) },
    { name: 'container_memory_usage_bytes', help: 'Current memory usage in bytes, including all memory regardless of when it was accessed', type: 'gauge', samples: each(({ used }) => used.memoryBytes) },
    { name: 'container_memory_working_set_bytes', help: 'Current working set in bytes.', type: 'gauge', samples: each(({ used }) => used.memoryBytes) },
    { name: 'container_processes', help: 'Number of processes running inside the container.', type: 'gauge', samples: each(({ used }) => used.processes) },
    { name: 'container_spec_cpu_period', help: 'CPU period of the container.', type: 'gauge', samples: each(({ spec }) => (spec?.resources?.limits?.cpu === undefined ? undefined : 100_000)) },
    { name: 'container_spec_cpu_quota', help: 'CPU quota of the container.', type: 'gauge', samples: each(({ spec }) => (spec?.resources?.limits?.cpu === undefined ? undefined : quantityMilliValue(spec.resources.limits.cpu) * 100)) },
    { name: 'container_spec_memory_limit_bytes', help: 'Memory limit for the container.', type: 'gauge', samples: each(({ spec }) => quantityValue(spec?.resources?.limits?.memory ?? '0')) },
    { name: 'container_start_time_seconds', help: 'Start time of the container since unix epoch in seconds.', type: 'gauge', samples: each(({ used }) => Date.parse(used.startedAt) / 1000) },
    { name: 'machine_cpu_cores', help: 'Number of logical CPU cores.', type: 'gauge', samples: [[{}, quantityMilliValue(cpu) / 1000]] },
    { name: 'machine_memory_bytes', help: 'Amount of memory installed on the machine.', type: 'gauge', samples: [[{}, quantityValue(memory)]] },
  ])
}

export function kubeletMetrics(view: NodeView, version: string): string {
  const { node, pods, usages, counters } = view
  const running = pods.filter(({ status }) => status?.phase === 'Running').length
  const containers = usages.reduce((sum, u) => sum + u.containers.length, 0)
  const [major = '', minor = ''] = version.slice(1).split('.')
  return metricsText([
    { name: 'kubelet_evictions', help: '[ALPHA] Cumulative number of pod evictions by eviction signal', type: 'counter', samples: counters.evictions.samples() },
    { name: 'kubelet_node_name', help: "[ALPHA] The node's name. The count is always 1.", type: 'gauge', samples: [[{ node: node.metadata.name ?? '' }, 1]] },
    { name: 'kubelet_running_containers', help: '[ALPHA] Number of containers currently running', type: 'gauge', samples: [[{ container_state: 'running' }, containers]] },
    { name: 'kubelet_running_pods', help: '[ALPHA] Number of pods that have a running pod sandbox', type: 'gauge', samples: [[{}, running]] },
    { name: 'kubelet_started_containers_total', help: '[ALPHA] Cumulative number of containers started', type: 'counter', samples: counters.started.samples() },
    { name: 'kubelet_started_user_namespaced_pods_errors_total', help: '[ALPHA] Cumulative number of errors when starting user namespaced pods. This metric will only be collected when hostUsers is set to false.', type: 'counter', samples: [[{}, counters.userNamespaced('failed')]] },
    { name: 'kubelet_started_user_namespaced_pods_total', help: '[ALPHA] Cumulative number of pods with user namespaces started. This metric will only be collected when hostUsers is set to false.', type: 'counter', samples: [[{}, counters.userNamespaced('started')]] },
    { name: 'kubelet_terminated_containers_total', help: '[ALPHA] Cumulative number of container terminations.', type: 'counter', samples: counters.terminated.samples() },
    { name: 'kubernetes_build_info', help: "[ALPHA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.", type: 'gauge', samples: [[{ git_version: version, major, minor }, 1]] },
  ])
}

export function probeMetrics({ counters }: NodeView): string {
  return metricsText([{ name: 'prober_probe_total', help: '[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.', type: 'counter', samples: counters.probes.samples() }])
}
