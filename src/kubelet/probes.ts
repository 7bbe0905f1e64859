/** One probe of a container, performed: exec, httpGet, tcpSocket, grpc. Models pkg/probe, in its words. */
import { Writable } from 'node:stream'
import type { Container, ExecAction, GRPCAction, HTTPGetAction, Pod, Probe, TCPSocketAction } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import { expand } from './environment.ts'
import type { Network, Party } from '../network/network.ts'
import { requestHttp } from './sandbox/http-client.ts'
import { checkGrpcHealth } from './sandbox/grpc-health.ts'
import type { RunningContainer } from './runtimes/runtime.ts'

export interface ProbeTarget {
  pod: Pod
  container: Container
  handle: RunningContainer
  podIP: string
}

export interface ProbeSurroundings {
  network: Network
  /** The kubelet itself: connections come from the node. */
  from: Party
  clock: Clock
}

export interface ProbeResult {
  isGood: boolean
  /** Good, but there is something to say. */
  isWarning?: boolean
  /** Neither good nor bad: it could not be performed. */
  isError?: boolean
  output: string
}

const MAX_OUTPUT = 10_240

export type Action = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'>

/** @param timeoutMs after which it has failed */
export async function performProbe({ exec, httpGet, tcpSocket, grpc }: Action, target: ProbeTarget, { surroundings, timeoutMs }: { surroundings: ProbeSurroundings; timeoutMs: number }): Promise<ProbeResult> {
  const how = { ...surroundings, timeoutMs }
  if (exec) return probeExec(exec, target, how)
  if (httpGet) return probeHttp(httpGet, target, how)
  if (tcpSocket) return probeTcp(tcpSocket, target, how)
  if (grpc) return probeGrpc(grpc, target, how)
  return { isGood: true, output: '' }
}

export type How = ProbeSurroundings & { timeoutMs: number }

