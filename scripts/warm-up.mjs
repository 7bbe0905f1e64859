// Runs the server that was just built through what clients commonly do, so that it leaves its compiled code beside itself
// (src/cli/code-cache.ts) and every later start has it. Nothing depends on it: where it fails the build says so and is done.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http2 from 'node:http2'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './esbuild-options.mjs'

const LIMIT_MS = 60_000
const POLL_MS = 50
const TOKEN = 'warm-up'
const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

function startServer(dir) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ORRERY_')))
  const flags = ['--port', '0', '--nodes', '2', '--data-dir', path.join(dir, 'state'), '--kubeconfig', path.join(dir, 'kubeconfig'), '--admin-token', TOKEN, '--host-access', 'false']
  return spawn(process.execPath, [path.join(root, 'dist', 'orrery.cjs'), 'up', ...flags], { cwd: dir, env, stdio: ['ignore', 'pipe', 'ignore'] })
}

/** The address that the server prints when it is ready. */
function addressOf(child) {
  return new Promise((resolve, reject) => {
    let printed = ''
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text
      const found = /https:\/\/\S+/.exec(printed)
      if (found && printed.includes('Ctrl-C')) resolve(found[0])
    })
  })
}

class Client {
  #session

  constructor(address) {
    this.#session = http2.connect(address, { rejectUnauthorized: false })
    this.#session.on('error', () => undefined)
  }

  /** The body of the answer, as bytes. */
  async send(method, url, { body, type = 'application/json', accept = 'application/json' } = {}) {
    const stream = this.#session.request({ ':method': method, ':path': url, authorization: `Bearer ${TOKEN}`, 'content-type': type, accept })
    stream.end(body === undefined ? undefined : Buffer.isBuffer(body) ? body : JSON.stringify(body))
    const [headers] = await once(stream, 'response')
    const bytes = Buffer.concat(await stream.toArray())
    if (headers[':status'] >= 400) throw new Error(`${method} ${url}: ${headers[':status']} ${bytes}`)
    return bytes
  }

  async json(method, url, body, options = {}) {
    return JSON.parse((await this.send(method, url, { body, ...options })).toString())
  }

  /** Reads from a watch until the client closes. */
  watch(url, accept) {
    const stream = this.#session.request({ ':path': url, authorization: `Bearer ${TOKEN}`, accept })
    stream.on('error', () => undefined)
    stream.resume()
  }

  close() {
    this.#session.destroy()
  }
}

async function until(isDone) {
  while (!(await isDone())) await sleep(POLL_MS)
}

const meta = (name, labels = {}) => ({ metadata: { name, labels } })
const podTemplate = (app, image) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'app', image, ports: [{ containerPort: 80 }], resources: { requests: { cpu: '10m', memory: '16Mi' } } }] } })
const workload = (kind, name, spec, image = 'nginx:1.27') => ({ apiVersion: 'apps/v1', kind, ...meta(name), spec: { selector: { matchLabels: { app: name } }, template: podTemplate(name, image), ...spec } })

function node(name) {
  const resources = { cpu: '32', memory: '256Gi', pods: '110' }
  return { apiVersion: 'v1', kind: 'Node', ...meta(name, { 'kubernetes.io/hostname': name }), status: { capacity: resources, allocatable: resources, conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }] } }
}

const core = '/api/v1/namespaces/warm'
const apps = '/apis/apps/v1/namespaces/warm'

async function readApi(client) {
  for (const url of ['/version', '/readyz', '/openapi/v2', '/openapi/v3', '/openapi/v3/apis/apps/v1', '/apis/apps/v1']) await client.send('GET', url)
  for (const url of ['/api', '/apis']) await client.send('GET', url, { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })
  const lists = ['/api/v1/nodes', `${core}/pods`, `${core}/services`, `${core}/configmaps`, `${core}/events`, `${apps}/deployments`, `${apps}/replicasets`, `${apps}/statefulsets`, '/api/v1/namespaces']
  for (const url of lists) for (const accept of ['application/json', PROTOBUF, TABLE]) await client.send('GET', `${url}?limit=500`, { accept })
}

