/** What a kubelet tells on its port of its node, by path. Models pkg/kubelet/server/server.go. */
import type { Pod } from '../../schemas/types.ts'
import type { NodeRequest, NodeResponse } from '../streaming/node-api.ts'
import { cadvisorMetrics, kubeletMetrics, metricsText, probeMetrics, resourceMetrics, type NodeView } from './node-metrics.ts'
import { summaryOf, type NanoCores } from './summary.ts'

export interface NodeHttpParts {
  view: NodeView
  nanoCores: NanoCores
  version: string
}

const METRICS = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

const SLIS = metricsText([{ name: 'kubernetes_healthcheck', help: '[STABLE] This metric records the result of a single healthcheck.', type: 'gauge', samples: ['log', 'ping', 'syncloop'].map((name) => [{ name, type: 'healthz' }, 1]) }])

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
  '/metrics/slis': () => text(SLIS, { type: METRICS }),
  '/metrics/probes': ({ view }) => text(probeMetrics(view), { type: METRICS }),
  '/logs': () => text('<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n<a href="containers/">containers/</a>\n<a href="pods/">pods/</a>\n</pre>\n', { type: 'text/html; charset=utf-8' }),
}

/** Answers of these are not made by the router, which minds the method. */
const ANY_METHOD = /^\/(?:healthz|metrics|configz)(?:\/|$)/

export function answerNode({ method, path: asked }: NodeRequest, parts: NodeHttpParts): NodeResponse {
  const path = asked.length > 1 ? asked.replace(/\/$/, '') : asked
  const found = ANSWERS[path]
  if (!found) return ANY_METHOD.test(path) ? text('404 page not found\n', { status: 404 }) : text('404: Page Not Found', { status: 404 })
  return method === 'GET' || method === 'HEAD' || ANY_METHOD.test(path) ? found(parts) : text('405: Method Not Allowed', { status: 405 })
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
  enableProfilingHandler: false,
  enableDebugFlagsHandler: false,
  enableSystemLogHandler: true,
  enableControllerAttachDetach: true,
  failSwapOn: true,
  containerLogMaxSize: '10Mi',
  containerLogMaxFiles: 5,
  enforceNodeAllocatable: ['pods'],
  volumePluginDir: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  localStorageCapacityIsolation: true,
} as const
