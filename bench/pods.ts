/**
 * Deployments from create to all pods Ready, a rollout and a scale-down: `npm run bench -- pods [--kubeconfig FILE]
 * [--pods N] [--deployments N] [--nodes N]`. Another cluster must have nodes that run pods by themselves (kwok's do).
 */
import { SystemClock } from '../src/clock.ts'
import { BenchClient } from './_client.ts'
import { row } from './_measure.ts'
import { processUse, target } from './_server.ts'

const { target: cluster, numbers } = await target({ pods: '1000', deployments: '10', nodes: '20' })
const { pods = 0, deployments = 0 } = numbers
const LIMIT_MS = 300_000
const clock = new SystemClock()
const client = new BenchClient(cluster.kubeconfig)
const namespace = `bench-${process.pid}`
const path = `/apis/apps/v1/namespaces/${namespace}/deployments`

interface Deployment {
  metadata: { generation: number }
  spec: { replicas: number }
  status?: { observedGeneration?: number; readyReplicas?: number; updatedReplicas?: number; replicas?: number }
}

const deployment = (i: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `d-${i}` },
  spec: {
    replicas: pods / deployments,
    selector: { matchLabels: { app: `d-${i}` } },
    template: { metadata: { labels: { app: `d-${i}` } }, spec: { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '1m', memory: '1Mi' } } }] } },
  },
})

/** Every deployment is observed, and runs what it wants and nothing else. */
function isSettled({ metadata, spec, status = {} }: Deployment): boolean {
  const { observedGeneration = 0, readyReplicas = 0, updatedReplicas = 0, replicas = 0 } = status
  return observedGeneration >= metadata.generation && [readyReplicas, updatedReplicas, replicas].every((n) => n === spec.replicas)
}

async function settled(): Promise<void> {
  const start = performance.now()
  for (;;) {
    const { items } = await client.json<{ items: Deployment[] }>('GET', path)
    if (items.length === deployments && items.every(isSettled)) return
    if (performance.now() - start > LIMIT_MS) throw new Error(`not settled after ${LIMIT_MS / 1000} s: ${JSON.stringify(items.map((d) => d.status))}`)
    await clock.sleep(20)
  }
}

async function phase(name: string, count: number, change: (i: number) => Promise<unknown>): Promise<void> {
  const cpu = cluster.pid ? processUse(cluster.pid).cpuMs : 0
  const start = performance.now()
  await Promise.all(Array.from({ length: deployments }, (_, i) => change(i)))
  await settled()
  const seconds = (performance.now() - start) / 1000
  const used = cluster.pid ? `${((processUse(cluster.pid).cpuMs - cpu) / count).toFixed(1)} ms CPU a pod` : ''
  row(name, `${seconds.toFixed(2)} s`, `${Math.round(count / seconds)} pods/s`, used)
}

const patch = (i: number, body: object) => client.json('PATCH', `${path}/d-${i}`, { body, type: 'application/merge-patch+json' })

try {
  console.log(cluster.name)
  await client.json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } })
  await phase(`${pods} pods of ${deployments} Deployments, create to Ready`, pods, (i) => client.json('POST', path, { body: deployment(i) }))
  await phase('rolled out anew', pods, (i) => patch(i, { spec: { template: { metadata: { annotations: { round: '2' } } } } }))
  await phase('scaled to 0', pods, (i) => patch(i, { spec: { replicas: 0 } }))
  if (cluster.pid) row('resident', `${processUse(cluster.pid).residentMB.toFixed(0)} MB`)
} finally {
  await client.call('DELETE', `/api/v1/namespaces/${namespace}`)
  client.close()
  await cluster.close()
}
