/** Fills a cluster with Deployments whose pods are played by stages. */
import { SystemClock } from '../src/clock.ts'
import type { BenchClient } from './_client.ts'
import { all, benchNode } from './_pods.ts'

const PER_DEPLOYMENT = 1000
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const clock = new SystemClock()

const deployment = (i: number, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: `d-${i}` },
  spec: {
    replicas,
    selector: { matchLabels: { app: `d-${i}` } },
    template: { metadata: { labels: { app: `d-${i}` } }, spec: { containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '1m', memory: '1Mi' } } }] } },
  },
})

/** The nodes are made by the API: they have a kubelet that runs nothing. Resolves when all pods are Ready. */
export async function fill(client: BenchClient, { nodes, pods }: { nodes: number; pods: number }): Promise<void> {
  await all(nodes, (i) => client.json('POST', '/api/v1/nodes', { body: { ...benchNode(i), metadata: { ...benchNode(i).metadata, annotations: {} } } }))
  for (let i = 0; i * PER_DEPLOYMENT < pods; i++) await client.json('POST', DEPLOYMENTS, { body: deployment(i, Math.min(PER_DEPLOYMENT, pods - i * PER_DEPLOYMENT)) })
  for (let ready = 0; ready < pods; await clock.sleep(2000)) {
    const { items } = await client.json<{ items: { status?: { readyReplicas?: number } }[] }>('GET', DEPLOYMENTS)
    ready = items.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0)
  }
}