async function probeExec({ command: told = [] }: ExecAction, { handle, container }: ProbeTarget, { clock, timeoutMs }: How): Promise<ProbeResult> {
  // Of variables only those with a value of their own are known.
  const command = told.map((word) => expand(word, (name) => valueOf(container, name)))
  const chunks: Buffer[] = []
  let bytes = 0
  const sink = () =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (bytes < MAX_OUTPUT) chunks.push(chunk)
        bytes += chunk.length
        done()
      },
    })
  const abort = new AbortController()
  const timer = clock.after(timeoutMs, () => abort.abort())
  try {
    const status = await handle.exec?.({ command, streams: { stdout: sink(), stderr: sink(), tty: false, signal: abort.signal } })
    const output = Buffer.concat(chunks).toString().slice(0, MAX_OUTPUT)
    if (abort.signal.aborted) return { isGood: false, output: `command timed out: "${command.join(' ')}" timed out after ${seconds(timeoutMs)}` }
    return { isGood: status?.code === 0, output }
  } catch (error) {
    return errored(`rpc error: code = Unknown desc = failed to exec in container: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    timer.cancel()
  }
}

const errored = (output: string): ProbeResult => ({ isGood: false, isError: true, output })

function valueOf({ env = [] }: Container, name: string): string | undefined {
  const found = env.findLast((variable) => variable.name === name)
  return found && (found.value ?? '')
}

function seconds(ms: number): string {
  return `${ms / 1000}s`
}

/** Those that a client follows; to another host the kubelet does not. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MAX_REDIRECTS = 10

/** @param purpose what the request is for, as the server is told; hooks take any answer for a good one */
export async function probeHttp(action: HTTPGetAction, target: ProbeTarget, { network, from, clock, timeoutMs, purpose = 'probe' }: How & { purpose?: 'probe' | 'lifecycle' }): Promise<ProbeResult> {
  const { host = target.podIP, path = '/', scheme = 'HTTP', httpHeaders = [] } = action
  const port = portOf(action.port, target.container)
  if (port === undefined) return errored(`strconv.Atoi: parsing ${JSON.stringify(action.port)}: invalid syntax`)
  const clean = path.startsWith('/') ? path : `/${path}`
  const url = `${scheme.toLowerCase()}://${host}:${port}${clean}`
  const given = new Map(httpHeaders.map(({ name = '', value = '' }) => [name.toLowerCase(), { name, value }]))
  const headers: Record<string, string> = { Host: `${host}:${port}` }
  if (!given.has('user-agent')) headers['User-Agent'] = `kube-${purpose}/1.36`
  if (!given.has('accept')) headers.Accept = '*/*'
  for (const { name, value } of given.values()) if (value !== '' || (name.toLowerCase() !== 'user-agent' && name.toLowerCase() !== 'accept')) headers[name.toLowerCase() === 'host' ? 'Host' : name] = value
  try {
    let at = new URL(url)
    for (let redirects = 0; ; redirects++) {
      const place = { host: at.hostname.replace(/^\[|\]$/g, ''), port: Number(at.port) || (at.protocol === 'https:' ? 443 : 80) }
      const answer = await requestHttp({ connect: () => network.connect(from, place, { timeoutMs }), clock, timeoutMs, path: redirects === 0 ? clean : at.pathname + at.search, headers: { ...headers, Connection: 'close' }, isTLS: at.protocol === 'https:', servername: host, maxBytes: MAX_OUTPUT })
      const { status, headers: { location }, body } = answer
      const next = REDIRECTS.has(status) && typeof location === 'string' ? new URL(location, at) : undefined
      if (next && next.hostname === at.hostname && redirects < MAX_REDIRECTS) at = next
      else if (next && next.hostname === at.hostname) return { isGood: false, output: `Get "${next.href}": stopped after ${MAX_REDIRECTS} redirects` }
      else if (next) return { isGood: true, isWarning: true, output: `Probe terminated redirects, Response body: ${body.toString()}` }
      else if (purpose === 'lifecycle' || (status >= 200 && status < 400)) return { isGood: true, output: body.toString() }
      else return { isGood: false, output: `HTTP probe failed with statuscode: ${status}` }
    }
  } catch (error) {
    return { isGood: false, output: `Get "${url}": ${error instanceof Error ? error.message : String(error)}` }
  }
}

async function probeTcp({ host, port: wanted }: TCPSocketAction, target: ProbeTarget, { network, from, timeoutMs }: How): Promise<ProbeResult> {
  const port = portOf(wanted, target.container)
  if (port === undefined) return errored(`strconv.Atoi: parsing ${JSON.stringify(wanted)}: invalid syntax`)
  try {
    const stream = await network.connect(from, { host: host || target.podIP, port }, { timeoutMs })
    stream.on('error', () => {})
    stream.destroy()
    return { isGood: true, output: '' }
  } catch (error) {
    return { isGood: false, output: error instanceof Error ? error.message : String(error) }
  }
}

async function probeGrpc({ port = 0, service = '' }: GRPCAction, { podIP }: ProbeTarget, { network, from, clock, timeoutMs }: How): Promise<ProbeResult> {
  const status = await checkGrpcHealth({ connect: () => network.connect(from, { host: podIP, port }, { timeoutMs }), clock, timeoutMs, service })
  if (status === 'SERVING') return { isGood: true, output: `service healthy` }
  if (status === 'UNREACHABLE') return { isGood: false, output: `timeout: failed to connect service "${podIP}:${port}" within ${seconds(timeoutMs)}: context deadline exceeded` }
  if (status === 'TIMEOUT') return { isGood: false, output: `timeout: health rpc did not complete within ${seconds(timeoutMs)}` }
  return { isGood: false, output: status === 'UNIMPLEMENTED' ? 'error: this server does not implement the grpc health protocol (grpc.health.v1.Health)' : `service unhealthy (responded with "${status}")` }
}

/** A number, or the name of one of the container's ports. */
export function portOf(wanted: string | number | undefined, container: Container): number | undefined {
  if (typeof wanted === 'number') return wanted
  if (/^\d+$/.test(wanted ?? '')) return Number(wanted)
  return container.ports?.find((p) => p.name === wanted)?.containerPort
}
