/**
 * What a kubelet answers on its port: what it tells of its node by itself, and logs, commands and ports of its pods. Models
 * pkg/kubelet/server/server.go, in the words of its handlers and of the router below them (go-restful).
 */
import { Writable } from 'node:stream'
import type { Pod } from '../../../schemas/types.ts'
import { parseLogOptions } from '../../../api/core/v1/_pod-connect.ts'
import { isUpgradeRequest, type ApiResponse } from '../../apiserver/request.ts'
import { statusz } from '../../apiserver/statusz.ts'
import { isStatusError } from '../../errors.ts'
import type { Clock } from '../../clock.ts'
import { answerLog, logOptions } from '../logs.ts'
import type { NodeApi } from '../node-api.ts'
import { answerPortForward } from '../port-forward.ts'
import { answerAttach, answerExec, wantedStreams } from '../remote-command.ts'

export interface KubeletRequest {
  nodeName: string
  method: string
  /** Decoded, without the query. */
  path: string
  query: URLSearchParams
  headers: Readonly<Record<string, string | undefined>>
}

export interface KubeletRoutesParts {
  node: NodeApi
  clock: Clock
  startedMs: number
  podOf(nodeName: string, namespace: string, name: string): Pod | undefined
}

const MAX_OUTPUT = 1024 * 1024
/** What answers without a pod being named. */
const TELLING = ['/healthz', '/pods', '/stats', '/metrics', '/configz', '/runningpods', '/logs']
const DISABLED: Readonly<Record<string, string>> = { '/debug/pprof': 'profiling endpoint is disabled.', '/debug/flags/v': 'flags endpoint is disabled.' }

type Handler = (of: OfPod) => ApiResponse | Promise<ApiResponse>

interface OfPod {
  parts: KubeletRoutesParts
  request: KubeletRequest
  pod: Pod
  container: string
}

interface PodRoute {
  methods: readonly string[]
  /** How many parts follow the verb: namespace, pod and, but for ports, container; a uid may come before that. */
  counts: readonly number[]
  handler: Handler
}

const POD_ROUTES: Readonly<Record<string, PodRoute>> = {
  containerLogs: { methods: ['GET'], counts: [3], handler: containerLogs },
  run: { methods: ['POST'], counts: [3, 4], handler: run },
  exec: { methods: ['GET', 'POST'], counts: [3, 4], handler: (of) => remoteCommand(of, answerExec) },
  attach: { methods: ['GET', 'POST'], counts: [3, 4], handler: (of) => remoteCommand(of, answerAttach) },
  portForward: { methods: ['GET', 'POST'], counts: [2, 3], handler: portForward },
  checkpoint: { methods: ['POST'], counts: [3], handler: checkpoint },
}

/** Paths that nobody answers are told so without asking who wants to know. */
export function isServed(path: string): boolean {
  const isBelow = (prefix: string) => path === prefix || path.startsWith(`${prefix}/`)
  return ['/statusz', ...TELLING, ...Object.keys(DISABLED), ...Object.keys(POD_ROUTES).map((verb) => `/${verb}`)].some(isBelow)
}

export const plain = (text: string, status = 200): ApiResponse => ({ status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: [Buffer.from(text)] })
const NOT_FOUND = '404: Page Not Found'

/** Rejects with a StatusError only for what is no request of a kubelet's client. */
export async function answerKubelet(request: KubeletRequest, parts: KubeletRoutesParts): Promise<ApiResponse> {
  const { path, method } = request
  if (path === '/statusz') return statusz(request, { startedMs: parts.startedMs, nowMs: parts.clock.now(), paths: TELLING, component: 'kubelet' })
  const disabled = Object.entries(DISABLED).find(([prefix]) => path.startsWith(prefix))
  if (disabled) return plain(`${disabled[1]}\n`, 405)
  const [, verb = '', ...names] = path.split('/')
  const route = POD_ROUTES[verb]
  if (!route) return tell(request, parts)
  if (!route.counts.includes(names.length) || names.includes('')) return plain(NOT_FOUND, 404)
  if (!route.methods.includes(method)) return { ...plain('405: Method Not Allowed', 405), headers: { 'content-type': 'text/plain; charset=utf-8', allow: route.methods.join(', ') } }
  const [namespace = '', name = ''] = names
  const pod = parts.podOf(request.nodeName, namespace, name)
  if (!pod) return plain(verb === 'containerLogs' ? `pod ${JSON.stringify(name)} does not exist` : 'pod does not exist', 404)
  const uid = names.length === Math.max(...route.counts) && route.counts.length > 1 ? names[2] : undefined
  if (uid !== undefined && uid !== pod.metadata.uid) return plain('pod not found', 404)
  try {
    return await route.handler({ parts, request, pod, container: names.at(-1) ?? '' })
  } catch (error) {
    if (!isStatusError(error)) throw error
    return plain(error.message, error.code)
  }
}