async function writeConfigMaps(client) {
  const url = `${core}/configmaps`
  for (let i = 0; i < 20; i++) {
    await client.json('POST', url, { apiVersion: 'v1', kind: 'ConfigMap', ...meta(`c-${i}`), data: { key: 'value' } })
    const bytes = await client.send('GET', `${url}/c-${i}`, { accept: PROTOBUF })
    await client.send('PUT', `${url}/c-${i}`, { body: bytes, type: PROTOBUF, accept: PROTOBUF })
    await client.json('PATCH', `${url}/c-${i}`, { data: { key: 'other' } }, { type: 'application/merge-patch+json' })
    await client.json('PATCH', `${url}/c-${i}?fieldManager=warm`, { apiVersion: 'v1', kind: 'ConfigMap', ...meta(`c-${i}`), data: { more: 'value' } }, { type: 'application/apply-patch+yaml' })
  }
  await client.json('DELETE', `${url}/c-0`)
  await client.json('DELETE', url)
}

async function runWorkloads(client) {
  const ready = async (kind, name, count) => (await client.json('GET', `${apps}/${kind}/${name}`)).status?.readyReplicas === count
  const pods = async (app) => (await client.json('GET', `${core}/pods?labelSelector=app%3D${app}`)).items.length
  for (const name of ['web', 'db']) await client.json('POST', `${core}/services`, { apiVersion: 'v1', kind: 'Service', ...meta(name), spec: { selector: { app: name }, ports: [{ port: 80 }], ...(name === 'db' ? { clusterIP: 'None' } : {}) } })
  await client.json('POST', `${apps}/deployments`, workload('Deployment', 'web', { replicas: 60 }))
  await client.json('POST', `${apps}/statefulsets`, workload('StatefulSet', 'db', { replicas: 8, serviceName: 'db' }, 'registry.local/db:1'))
  await client.json('POST', `${apps}/daemonsets`, workload('DaemonSet', 'agent', {}, 'registry.local/agent:1'))
  await client.json('POST', '/apis/batch/v1/namespaces/warm/jobs', { apiVersion: 'batch/v1', kind: 'Job', ...meta('once'), spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'busybox', command: ['sh', '-c', 'echo done'] }] } } } })
  await until(async () => (await ready('deployments', 'web', 60)) && (await ready('statefulsets', 'db', 8)))
  const next = { spec: { template: { spec: { containers: [{ name: 'app', image: 'nginx:1.28' }] } } } }
  await client.json('PATCH', `${apps}/deployments/web`, next, { type: 'application/strategic-merge-patch+json' })
  await until(async () => (await client.json('GET', `${apps}/deployments/web`)).status.updatedReplicas === 60 && (await pods('web')) === 60)
  await client.json('PATCH', `${apps}/deployments/web/scale`, { spec: { replicas: 0 } }, { type: 'application/merge-patch+json' })
  await until(async () => (await pods('web')) === 0)
}

async function work(client) {
  for (let i = 0; i < 4; i++) await client.json('POST', '/api/v1/nodes', node(`warm-${i}`))
  await client.json('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', ...meta('warm') })
  client.watch('/api/v1/pods?watch=1&allowWatchBookmarks=true', PROTOBUF)
  client.watch('/apis/apps/v1/deployments?watch=1', 'application/json')
  await writeConfigMaps(client)
  await runWorkloads(client)
  await readApi(client)
  await client.json('DELETE', '/api/v1/namespaces/warm')
  await until(async () => !(await client.json('GET', '/api/v1/namespaces')).items.some(({ metadata }) => metadata.name === 'warm'))
}

export async function warmUp() {
  try {
    await runOnce(fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-warm-up-')))
  } catch (error) {
    console.warn(`the server was built, but left no compiled code: ${error.message}`)
  }
}

async function runOnce(dir) {
  const child = startServer(dir)
  const ended = once(child, 'exit')
  const late = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  let client
  try {
    client = new Client(await addressOf(child))
    await Promise.race([work(client), ended.then(() => Promise.reject(new Error('the server ended')))])
  } finally {
    client?.close()
    child.kill('SIGTERM')
    await ended
    clearTimeout(late)
    fs.rmSync(dir, { recursive: true, force: true })
  }
}
