/** The two ways in which a cluster runs that chaos happens to: in this process, and in one of its own that is killed. */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock, SeededRandom } from '../../src/clock.ts'
import { startCluster } from '../../src/cluster.ts'
import { TOKEN } from '../helpers/http.ts'

const READY = 'Ctrl-C'

export interface Running {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

export interface ToStart {
  dir: string
  nodes: { name: string; capacity: Record<string, string> }[]
}

/** One whose time is that of `clock`; it is stopped in order. */
export async function startInside({ dir, nodes }: ToStart, { clock, random }: { clock: Clock; random: SeededRandom }): Promise<Running> {
  const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: dir, logLevel: 'fatal', adminToken: TOKEN, clock, random, nodes })
  return { url: cluster.url, port: cluster.port, stop: () => cluster.close() }
}

/** What `npm start` starts. It is stopped as by a power cut: nothing is written any more. */
export async function startProcess({ dir, nodes }: ToStart): Promise<Running> {
  const config = path.join(dir, 'config.yaml')
  fs.writeFileSync(config, JSON.stringify({ port: 0, dataDir: dir, adminToken: TOKEN, logLevel: 'fatal', hostAccess: false, nodes }))
  const child = spawn(process.execPath, ['scripts/start.mjs', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let url: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    url ??= /https:\/\/\S+/.exec(line)?.[0]
    if (line.startsWith(READY)) break
  }
  if (!url) throw new Error('the cluster does not start')
  child.stdout.resume()
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
  }
  return { url, port: Number(new URL(url).port), stop }
}
