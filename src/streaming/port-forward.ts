/**
 * `portforward`: over SPDY, over SPDY in a WebSocket, or over two channels of a WebSocket for each port. Models
 * k8s.io/cri-streaming/pkg/streaming/portforward and k8s.io/apiserver/pkg/util/proxy/streamtunnel.go.
 */
import { pipeline, type Duplex } from 'node:stream'
import { createWebSocketStream } from 'ws'
import type { Pod } from '../../schemas/types.ts'
import { isUpgradeRequest, type ApiResponse, type Upgraded } from '../apiserver/request.ts'
import type { Connection, Connector } from '../apiserver/subresources/create.ts'
import type { Clock } from '../clock.ts'
import { badRequest, quote } from '../errors.ts'
import { authorizeCreate } from './authorize-create.ts'
import { connectedPod } from './connected-pod.ts'
import type { NodeApi } from './node-api.ts'
import { negotiateSpdy, switchToSpdy } from './remote-streams.ts'
import { SpdySession, type SpdyStream } from './spdy/session.ts'
import { acceptWebSocket, Channels, isWebSocketRequest, offeredProtocols } from './websocket.ts'

const PROTOCOL = 'portforward.k8s.io'
const TUNNEL = `SPDY/3.1+${PROTOCOL}`
const CHANNEL_PROTOCOLS = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io', '']
const STREAM_CREATION_MS = 30_000
/** What comes from a client after the pod has ended its side is taken for so long, as containerd has it. */
const GRACE_MS = 500
const MAX_PORTS = 100

interface Forwarding {
  node: NodeApi
  pod: Pod
  clock: Clock
}

export function portForward(node: NodeApi): Connector {
  return async (connection: Connection): Promise<ApiResponse> => {
    await authorizeCreate(connection)
    const { request, api } = connection
    const forwarding = { node, pod: connectedPod(connection), clock: api.clock }
    if (!isUpgradeRequest(request)) throw badRequest('Upgrade request required')
    return answerPortForward(forwarding, { headers: request.headers, ports: request.query.getAll('ports') })
  }
}

/** @param ports what the query asks for: a WebSocket without a tunnel has channels for these. @throws StatusError 400 */
export function answerPortForward(forwarding: Forwarding, { headers, ports }: { headers: Readonly<Record<string, string | undefined>>; ports: readonly string[] }): ApiResponse {
  if (!isWebSocketRequest(headers)) {
    const negotiated = negotiateSpdy(headers, [PROTOCOL])
    if ('refusal' in negotiated) return negotiated.refusal
    return takenBy(({ socket, head }) => {
      switchToSpdy(socket, negotiated.protocol)
      forwardStreams(forwarding, socket, head)
    })
  }
  const channels = isTunnel(headers) ? [] : channelPorts(ports)
  return takenBy((upgraded) => (channels.length > 0 ? forwardChannels(forwarding, upgraded, channels) : tunnel(forwarding, upgraded)))
}

const takenBy = (takeOver: (connection: Upgraded) => void): ApiResponse => ({ status: 101, headers: {}, takeOver })

function isTunnel(headers: Readonly<Record<string, string | undefined>>): boolean {
  return headers['sec-websocket-protocol']?.split(',').some((p) => p.trim() === TUNNEL) ?? false
}

function tunnel(forwarding: Forwarding, upgraded: Upgraded): void {
  const ws = offeredProtocols(upgraded.request).includes(TUNNEL) ? acceptWebSocket(upgraded, [TUNNEL]) : undefined
  if (ws) forwardStreams(forwarding, createWebSocketStream(ws), Buffer.alloc(0))
}

/** @throws StatusError 400 */
function channelPorts(texts: readonly string[]): number[] {
  if (texts.length === 0) throw badRequest('query parameter "port" is required')
  const ports = texts.flatMap((text) => text.split(',').map((part) => portOf(part, text)))
  if (ports.length > MAX_PORTS) throw badRequest(`more than ${MAX_PORTS} ports`)
  return ports
}

