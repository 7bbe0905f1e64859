/** What nodes answer on their port, through the API server. */
import t from 'tap'
import type { Node, Pod } from '../../schemas/types.ts'
import { NodeCounters } from '../../src/kubelet/node-counters.ts'
import { cadvisorMetrics, kubeletMetrics, metricsText, probeMetrics, resourceMetrics, type NodeView } from '../../src/kubelet/node-metrics.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const pod: Pod = { metadata: { name: 'p', namespace: 'default', uid: 'u' }, spec: { containers: [{ name: 'c', image: 'busybox', resources: { limits: { cpu: '500m', memory: '64Mi' } } }] }, status: { phase: 'Running' } }
const node: Node = { metadata: { name: 'n' }, spec: {}, status: { capacity: { cpu: '8', memory: '1Gi' } } }

t.test('figures as Prometheus reads them', async (t) => {
  const counters = new NodeCounters()
  const view: NodeView = { node, pods: [pod], counters, nowMs: 2000, startedMs: 1000, imageBytes: 0, overhead: { milliCPU: 50, memoryBytes: 1024 }, usages: [{ pod, volumes: [], containers: [{ name: 'c', cpuNanos: 1.5e9, memoryBytes: 4 * 1024 * 1024, rootfsBytes: 10, logBytes: 0, processes: 3, startedAt: '1970-01-01T00:00:01Z', containerID: 'containerd://abc' }] }] }
  const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  t.same(lines(resourceMetrics(view)), [
    'container_cpu_usage_seconds_total{container="c",namespace="default",pod="p"} 1.5 2000',
    'container_memory_working_set_bytes{container="c",namespace="default",pod="p"} 4.194304e+06 2000',
    'container_start_time_seconds{container="c",namespace="default",pod="p"} 1',
    'node_cpu_usage_seconds_total 1.55 2000',
    'node_memory_working_set_bytes 4.195328e+06 2000',
    'pod_cpu_usage_seconds_total{namespace="default",pod="p"} 1.5 2000',
    'pod_memory_working_set_bytes{namespace="default",pod="p"} 4.194304e+06 2000',
    'resource_scrape_error 0',
  ])
  const cadvisor = lines(cadvisorMetrics(view))
  const of = 'container="c",id="/kubepods/podu/abc",image="docker.io/library/busybox:latest",name="abc",namespace="default",pod="p"'
  for (const line of [`container_spec_cpu_quota{${of}} 50000 2000`, `container_spec_memory_limit_bytes{${of}} 6.7108864e+07 2000`, `container_processes{${of}} 3 2000`, 'machine_cpu_cores 8']) t.ok(cadvisor.includes(line), line)
  const record = { container: {}, name: 'c', role: 'init', state: 'exited', ready: false, started: false, restartCount: 0, exit: { code: 3, reason: 'Error', finishedAt: '', finishedAtMs: 0 } } as const
  counters.containerEnded(record)
  counters.containerEnded(record)
  counters.probed(pod, record, { kind: 'Liveness', isGood: false })
  t.ok(lines(kubeletMetrics(view, 'v1.36.3')).includes('kubelet_terminated_containers_total{container_type="init_container",exit_code="3",reason="Error"} 2'))
  t.same(lines(probeMetrics(view)), ['prober_probe_total{container="c",namespace="default",pod="p",pod_uid="u",probe_type="Liveness",result="failed"} 1'])
  counters.forget('u')
  t.equal(probeMetrics(view), '', 'with its pod')
  t.equal(metricsText([{ name: 'm', help: 'h', type: 'gauge', samples: [[{ a: 'x"\\\n' }, 1e-7]] }]), '# HELP m h\n# TYPE m gauge\nm{a="x\\"\\\\\\n"} 1e-07\n')
})

t.test('through the API server', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  await k.apply(podManifest({ name: 'web', container: { image: 'busybox', command: ['sh', '-c', 'echo said; sleep 1000'], readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } } }))
  await k.run('wait pod/web --for=condition=Ready --timeout=20s')
  const get = (path: string) => k.run(`get --raw /api/v1/nodes/node-1/proxy/${path}`)
  t.equal(await get('healthz'), 'ok')
  t.match(JSON.parse(await get('configz')), { kubeletconfig: { port: 10250, evictionHard: { 'memory.available': '100Mi' } } })
  t.match(JSON.parse(await get('pods')), { kind: 'PodList', items: [{ metadata: { name: 'web' } }] })
  t.match(JSON.parse(await get('stats/summary')), { node: { nodeName: 'node-1', memory: { workingSetBytes: Number } }, pods: [{ podRef: { name: 'web', namespace: 'default' }, containers: [{ name: 'main', cpu: { usageNanoCores: Number }, memory: { workingSetBytes: Number } }] }] })
  t.match(await get('metrics/resource'), /container_memory_working_set_bytes\{container="main",namespace="default",pod="web"\} [\d.e+]+ \d+\n/)
  await eventually(async () => /prober_probe_total\{.*probe_type="Readiness",result="successful"\} \d+/.test(await get('metrics/probes')))
  t.equal(await get('containerLogs/default/web/main'), 'said\n')
  t.match(await k.fails('get --raw /api/v1/nodes/node-1/proxy/nothing'), 'NotFound')
  t.match(await k.fails('get --raw /api/v1/nodes/other/proxy/healthz'), 'nodes "other" not found')
  t.match(await k.fails('get --raw /api/v1/nodes/node-1:99/proxy/healthz'), 'connect: connection refused')
})
