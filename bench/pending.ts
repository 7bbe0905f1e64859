/**
 * Pods that wait already: they are created while no scheduler runs, then the server starts again with one, and the time counts
 * from its being ready until every pod has a node: `npm run bench -- pending [--nodes N] [--pods N] [--rules plain,spread]`.
 * Only Orrery. The nodes have no kubelet, so that nothing else works but the API and the scheduler.
 */
import fs from 'node:fs'
import { parseArgs } from 'node:util'
import { BenchClient } from './_client.ts'
import { row } from './_measure.ts'
import { all, benchNode, benchPod, placed, rules } from './_pods.ts'
import { buildServer, processUse, startServer, stopServer, temporaryDir } from './_server.ts'

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '5000' }, pods: { type: 'string', default: '10000' }, rules: { type: 'string', default: Object.keys(rules).join(',') } } })
const [nodes, pods] = [Number(values.nodes), Number(values.pods)]
const PODS = '/api/v1/namespaces/default/pods'

async function fill(dir: string, rule: string): Promise<void> {
  const { child, kubeconfig } = await startServer(dir, ['--nodes', '0', '--scheduler', 'false'])
  const client = new BenchClient(kubeconfig, 4)
  await all(nodes, (i) => client.json('POST', '/api/v1/nodes', { body: benchNode(i) }))
  await all(pods, (i) => client.json('POST', PODS, { body: benchPod(i, rules[rule]) }))
  client.close()
  await stopServer(child)
}

async function place(dir: string, rule: string): Promise<void> {
  const { child, kubeconfig } = await startServer(dir, ['--nodes', '0'])
  try {
    const client = new BenchClient(kubeconfig, 1)
    const [start, { cpuMs }] = [performance.now(), processUse(child.pid ?? 0)]
    await placed(client, PODS)
    const seconds = (performance.now() - start) / 1000
    row(`${rule}: ${pods} waiting pods on ${nodes} nodes`, `${Math.round(pods / seconds)} pods/s`, `all in ${seconds.toFixed(1)} s`, `${((processUse(child.pid ?? 0).cpuMs - cpuMs) / pods).toFixed(2)} ms CPU a pod`)
    client.close()
  } finally {
    await stopServer(child)
  }
}

for (const rule of values.rules.split(',')) {
  buildServer()
  const dir = temporaryDir()
  try {
    await fill(dir, rule)
    await place(dir, rule)
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}