function portOf(part: string, text: string): number {
  if (text === '') throw badRequest('query parameter "port" cannot be empty')
  if (!/^\d+$/.test(part)) throw badRequest(`unable to parse ${quote(text)} as a port: strconv.ParseUint: parsing ${quote(part)}: invalid syntax`)
  const port = Number(part)
  if (port > 65535) throw badRequest(`unable to parse ${quote(text)} as a port: strconv.ParseUint: parsing ${quote(part)}: value out of range`)
  if (port < 1) throw badRequest(`port ${quote(text)} must be > 0`)
  return port
}

function forwardChannels(forwarding: Forwarding, upgraded: Upgraded, ports: readonly number[]): void {
  const ws = acceptWebSocket(upgraded, CHANNEL_PROTOCOLS)
  if (!ws) return
  const channels = new Channels(ws, { count: ports.length * 2, isBase64: ws.protocol.includes('base64'), closesChannels: false })
  const pairs = ports.map((port, i) => {
    const [data, errors] = [channels.channel(i * 2), channels.channel(i * 2 + 1)]
    const number = Buffer.alloc(2)
    number.writeUInt16LE(port)
    data.write(number)
    errors.write(number)
    return forwardPair(forwarding, port, { data, errors })
  })
  void Promise.all(pairs).then(() => channels.close())
}

interface Pair {
  data: SpdyStream
  errors: SpdyStream
}

/** A pair of streams for every connection; both name it, or older clients open them one after the other. */
function forwardStreams(forwarding: Forwarding, socket: Duplex, head: Buffer): void {
  const waiting = new Map<string, Partial<Pair>>()
  const session: SpdySession = new SpdySession(socket, {
    head,
    onStream(stream) {
      const refusal = whyNoStream(stream)
      if (refusal) return refusal
      const isData = stream.headers.streamtype === 'data'
      const id = stream.headers.requestid ?? String(isData ? stream.id - 2 : stream.id)
      const pair = waiting.get(id) ?? {}
      if (isData ? pair.data : pair.errors) return `${isData ? 'data' : 'error'} stream already assigned`
      pair[isData ? 'data' : 'errors'] = stream
      if (!isData) stream.resume()
      if (pair.data && pair.errors) {
        waiting.delete(id)
        void forwardPair(forwarding, Number(stream.headers.port), pair as Pair)
      } else {
        waiting.set(id, pair)
        const late = forwarding.clock.after(STREAM_CREATION_MS, () => {
          if (waiting.get(id) !== pair) return
          waiting.delete(id)
          pair.errors?.end(`(request=${id}) timed out waiting for streams`)
          pair.data?.reset()
        })
        void session.closed.then(() => late.cancel())
      }
      return undefined
    },
  })
}

function whyNoStream({ headers: { port, streamtype } }: SpdyStream): string | undefined {
  if (!port) return '"port" header is required'
  if (!/^\d+$/.test(port) || Number(port) > 65535) return `unable to parse ${quote(port)} as a port`
  if (Number(port) < 1) return `port ${quote(port)} must be > 0`
  return streamtype === 'error' || streamtype === 'data' ? undefined : `invalid stream type ${quote(streamtype ?? '')}`
}

/** Settles when the connection is over: soon after the pod has ended it. */
async function forwardPair({ node, pod, clock }: Forwarding, port: number, { data, errors }: { data: Duplex; errors: Duplex }): Promise<void> {
  let connection: Duplex
  try {
    connection = await node.dial(pod, port)
  } catch (error) {
    const { name, namespace, uid } = pod.metadata
    const why = error instanceof Error ? error.message : String(error)
    errors.end(`error forwarding port ${port} to pod ${name}_${namespace}, uid ${uid}: ${why}`)
    data.end()
    data.resume()
    return
  }
  const given = new Promise<void>((resolve) => data.pipe(connection).once('finish', resolve).once('close', resolve))
  data.once('close', () => connection.destroy())
  connection.on('error', () => {})
  await new Promise<void>((resolve) => pipeline(connection, data, () => resolve()))
  const patience = new AbortController()
  await Promise.race([given, clock.sleep(GRACE_MS, patience.signal).catch(() => {})])
  patience.abort()
  data.unpipe(connection).resume()
  connection.destroy()
  errors.end()
}
