/** The cluster a benchmark runs against: one of its own in another process, or any that a kubeconfig names. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { assetPath } from '../src/assets.ts'

export interface Target {
  name: string
  kubeconfig: string
  /** Of the cluster's process, when it is one of ours. */
  pid: number | undefined
  close(): Promise<void>
}

export interface StartedServer {
  child: ChildProcess
  kubeconfig: string
  /** From spawning the process to its saying that it is ready. */
  readyMs: number
}

export function buildServer(): void {
  const { status } = spawnSync(process.execPath, [assetPath('scripts/build.mjs'), '--quiet'], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the server cannot be built')
}

/** Starts dist/orrery.cjs with its state in `dir` and waits until it is ready. */
export async function startServer(dir: string, flags: readonly string[]): Promise<StartedServer> {
  const kubeconfig = path.join(dir, 'kubeconfig')
  const start = performance.now()
  const child = spawn(process.execPath, [assetPath('dist/orrery.cjs'), 'up', '--port', '0', '--kubeconfig', kubeconfig, '--data-dir', path.join(dir, 'state'), ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ended with ${code}`)
  })
  await Promise.race([once(child.stdout, 'data'), ended])
  ended.catch(() => undefined)
  child.stdout.resume()
  return { child, kubeconfig, readyMs: performance.now() - start }
}

export async function stopServer(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

export function temporaryDir(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-bench-'))
}

/** By the command line: `--kubeconfig FILE`, else a cluster of our own with `--nodes N` nodes, or `serverNodes` of them. */
export async function target(defaults: Record<string, string>, { serverNodes }: { serverNodes?: number } = {}): Promise<{ target: Target; numbers: Record<string, number>; given: Record<string, string | undefined> }> {
  const options = Object.fromEntries(['kubeconfig', ...Object.keys(defaults)].map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ options })
  const named = Object.fromEntries(Object.keys(options).map((name) => [name, typeof values[name] === 'string' ? values[name] : undefined]))
  const numbers = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, Number(values[name] ?? value)]))
  const { kubeconfig: existing } = named
  if (existing) return { target: { name: existing, kubeconfig: existing, pid: undefined, close: async () => undefined }, numbers, given: named }
  buildServer()
  const dir = temporaryDir()
  const { child, kubeconfig } = await startServer(dir, ['--nodes', String(serverNodes ?? numbers.nodes ?? 0)])
  const close = async () => {
    await stopServer(child)
    fs.rmSync(dir, { recursive: true, force: true })
  }
  return { target: { name: 'Orrery', kubeconfig, pid: child.pid, close }, numbers, given: named }
}

/** Resident memory in megabytes and CPU time in milliseconds of a process; Linux only. */
export function processUse(pid: number): { residentMB: number; cpuMs: number } {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return { residentMB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, cpuMs: ticks * 10 }
}
