/** From nothing to a ready cluster, and what it costs to let it stand: `npm run bench -- start [--runs N] [--nodes N]`. */
import fs from 'node:fs'
import { parseArgs } from 'node:util'
import { SystemClock } from '../src/clock.ts'
import { BenchClient } from './_client.ts'
import { percentile, row } from './_measure.ts'
import { buildServer, processUse, startServer, stopServer, temporaryDir } from './_server.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' }, nodes: { type: 'string', default: '3' }, idle: { type: 'string', default: '20' } } })
const clock = new SystemClock()
const idleSeconds = Number(values.idle)

/** Starts on `dir`, checks that the API answers, and stops again. */
async function startOnce(dir: string): Promise<{ readyMs: number; cpuMs: number }> {
  const { child, kubeconfig, readyMs } = await startServer(dir, ['--nodes', values.nodes])
  const { cpuMs } = processUse(child.pid ?? 0)
  const client = new BenchClient(kubeconfig)
  await client.json('GET', '/api/v1/nodes')
  client.close()
  await stopServer(child)
  return { readyMs, cpuMs }
}

async function starts(name: string, dirs: () => string): Promise<void> {
  const runs: { readyMs: number; cpuMs: number }[] = []
  for (let i = 0; i < Number(values.runs); i++) runs.push(await startOnce(dirs()))
  const median = (key: 'readyMs' | 'cpuMs') => percentile(runs.map((r) => r[key]).sort((a, b) => a - b), 0.5)
  row(name, `${median('readyMs').toFixed(0)} ms`, `${median('cpuMs').toFixed(0)} ms CPU`)
}

async function idle(dir: string): Promise<void> {
  const { child } = await startServer(dir, ['--nodes', values.nodes])
  const pid = child.pid ?? 0
  await clock.sleep(idleSeconds * 1000)
  const before = processUse(pid)
  await clock.sleep(idleSeconds * 1000)
  const after = processUse(pid)
  row(`standing idle, ${values.nodes} nodes`, `${after.residentMB.toFixed(0)} MB`, `${((after.cpuMs - before.cpuMs) / idleSeconds / 10).toFixed(1)} % of a core`)
  await stopServer(child)
}

buildServer()
const dirs: string[] = []
const fresh = () => {
  const dir = temporaryDir()
  dirs.push(dir)
  return dir
}
await starts('start to ready, new data directory', fresh)
const kept = fresh()
await startOnce(kept)
await starts('start to ready, existing data directory', () => kept)
await idle(kept)
for (const dir of dirs) fs.rmSync(dir, { recursive: true, force: true })
