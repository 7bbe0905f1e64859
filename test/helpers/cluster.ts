/** A cluster in this process for the tests of one file, with kubectl of one version pointed at it. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'
import { SystemClock } from '../../src/clock.ts'
import { startCluster, type Cluster, type ClusterOptions, type NodeOptions } from '../../src/cluster.ts'
import { kubectl, type Finished, type KubectlVersion, type RunOptions } from './kubectl.ts'

const clock = new SystemClock()
const POLL_MS = 40
const DEFAULT_TIMEOUT_MS = 30_000

export interface TestCluster {
  readonly cluster: Cluster
  readonly kubeconfig: string
  /** A folder for the files of the test; removed in the end. */
  readonly dir: string
}

export interface TestClusterOptions extends Partial<Omit<ClusterOptions, 'nodes'>> {
  nodes?: number | NodeOptions[]
}

/** Starts a cluster in memory on a free port; it ends with the test `t`. */
export async function startTestCluster(t: Test, { nodes = 3, ...options }: TestClusterOptions = {}): Promise<TestCluster> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-test-'))
  const named = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => ({ name: `node-${i + 1}` })) : nodes
  const cluster = await startCluster({ host: '127.0.0.1', port: 0, dataDir: undefined, logLevel: 'error', freeze: true, ...options, nodes: named })
  const kubeconfig = path.join(dir, 'kubeconfig')
  fs.writeFileSync(kubeconfig, cluster.kubeconfig(), { mode: 0o600 })
  t.teardown(async () => {
    await cluster.close()
    fs.rmSync(dir, { recursive: true, force: true })
  })
  return { cluster, kubeconfig, dir }
}

/** kubectl for one cluster and namespace, throwing when a command fails that is not meant to. */
export class Kubectl {
  constructor(
    readonly version: KubectlVersion,
    readonly target: TestCluster,
    readonly namespace = 'default',
  ) {}

  in(namespace: string): Kubectl {
    return new Kubectl(this.version, this.target, namespace)
  }

  /** Runs a command line (split at spaces; give an array where an argument has some) and answers all of it. */
  try(command: string | readonly string[], options: RunOptions = {}): Promise<Finished> {
    const args = typeof command === 'string' ? command.split(' ') : command
    return kubectl(this.version, ['--namespace', this.namespace, ...args], { kubeconfig: this.target.kubeconfig, cwd: this.target.dir, ...options })
  }

  /** The standard output of a command that must succeed. */
  async run(command: string | readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, options)
    if (code === 0) return stdout
    const text = typeof command === 'string' ? command : command.join(' ')
    throw new Error(`kubectl ${this.version}: ${text} ended with ${code}\n${stderr}${stdout}`)
  }

  async json<T>(command: string | readonly string[], options: RunOptions = {}): Promise<T> {
    const args = typeof command === 'string' ? command.split(' ') : command
    return JSON.parse(await this.run([...args, '-o', 'json'], options)) as T
  }

  /** The standard error of a command that must fail. */
  async fails(command: string | readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, options)
    if (code !== 0) return stderr
    throw new Error(`kubectl ${this.version}: ${typeof command === 'string' ? command : command.join(' ')} succeeded\n${stdout}`)
  }

  apply(manifest: string, ...flags: string[]): Promise<string> {
    return this.run(['apply', ...flags, '-f', '-'], { stdin: manifest })
  }
}

/** Asks again until `probe` neither throws nor answers false; the last error is thrown when time is out. */
export async function eventually<T>(probe: () => T | Promise<T>, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Exclude<T, false>> {
  const deadline = clock.now() + timeoutMs
  for (;;) {
    try {
      const value = await probe()
      if (value !== false) return value as Exclude<T, false>
      if (clock.now() >= deadline) throw new Error(`still false after ${timeoutMs} ms: ${probe}`)
    } catch (error) {
      if (clock.now() >= deadline) throw error
    }
    await clock.sleep(POLL_MS)
  }
}
