/**
 * Counts of what the server did, in Prometheus' text form, under the names of upstream's metrics. Models
 * k8s.io/apiserver/pkg/endpoints/metrics.
 */
import process from 'node:process'
import type { Scheme } from '../registry/scheme.ts'
import type { FlowControl } from './flow-control.ts'
import type { Health } from './health.ts'
import type { RequestInfo } from './request-info.ts'

/** Upper bounds in seconds, as upstream's. */
const BUCKETS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
/** Kinds that come and go could make more series than anyone reads. */
const MAX_SERIES = 10_000
const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' }

interface Series {
  labels: string
  counts: number[]
  sum: number
  total: number
}

export interface MetricsParts {
  scheme: Scheme
  flowControl: FlowControl
  health: Health
  /** How many objects are stored under a prefix. */
  countObjects(prefix: string): number
  version: Readonly<Record<string, string>>
  startedMs: number
}

export class Metrics {
  readonly #requests = new Map<string, number>()
  readonly #durations = new Map<string, Series>()
  readonly inFlight = { readOnly: 0, mutating: 0 }

  observe(info: RequestInfo, { isApply, isDryRun, status, ms }: { isApply: boolean; isDryRun: boolean; status: number; ms: number }): void {
    const labels = requestLabels(info, { isApply, isDryRun })
    const key = `code="${status}",${labels}`
    if (this.#requests.size < MAX_SERIES || this.#requests.has(key)) this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1)
    if (info.verb === 'watch' || info.verb === 'connect') return
    let series = this.#durations.get(labels)
    if (!series) {
      if (this.#durations.size >= MAX_SERIES) return
      this.#durations.set(labels, (series = { labels, counts: new Array<number>(BUCKETS.length).fill(0), sum: 0, total: 0 }))
    }
    const seconds = ms / 1000
    const bucket = BUCKETS.findIndex((bound) => seconds <= bound)
    if (bucket >= 0) series.counts[bucket] = (series.counts[bucket] ?? 0) + 1
    series.sum += seconds
    series.total++
  }

  /** The text at /metrics. */
  text(parts: MetricsParts): string {
    const out = new Lines()
    const { flowControl } = parts
    out.family('apiserver_request_total', 'counter', 'Requests by verb, group, version, resource, scope and code of the answer.', [...this.#requests].map(([labels, value]) => ({ labels, value })))
    this.#durationLines(out)
    out.family('apiserver_current_inflight_requests', 'gauge', 'Requests that are being answered, by whether they change something.', Object.entries(this.inFlight).map(([kind, value]) => ({ labels: `request_kind="${kind}"`, value })))
    const flows = flowControl.flows.map((flow) => ({ flow, labels: `flow_schema="${flow.schema}",priority_level="${flow.level}"` }))
    out.family('apiserver_flowcontrol_dispatched_requests_total', 'counter', 'Requests that got a seat, by flow schema and priority level.', flows.map(({ flow, labels }) => ({ labels, value: flow.counts.dispatched })))
    out.family('apiserver_flowcontrol_rejected_requests_total', 'counter', 'Requests that got no seat, by flow schema and priority level.', flows.map(({ flow, labels }) => ({ labels, value: flow.counts.rejected })))
    const levels = [...new Map(flowControl.flows.map((flow) => [flow.level, flow])).values()]
    const ofLevels = (value: (flow: (typeof levels)[number]) => number) => levels.map((flow) => ({ labels: `priority_level="${flow.level}"`, value: value(flow) }))
    out.family('apiserver_flowcontrol_nominal_limit_seats', 'gauge', 'Seats of each priority level.', ofLevels(({ seats }) => seats))
    out.family('apiserver_flowcontrol_current_executing_seats', 'gauge', 'Seats in use.', ofLevels(({ queue }) => queue?.inUse ?? 0))
    out.family('apiserver_flowcontrol_current_inqueue_requests', 'gauge', 'Requests that wait for a seat.', ofLevels(({ queue }) => queue?.waiting ?? 0))
    const kinds = parts.scheme.all().filter((kind) => kind === kind.storage && !kind.definition.isAlternative && kind.verbs.includes('list') && !kind.definition.computed)
    out.family('apiserver_resource_objects', 'gauge', 'Stored objects by resource.', kinds.map((kind) => ({ labels: `group="${kind.group}",resource="${kind.plural}"`, value: parts.countObjects(kind.prefix) })))
    out.family('kubernetes_build_info', 'gauge', 'The version; always 1.', [{ labels: Object.entries(parts.version).map(([name, value]) => `${name}="${value}"`).join(','), value: 1 }])
    processLines(out, parts.startedMs)
    return out.text
  }

  /** The text at /metrics/slis. */
  static healthText(health: Health): string {
    const out = new Lines()
    out.family('kubernetes_healthcheck', 'gauge', 'The result of each health check.', health.results.map(({ kind, name, passes }) => ({ labels: `name="${name}",type="${kind}"`, value: passes ? 1 : 0 })))
    return out.text
  }

  #durationLines(out: Lines): void {
    const name = 'apiserver_request_duration_seconds'
    out.head(name, 'histogram', 'How long requests took, but for watches and connections.')
    for (const { labels, counts, sum, total } of this.#durations.values()) {
      let cumulative = 0
      BUCKETS.forEach((bound, i) => out.line(`${name}_bucket`, `${labels},le="${bound}"`, (cumulative += counts[i] ?? 0)))
      out.line(`${name}_bucket`, `${labels},le="+Inf"`, total)
      out.line(`${name}_sum`, labels, sum)
      out.line(`${name}_count`, labels, total)
    }
  }
}

function requestLabels({ isResourceRequest, group, version, resource, subresource, namespace, name, verb, path }: RequestInfo, { isApply, isDryRun }: { isApply: boolean; isDryRun: boolean }): string {
  if (!isResourceRequest) return `component="",dry_run="",group="",resource="",scope="",subresource="${escaped(path)}",verb="${escaped(verb.toUpperCase())}",version=""`
  const scope = name ? 'resource' : namespace ? 'namespace' : 'cluster'
  const word = isApply ? 'APPLY' : (VERBS[verb] ?? verb.toUpperCase())
  return `component="apiserver",dry_run="${isDryRun ? 'All' : ''}",group="${escaped(group)}",resource="${escaped(resource)}",scope="${scope}",subresource="${escaped(subresource)}",verb="${escaped(word)}",version="${escaped(version)}"`
}

const escaped = (text: string): string => (/["\\\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text)

class Lines {
  #lines: string[] = []

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly { labels: string; value: number }[]): void {
    if (samples.length === 0) return
    this.head(name, type, help)
    for (const { labels, value } of samples) this.line(name, labels, value)
  }

  head(name: string, type: string, help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
  }

  line(name: string, labels: string, value: number): void {
    this.#lines.push(labels ? `${name}{${labels}} ${value}` : `${name} ${value}`)
  }
}

function processLines(out: Lines, startedMs: number): void {
  const { user, system } = process.cpuUsage()
  out.family('process_cpu_seconds_total', 'counter', 'CPU time of the process in seconds.', [{ labels: '', value: (user + system) / 1e6 }])
  out.family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [{ labels: '', value: process.memoryUsage.rss() }])
  out.family('process_start_time_seconds', 'gauge', 'When the process began, in seconds since 1970.', [{ labels: '', value: startedMs / 1000 }])
}
