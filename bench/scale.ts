/**
 * A large cluster: what a pod costs until it is Ready, the memory of all of them, the CPU of standing idle, and how long a
 * restart takes until every controller has seen everything again: `npm run bench -- scale [--nodes N] [--pods N] [--idle SECONDS]`.
 * Only Orrery. The nodes are made by the API, so that their pods are played by stages.
 */
import fs from 'node:fs'
import { parseArgs } from 'node:util'
import { SystemClock } from '../src/clock.ts'
import { BenchClient } from './_client.ts'
import { row } from './_measure.ts'
import { fill } from './_fill.ts'
import { buildServer, processUse, startServer, stopServer, temporaryDir } from './_server.ts'

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '1000' }, pods: { type: 'string', default: '50000' }, idle: { type: 'string', default: '30' } } })
const [nodes, pods, idleSeconds] = [Number(values.nodes), Number(values.pods), Number(values.idle)]
const clock = new SystemClock()

/** CPU of a second in which nothing happens but heartbeats: when it is reached, everything has been seen. */
async function settled(pid: number): Promise<number> {
  for (;;) {
    const before = processUse(pid).cpuMs
    await clock.sleep(2000)
    if (processUse(pid).cpuMs - before < 200) return before
  }
}

buildServer()
const dir = temporaryDir()
let { child, kubeconfig } = await startServer(dir, ['--nodes', '0'])
try {
  const client = new BenchClient(kubeconfig, 4)
  const start = performance.now()
  await fill(client, { nodes, pods })
  client.close()
  const filled = processUse(child.pid ?? 0)
  row(`${pods} pods on ${nodes} nodes, create to Ready`, `${((performance.now() - start) / 1000).toFixed(0)} s`, `${(filled.cpuMs / pods).toFixed(2)} ms CPU a pod`, `${filled.residentMB.toFixed(0)} MB`)
  await settled(child.pid ?? 0)
  const before = processUse(child.pid ?? 0)
  await clock.sleep(idleSeconds * 1000)
  const after = processUse(child.pid ?? 0)
  row('standing idle', `${((after.cpuMs - before.cpuMs) / idleSeconds / 10).toFixed(1)} % of a core`, `${after.residentMB.toFixed(0)} MB`)
  await stopServer(child)
  let readyMs: number
  ;({ child, kubeconfig, readyMs } = await startServer(dir, ['--nodes', '0']))
  const ready = processUse(child.pid ?? 0)
  const all = await settled(child.pid ?? 0)
  row('started again', `ready in ${(readyMs / 1000).toFixed(1)} s`, `${(ready.cpuMs / 1000).toFixed(1)} s of CPU`, `settled ${(all / 1000).toFixed(1)} s of CPU`, `${processUse(child.pid ?? 0).residentMB.toFixed(0)} MB`)
} finally {
  await stopServer(child)
  fs.rmSync(dir, { recursive: true, force: true })
}
