/**
 * The same pods on the same nodes, here and on a real control plane: whether each finds a node, what is said when it does not,
 * and whom it drives away. With TARGET=kubeconfig of kube-apiserver and kube-scheduler that nothing else works on (no nodes, no
 * controllers, no kubelets), else skipped. SEED and ROUNDS choose the worlds.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { startCluster } from '../../src/cluster.ts'
import type { Node, Pod } from '../../schemas/types.ts'
import { Client, type Json } from '../conformance/_client.ts'
import { eventually } from '../helpers/cluster.ts'
import { PRIORITIES, World } from './_random-world.ts'

const PODS = '/api/v1/namespaces/default/pods'
const NODES = '/api/v1/nodes'
const PER_ROUND = 20
const { TARGET, SEED = '1', ROUNDS = '5' } = process.env

interface Outcome {
  node: string | undefined
  /** Why it has none. */
  message: string | undefined
  /** Pods that are there after it. */
  left: string
}

async function ok(client: Client, call: string, body?: unknown): Promise<Json> {
  const answer = await client.call(call, body === undefined ? {} : { body })
  if (answer.status >= 300) throw new Error(`${call}: ${answer.status} ${answer.text}`)
  return answer.body
}

async function namesIn(client: Client, place: string): Promise<string[]> {
  return ((await ok(client, `GET ${place}`)).items as Pod[]).map(({ metadata }) => metadata.name ?? '').sort()
}

/** A bare API server taints new nodes, and nobody would take the taint away. */
async function addNode(client: Client, node: Node): Promise<void> {
  const made = (await ok(client, `POST ${NODES}`, node)) as unknown as Node
  const cordoned = node.spec.unschedulable ? [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] : []
  await ok(client, `PUT ${NODES}/${node.metadata.name}`, { ...made, spec: { ...made.spec, taints: [...(node.spec.taints ?? []), ...cordoned] } })
}

async function clear(client: Client): Promise<void> {
  for (const place of [PODS, NODES]) await ok(client, `DELETE ${place}?gracePeriodSeconds=0`)
  await eventually(async () => (await namesIn(client, PODS)).length === 0 && (await namesIn(client, NODES)).length === 0)
}

/** Creates a pod and waits until it is bound, or refused for good: preemption follows the refusal. */
async function tried(client: Client, pod: Pod): Promise<Outcome> {
  const name = pod.metadata.name ?? ''
  await ok(client, `POST ${PODS}`, pod)
  const settled = await eventually(async () => {
    const { spec, status } = (await ok(client, `GET ${PODS}/${name}`)) as unknown as Pod
    const condition = status?.conditions?.find((c) => c.type === 'PodScheduled' && c.status === 'False')
    if (spec.nodeName) return { node: spec.nodeName, message: undefined }
    return condition && !status?.nominatedNodeName ? { node: undefined, message: condition.message } : false
  })
  return { ...settled, left: (await namesIn(client, PODS)).join() }
}

/** The next pod must find the same here as there: what ties decided is made equal. */
async function align(here: Client, there: Client, { pod, node }: { pod: Pod; node: string | undefined }): Promise<void> {
  const { name } = pod.metadata
  if (!node) return void (await Promise.all([here, there].map((client) => ok(client, `DELETE ${PODS}/${name}?gracePeriodSeconds=0`))))
  const mine = (await ok(here, `GET ${PODS}/${name}`)) as unknown as Pod
  if (mine.spec.nodeName === node) return
  await ok(here, `DELETE ${PODS}/${name}?gracePeriodSeconds=0`)
  await ok(here, `POST ${PODS}`, { ...pod, spec: { ...pod.spec, nodeName: node } })
}

/** As its kubelet would say: among equal pods the younger ones go first. */
async function markStarted(client: Client, { pod, minute }: { pod: Pod; minute: number }): Promise<void> {
  const startTime = `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`
  const { status } = await client.call(`PATCH ${PODS}/${pod.metadata.name}/status`, { body: { status: { startTime } }, headers: { 'content-type': 'application/merge-patch+json' } })
  if (status !== 200) throw new Error(`the start of ${pod.metadata.name} was not told: ${status}`)
}

async function prepare(client: Client): Promise<void> {
  await client.call('POST /api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } })
  for (const [i, name] of PRIORITIES.entries()) await client.call('POST /apis/scheduling.k8s.io/v1/priorityclasses', { body: { metadata: { name }, value: i * 100 } })
}

t.test('decisions are those of kube-scheduler', { skip: TARGET ? false : 'no TARGET to compare with' }, async (t) => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'differential-')), 'kubeconfig')
  const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: undefined, nodes: [], logLevel: 'error', controllers: ['clusterrole-aggregation-controller'] })
  fs.writeFileSync(file, cluster.kubeconfig(), { mode: 0o600 })
  const [here, there] = [new Client(file), new Client(path.resolve(TARGET ?? ''))]
  t.teardown(async () => {
    for (const client of [here, there]) client.close()
    await cluster.close()
  })
  const both = <T>(work: (client: Client) => Promise<T>) => Promise.all([work(here), work(there)])
  await both(prepare)
  for (let round = 0; round < Number(ROUNDS); round++) {
    const seed = Number(SEED) * 1000 + round
    const random = new SeededRandom(seed)
    const world = new World(random)
    await both(clear)
    const nodes = Array.from({ length: 3 + random.int(5) }, (_, i) => world.node(`n${i}`))
    await both(async (client) => {
      for (const node of nodes) await addNode(client, node)
    })
    for (let i = 0; i < PER_ROUND; i++) {
      const pod = world.pod(`p${i}`)
      const [mine, theirs] = await both((client) => tried(client, pod))
      const seen = ({ node, message, left }: Outcome) => ({ bound: node !== undefined, message, left })
      if (!t.same(seen(mine), seen(theirs), `seed ${seed}, pod ${i}: ${JSON.stringify(pod.spec)}`)) break
      await align(here, there, { pod, node: theirs.node })
      if (theirs.node) await both((client) => markStarted(client, { pod, minute: i }))
    }
  }
})
