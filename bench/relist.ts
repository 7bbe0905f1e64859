/**
 * What it takes when every watch of what runs inside ends at once: all is listed anew, every controller, the scheduler and the
 * kubelets are told of everything, and go on until nothing is left to do: `npm run bench -- relist [--nodes N] [--pods N] [--runs N]`.
 * Only Orrery, in this process; its client shares it.
 */
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { SystemClock } from '../src/clock.ts'
import { startCluster } from '../src/cluster.ts'
import { BenchClient } from './_client.ts'
import { fill } from './_fill.ts'
import { row } from './_measure.ts'
import { temporaryDir } from './_server.ts'

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '1000' }, pods: { type: 'string', default: '50000' }, runs: { type: 'string', default: '5' } } })
const [nodes, pods, runs] = [Number(values.nodes), Number(values.pods), Number(values.runs)]
const REST_MS = 5000
const clock = new SystemClock()

const dir = temporaryDir()
const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: path.join(dir, 'state'), logLevel: 'error', nodes: [] })
try {
  const kubeconfig = path.join(dir, 'kubeconfig')
  fs.writeFileSync(kubeconfig, cluster.kubeconfig())
  const client = new BenchClient(kubeconfig, 4)
  await fill(client, { nodes, pods })
  client.close()
  for (let run = 0; run < runs; run++) {
    await clock.sleep(REST_MS)
    const [start, before] = [performance.now(), process.cpuUsage()]
    await cluster.relist()
    const { user, system } = process.cpuUsage(before)
    row(`${pods} pods on ${nodes} nodes, all listed anew and settled`, `${((performance.now() - start) / 1000).toFixed(2)} s`, `${((user + system) / 1e6).toFixed(2)} s of CPU`)
  }
} finally {
  await cluster.close()
  fs.rmSync(dir, { recursive: true, force: true })
}