async function tell({ nodeName, method, path, query }: KubeletRequest, { node }: KubeletRoutesParts): Promise<ApiResponse> {
  const { status, type, body } = (await node.request(nodeName, { method, path, query })) ?? { status: 404, type: 'text/plain; charset=utf-8', body: NOT_FOUND }
  const bytes = Buffer.from(body)
  return { status, headers: { 'content-type': type, 'content-length': String(bytes.length) }, body: [bytes] }
}

function hasContainer({ spec }: Pod, name: string): boolean {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].some((c) => c.name === name)
}

function containerLogs({ parts: { node, clock }, request: { query }, pod, container }: OfPod): Promise<ApiResponse> | ApiResponse {
  if (!hasContainer(pod, container)) return plain(`container ${JSON.stringify(container)} not found in pod ${JSON.stringify(pod.metadata.name)}`, 404)
  const asked = new URLSearchParams(query)
  const tail = asked.get('tail')
  if (tail) asked.set('tailLines', tail)
  if (tail === 'all') asked.delete('tailLines')
  return answerLog(node, { pod, container, options: logOptions(parseLogOptions(asked), clock.now()) })
}

function remoteCommand({ parts: { node, clock }, request: { headers, query }, pod, container }: OfPod, answer: typeof answerExec): ApiResponse {
  const flags: Readonly<Record<string, string>> = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' }
  const wanted = wantedStreams((name) => query.get(flags[name] ?? '') === '1')
  if (!isUpgradeRequest({ headers })) return plain('Upgrade request required\n', 500)
  return answer({ node, clock, command: { pod, container, command: query.getAll('command') }, wanted, headers })
}

function portForward({ parts: { node, clock }, request: { headers, query }, pod }: OfPod): ApiResponse {
  if (!isUpgradeRequest({ headers })) return plain('Upgrade request required\n', 500)
  return answerPortForward({ node, pod, clock }, { headers, ports: query.getAll('port') })
}

/** Runs a command to its end and answers what it printed. */
async function run({ parts: { node }, request: { query }, pod, container }: OfPod): Promise<ApiResponse> {
  const cmd = query.get('cmd') ?? ''
  const stdout = gathering()
  const stderr = gathering()
  const { code } = await node.exec(pod, container, { command: cmd.split(' '), streams: { stdout, stderr, tty: false } })
  if (code !== 0) return plain(`command '${cmd}' exited with ${code}: ${stderr.bytes().toString()}`, 500)
  return { status: 200, headers: { 'content-type': 'application/json' }, body: [stdout.bytes(), stderr.bytes()] }
}

function gathering(): Writable & { bytes(): Buffer } {
  const chunks: Buffer[] = []
  let length = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (length < MAX_OUTPUT) chunks.push(chunk)
      length += chunk.length
      done()
    },
  })
  return Object.assign(sink, { bytes: () => Buffer.concat(chunks) })
}

/** There is no process that could be frozen. */
function checkpoint({ pod, container }: OfPod): ApiResponse {
  if (!hasContainer(pod, container)) return plain(`container ${container} does not exist`, 404)
  const { namespace, name } = pod.metadata
  return plain(`checkpointing of ${namespace}/${name}/${container} failed (rpc error: code = Unimplemented desc = method CheckpointContainer not implemented)`, 500)
}
