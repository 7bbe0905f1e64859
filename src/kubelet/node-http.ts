/** What a kubelet answers on its port, by path. Models pkg/kubelet/server/server.go. */
import { Writable } from 'node:stream'
import type { Pod } from '../../schemas/types.ts'
import { isStatusError } from '../errors.ts'
import type { LogOptions, NodeApi, NodeRequest, NodeResponse } from '../streaming/node-api.ts'
import { cadvisorMetrics, kubeletMetrics, probeMetrics, resourceMetrics, type NodeView } from './node-metrics.ts'
import { summaryOf, type NanoCores } from './summary.ts'

export interface NodeHttpParts {
  view: NodeView
  nanoCores: NanoCores
  version: string
  /** For logs and commands. */
  api: NodeApi
}

const METRICS = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'
const MAX_OUTPUT = 1024 * 1024

const text = (body: string, { status = 200, type = 'text/plain; charset=utf-8' } = {}): NodeResponse => ({ status, type, body })
const json = (value: object): NodeResponse => ({ status: 200, type: 'application/json', body: JSON.stringify(value) })

/** By the whole path, without a slash at its end. */
const ANSWERS: Readonly<Record<string, (parts: NodeHttpParts) => NodeResponse>> = {
  '/healthz': () => text('ok'),
  '/healthz/ping': () => text('ok'),
  '/healthz/log': () => text('ok'),
  '/healthz/syncloop': () => text('ok'),
  '/configz': () => json({ kubeletconfig: CONFIGURATION }),
  '/pods': ({ view }) => json(podList(view.pods)),
  '/runningpods': ({ view }) => json(podList(view.usages.map(({ pod, containers }) => runningPod(pod, containers.map((c) => c.name))))),
  '/stats/summary': ({ view, nanoCores }) => json(summaryOf(view, nanoCores)),
  '/metrics': ({ view, version }) => text(kubeletMetrics(view, version), { type: METRICS }),
  '/metrics/cadvisor': ({ view }) => text(cadvisorMetrics(view), { type: METRICS }),
  '/metrics/resource': ({ view }) => text(resourceMetrics(view), { type: METRICS }),
  '/metrics/probes': ({ view }) => text(probeMetrics(view), { type: METRICS }),
  '/logs': () => text('<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="containers/">containers/</a>\n<a href="pods/">pods/</a>\n</pre>\n', { type: 'text/html; charset=utf-8' }),
}

export async function answerNode(request: NodeRequest, parts: NodeHttpParts): Promise<NodeResponse> {
  const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path
  const found = ANSWERS[path]
  if (found) return request.method === 'GET' || request.method === 'HEAD' ? found(parts) : text('405: Method Not Allowed', { status: 405 })
  const [, verb = '', namespace, name, ...rest] = path.split('/')
  const container = rest.at(-1) ?? ''
  if (verb !== 'containerLogs' && verb !== 'run') return text('404: Page Not Found', { status: 404 })
  const pod = parts.view.pods.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
  if (!pod) return text(`pod "${name}" does not exist${verb === 'run' ? '' : '\n'}`, { status: 404 })
  try {
    return verb === 'run' ? await run(parts.api, pod, { container, request }) : await containerLogs(parts.api, pod, { container, request })
  } catch (error) {
    if (!isStatusError(error)) throw error
    return text(`${error.message}\n`, { status: error.code })
  }
}

interface OfContainer {
  container: string
  request: NodeRequest
}

async function containerLogs(api: NodeApi, pod: Pod, { container, request: { query } }: OfContainer): Promise<NodeResponse> {
  if (!pod.spec.containers?.some((c) => c.name === container) && !pod.spec.initContainers?.some((c) => c.name === container)) return text(`container "${container}" not found in pod "${pod.metadata.name}"\n`, { status: 404 })
  const flag = (name: string) => ['true', '1'].includes(query.get(name) ?? '')
  const lines = query.get('tailLines')
  const options: LogOptions = { previous: flag('previous'), timestamps: flag('timestamps'), ...(lines === null || lines === 'all' ? {} : { tailLines: Number(lines) }) }
  const chunks: Buffer[] = []
  for await (const chunk of await api.logs(pod, container, options)) chunks.push(chunk)
  return { status: 200, type: 'text/plain', body: Buffer.concat(chunks) }
}

/** Runs a command to its end and answers what it printed. */
async function run(api: NodeApi, pod: Pod, { container, request: { query, method } }: OfContainer): Promise<NodeResponse> {
  if (method !== 'POST') return text('405: Method Not Allowed', { status: 405 })
  const chunks: Buffer[] = []
  let bytes = 0
  const sink = () => new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (bytes < MAX_OUTPUT) chunks.push(chunk)
      bytes += chunk.length
      done()
    },
  })
  const { code } = await api.exec(pod, container, { command: (query.get('cmd') ?? '').split(' '), streams: { stdout: sink(), stderr: sink(), tty: false } })
  const output = Buffer.concat(chunks)
  return code === 0 ? { status: 200, type: 'text/plain', body: output } : { status: 500, type: 'text/plain', body: Buffer.concat([output, Buffer.from(`command '${query.get('cmd')}' exited with ${code}: `)]) }
}

function podList(pods: readonly Pod[]): object {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods }
}

/** What the runtime knows of a pod, without the API. */
function runningPod({ metadata: { name, namespace, uid }, spec }: Pod, running: readonly string[]): Pod {
  const containers = (spec.containers ?? []).filter((c) => running.includes(c.name ?? '')).map(({ name: of, image }) => ({ name: of, image, resources: {} }))
  return { metadata: { name, namespace, uid }, spec: { containers } }
}

/** A KubeletConfiguration of what differs from nothing: the defaults that clients ask for. */
const CONFIGURATION = {
  enableServer: true,
  staticPodPath: '/etc/kubernetes/manifests',
  syncFrequency: '1m0s',
  fileCheckFrequency: '20s',
  httpCheckFrequency: '20s',
  address: '0.0.0.0',
  port: 10250,
  authentication: { x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' }, webhook: { enabled: true, cacheTTL: '2m0s' }, anonymous: { enabled: false } },
  authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
  clusterDomain: 'cluster.local',
  nodeStatusUpdateFrequency: '10s',
  nodeStatusReportFrequency: '5m0s',
  nodeLeaseDurationSeconds: 40,
  imageMinimumGCAge: '2m0s',
  imageMaximumGCAge: '0s',
  imageGCHighThresholdPercent: 85,
  imageGCLowThresholdPercent: 80,
  volumeStatsAggPeriod: '1m0s',
  cgroupsPerQOS: true,
  cgroupDriver: 'systemd',
  cpuManagerPolicy: 'none',
  memoryManagerPolicy: 'None',
  topologyManagerPolicy: 'none',
  maxPods: 110,
  podPidsLimit: -1,
  serializeImagePulls: true,
  evictionHard: { 'imagefs.available': '15%', 'imagefs.inodesFree': '5%', 'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%' },
  evictionPressureTransitionPeriod: '5m0s',
  enableDebuggingHandlers: true,
  enableControllerAttachDetach: true,
  failSwapOn: true,
  containerLogMaxSize: '10Mi',
  containerLogMaxFiles: 5,
  enforceNodeAllocatable: ['pods'],
  volumePluginDir: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  localStorageCapacityIsolation: true,
} as const
