/** Nodes without a kubelet and pods for benchmarks of the scheduler. */
import type { Node, Pod, PodSpec } from '../schemas/types.ts'
import { SystemClock } from '../src/clock.ts'
import type { BenchClient } from './_client.ts'

const AT_ONCE = 32
const LIMIT_MS = 600_000
const clock = new SystemClock()
const GROUPS = 10
const ZONES = 10
const size = { cpu: '32', memory: '256Gi', pods: '110' }

export function benchNode(i: number): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `bench-${i}`, labels: { 'kubernetes.io/hostname': `bench-${i}`, 'topology.kubernetes.io/zone': `zone-${i % ZONES}` }, annotations: { 'orrery.io/kubelet': 'stopped' } },
    spec: {},
    status: { capacity: size, allocatable: size },
  }
}

/** What all pods of a run ask for besides resources; `app` is the group a pod is in. */
export const rules: Readonly<Record<string, (app: string) => Partial<PodSpec>>> = {
  plain: () => ({}),
  'anti-affinity': (app) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }] } } }),
  spread: (app) => ({ topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app } } }] }),
}

export function benchPod(i: number, rule: ((app: string) => Partial<PodSpec>) | undefined): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p-${i}`, labels: { app: `a-${i % GROUPS}` } },
    spec: {
      containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '10m', memory: '10Mi' } } }],
      tolerations: [{ operator: 'Exists' }],
      terminationGracePeriodSeconds: 0,
      ...rule?.(`a-${i % GROUPS}`),
    },
  }
}

/** Makes `count` calls, some at a time. */
export async function all(count: number, call: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async () => {
    for (let i = next++; i < count; i = next++) await call(i)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/** Waits until no pod under `path` is without a node. */
export async function placed(client: BenchClient, path: string): Promise<void> {
  const start = performance.now()
  for (;;) {
    const { items } = await client.json<{ items: unknown[] }>('GET', `${path}?fieldSelector=spec.nodeName%3D&limit=1`)
    if (items.length === 0) return
    if (performance.now() - start > LIMIT_MS) throw new Error('pods wait for a node')
    await clock.sleep(100)
  }
}
