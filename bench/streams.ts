/**
 * Streams into containers: `npm run bench -- streams [--kubeconfig FILE] [--execs N] [--lines N] [--megabytes N] [--pods N]`. How
 * long an exec takes from connecting to its exit code, how soon a line that is printed is seen by who follows the log, what goes
 * through a forwarded port (by kubectl), and what many pods with a shell take that stand idle.
 */
import { spawn } from 'node:child_process'
import http from 'node:http'
import { WebSocket } from 'ws'
import { SystemClock } from '../src/clock.ts'
import { programPath } from '../test/helpers/kubectl.ts'
import { BenchClient, readAccess } from './_client.ts'
import { measure, percentile, row } from './_measure.ts'
import { processUse, target } from './_server.ts'

const { target: cluster, numbers } = await target({ execs: '200', lines: '200', megabytes: '200', pods: '2000', nodes: '20' })
const { execs = 0, lines = 0, megabytes = 0, pods = 0 } = numbers
const clock = new SystemClock()
const client = new BenchClient(cluster.kubeconfig)
const access = readAccess(cluster.kubeconfig)
const namespace = `bench-${process.pid}`
const path = `/api/v1/namespaces/${namespace}/pods`
const STDIN = 0
const STDOUT = 1
const ERROR = 3

const pod = (name: string, image: string, command?: string[]) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image, ...(command ? { command } : {}) }] } })

async function until(probe: () => Promise<boolean>): Promise<void> {
  while (!(await probe())) await clock.sleep(50)
}

const isReady = async (name: string) => (await client.json<{ status?: { containerStatuses?: { ready: boolean }[] } }>('GET', `${path}/${name}`)).status?.containerStatuses?.[0]?.ready === true

/** A command in a container, over a WebSocket. */
function exec(name: string, command: readonly string[], { stdin = false } = {}): { socket: WebSocket; ended: Promise<string> } {
  const query = new URLSearchParams([...command.map((word) => ['command', word] as [string, string]), ['stdout', 'true'], ...(stdin ? [['stdin', 'true'] as [string, string]] : [])])
  const headers = access.authorization ? { authorization: access.authorization } : {}
  const socket = new WebSocket(`${access.server.replace(/^http/, 'ws')}${path}/${name}/exec?${query}`, 'v5.channel.k8s.io', { ca: access.tls.ca, cert: access.tls.cert, key: access.tls.key, rejectUnauthorized: access.tls.rejectUnauthorized, headers })
  const ended = new Promise<string>((resolve, reject) => {
    let output = ''
    socket.on('message', (data: Buffer) => {
      if (data[0] === STDOUT) output += data.subarray(1).toString()
      if (data[0] === ERROR) resolve(output)
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(output))
  })
  return { socket, ended }
}

async function logLatency(): Promise<void> {
  const { socket } = exec('box', ['sh'], { stdin: true })
  await new Promise((resolve) => socket.once('open', resolve))
  let seen: (() => void) | undefined
  const stop = await client.watch(`${path}/box/log?follow=true`, () => seen?.())
  const tookMs: number[] = []
  for (let i = 0; i < lines; i++) {
    const arrived = new Promise<void>((resolve) => (seen = resolve))
    const start = performance.now()
    socket.send(Buffer.concat([Buffer.from([STDIN]), Buffer.from(`echo line ${i} > /proc/1/fd/1\n`)]))
    await arrived
    tookMs.push(performance.now() - start)
  }
  stop()
  socket.close()
  tookMs.sort((a, b) => a - b)
  row('a line said, until it is seen by logs -f', `p50 ${percentile(tookMs, 0.5).toFixed(1)} ms`, `p99 ${percentile(tookMs, 0.99).toFixed(1)} ms`)
}

async function throughput(): Promise<void> {
  await exec('web', ['sh', '-c', `head -c ${megabytes}M /dev/zero > /usr/share/nginx/html/big`]).ended
  const kubectl = spawn(programPath('kubectl', '1.36'), ['--kubeconfig', cluster.kubeconfig, '-n', namespace, 'port-forward', 'pod/web', ':80'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<string>((resolve) => kubectl.stdout.on('data', (text: Buffer) => resolve(/:(\d+) ->/.exec(text.toString())?.[1] ?? '')))
  const start = performance.now()
  const bytes = await new Promise<number>((resolve, reject) => {
    http.get(`http://127.0.0.1:${port}/big`, (answer) => {
      let got = 0
      answer.on('data', (chunk: Buffer) => (got += chunk.length))
      answer.on('end', () => resolve(got))
    }).on('error', reject)
  })
  row(`${megabytes} MB through kubectl port-forward`, `${(bytes / 1048576 / ((performance.now() - start) / 1000)).toFixed(0)} MB/s`)
  kubectl.kill('SIGINT')
}

async function idlePods(): Promise<void> {
  const before = cluster.pid ? processUse(cluster.pid).residentMB : 0
  const template = { metadata: { labels: { app: 'idle' } }, spec: { containers: [{ name: 'main', image: 'busybox', command: ['sh', '-c', 'echo up; while true; do sleep 3600; done'] }] } }
  const url = `/apis/apps/v1/namespaces/${namespace}/deployments`
  await client.json('POST', url, { body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'idle' }, spec: { replicas: pods, selector: { matchLabels: { app: 'idle' } }, template } } })
  await until(async () => (await client.json<{ status?: { readyReplicas?: number } }>('GET', `${url}/idle`)).status?.readyReplicas === pods)
  if (cluster.pid) row(`resident with ${pods} idle shell pods`, `${processUse(cluster.pid).residentMB.toFixed(0)} MB`, `${before.toFixed(0)} MB before`)
}

try {
  console.log(cluster.name)
  await client.json('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } })
  await client.json('POST', path, { body: pod('box', 'busybox', ['sleep', '86400']) })
  await client.json('POST', path, { body: pod('web', 'nginx') })
  for (const name of ['box', 'web']) await until(() => isReady(name))
  const cpu = cluster.pid ? processUse(cluster.pid).cpuMs : 0
  await measure({ name: 'exec, connected to exit code, one at a time', calls: execs, atOnce: 1 }, () => exec('box', ['true']).ended)
  if (cluster.pid) row('CPU of the server', `${((processUse(cluster.pid).cpuMs - cpu) / execs).toFixed(1)} ms an exec`)
  await logLatency()
  await throughput()
  if (pods > 0) await idlePods()
} finally {
  await client.call('DELETE', `/api/v1/namespaces/${namespace}`)
  client.close()
  await cluster.close()
}
