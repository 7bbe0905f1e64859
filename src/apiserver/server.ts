/**
 * The HTTP server: HTTP/2 and HTTP/1.1 over TLS on one port, client certificates, bodies with a limit in size and time,
 * answers in pieces and streams with a bound on what a slow reader may leave behind. What is answered is decided in
 * routes.ts.
 */
import fastify from 'fastify'
import { ServerResponse, type IncomingMessage, type Server } from 'node:http'
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../clock.ts'
import { StatusError, tooLarge } from '../errors.ts'
import { Connections, InFlight } from './closing.ts'
import { http1Exchange, http2Exchange, type Exchange } from './exchange.ts'
import type { ApiResponse, Upgraded } from './request.ts'
import { sendResponse } from './send.ts'

/** Upstream's limit on the body of a write. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024
/** How long a request may take to arrive. */
const BODY_TIMEOUT_MS = 60_000
/** As upstream: Go's limit on what the head of a request may come to. */
const MAX_HEAD_BYTES = 1024 * 1024
const MAX_STREAMS = 1000
/** Node refuses new requests beyond this. What a stream may hold back has a bound of its own, and many watches may lag at once. */
const MAX_SESSION_MEGABYTES = 1024
const WINDOW_BYTES = 256 * 1024
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export interface TlsFiles {
  key: string
  cert: string
  /** PEM of the authorities whose client certificates are accepted. */
  clientCA: string | string[]
}

/** A request as the wire gave it. */
export interface RawRequest {
  method: string
  /** Path and query, undecoded. */
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[]
  body: Buffer
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
  socket: TLSSocket
}

export type RequestHandler = (request: RawRequest) => Promise<ApiResponse>

/** Who answers. */
export interface Answering {
  clock: Clock
  /** Never rejects. */
  handler: RequestHandler
  /** Answers a request that did not arrive whole. */
  onError(error: StatusError, request: Pick<RawRequest, 'headers' | 'url'>): ApiResponse
}

export interface ServerOptions extends Answering {
  host: string
  port: number
  tls: TlsFiles
}

export interface HttpServer {
  readonly port: number
  close(): Promise<void>
}

/** Listens; rejects with the system's error (EADDRINUSE …) when it cannot. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const server = secureServer(options.tls)
  const inFlight = new InFlight()
  const app = fastify({
    http2: true,
    serverFactory: (handle) => server.on('request', handle as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void),
    exposeHeadRoutes: false,
    forceCloseConnections: false,
    return503OnClosing: false,
    // What Fastify would refuse by itself (malformed escapes) is refused in our words like everything else.
    frameworkErrors: (_error, request, reply) => take(request, reply),
    clientErrorHandler: (error, socket) => refuseUnreadable(error as NodeJS.ErrnoException, socket),
  })
  const take = (request: { raw: IncomingMessage | Http2ServerRequest }, reply: { raw: ServerResponse | Http2ServerResponse; hijack(): unknown }) => {
    reply.hijack()
    const problem = hostProblem(request.raw)
    if (problem) return refuseConnection(request.raw.socket, `400 Bad Request: ${problem}`)
    void serve(exchangeOf(request.raw, reply.raw), options, inFlight)
  }
  // Bodies are read by us, with limits in size and time.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.route({ method: [...METHODS], url: '/*', handler: take })
  app.setNotFoundHandler(take)
  // Fastify reads content types by itself before anybody else does; what it cannot read, we refuse.
  app.setErrorHandler((_error, request, reply) => take(request, reply))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void serveUpgrade({ request, socket, head }, options))
  const connections = new Connections(server)
  await app.listen({ host: options.host, port: options.port })
  const { port } = server.address() as AddressInfo
  return {
    port,
    async close() {
      const closed = app.close()
      await inFlight.end()
      await connections.close()
      await closed
    },
  }
}

/** The same, for connections that reach it by other ways than a port. */
export function answerConnections(server: Server, options: Answering): void {
  server.on('request', (request, response) => void serve(http1Exchange(request, response), options, new InFlight()))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void serveUpgrade({ request, socket, head }, options))
  server.on('clientError', refuseUnreadable)
}

/** What is no request is answered as Go's server does, and the connection ended. */
function refuseUnreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request'
  refuseConnection(socket, status)
}

function refuseConnection(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`)
}

/** What Go's server finds wrong with whom a request over HTTP/1.1 is for. */
function hostProblem(request: IncomingMessage | Http2ServerRequest): string {
  if ('stream' in request) return ''
  const count = request.rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length
  if (count > 1) return 'too many Host headers'
  return count === 0 && request.httpVersion === '1.1' ? 'missing required Host header' : ''
}

function secureServer({ key, cert, clientCA }: TlsFiles): Http2SecureServer {
  const server = createSecureServer({
    allowHTTP1: true,
    key,
    cert,
    ca: clientCA,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    maxSessionMemory: MAX_SESSION_MEGABYTES,
    settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: WINDOW_BYTES, maxHeaderListSize: MAX_HEAD_BYTES },
  })
  // Node's parser of HTTP/1.1 looks for its limit here.
  Object.assign(server, { maxHeaderSize: MAX_HEAD_BYTES })
  return server
}

/** Clients of a proxy ask for the whole address. */
const ORIGIN = /^https?:\/\/[^/?]*(?=\/)/i

/** HTTP/2 is taken by its streams: answering through Node's compatibility layer costs more than the answer. */
function exchangeOf(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): Exchange {
  return 'stream' in request ? http2Exchange(request.stream as ServerHttp2Stream, request) : http1Exchange(request, response as ServerResponse)
}

/** Never rejects: an error of ours costs the exchange, not the process. */
async function serve(exchange: Exchange, options: Answering, inFlight: InFlight): Promise<void> {
  inFlight.enter()
  try {
    const body = exchange.incoming ? await readBody(exchange, options.clock) : EMPTY
    if (body === undefined) return
    const response = body instanceof StatusError ? refuse(exchange, body, options) : await options.handler(new Incoming(exchange, body))
    if (response.stream) inFlight.addStream(exchange.outgoing)
    await sendResponse(exchange, response, options.clock)
  } catch {
    exchange.outgoing.destroy()
  } finally {
    inFlight.leave()
  }
}

/** Never rejects. Who answers may take the connection over; otherwise it is answered as any request, and closed. */
async function serveUpgrade(connection: Upgraded, options: Answering): Promise<void> {
  const { request, socket } = connection
  socket.on('error', () => {})
  const problem = hostProblem(request)
  if (problem) return refuseConnection(socket, `400 Bad Request: ${problem}`)
  try {
    const answer = new ServerResponse(request)
    const exchange = { ...http1Exchange(request, answer), outgoing: socket }
    const response = await options.handler(new Incoming(exchange, EMPTY))
    if (response.takeOver) return response.takeOver(connection)
    answer.assignSocket(socket as TLSSocket)
    answer.shouldKeepAlive = false
    answer.once('finish', () => socket.end())
    await sendResponse(http1Exchange(request, answer), response, options.clock)
  } catch {
    socket.destroy()
  }
}

function refuse(exchange: Exchange, error: StatusError, { onError }: Answering): ApiResponse {
  exchange.abandonBody()
  return onError(error, exchange)
}

const EMPTY = Buffer.alloc(0)

class Incoming implements RawRequest {
  readonly #exchange: Exchange
  readonly method: string
  readonly url: string
  readonly headers: RawRequest['headers']
  readonly rawHeaders: readonly string[]
  readonly socket: TLSSocket
  #controller: AbortController | undefined

  constructor(
    exchange: Exchange,
    readonly body: Buffer,
  ) {
    this.#exchange = exchange
    this.method = exchange.method
    this.url = exchange.url.replace(ORIGIN, '')
    this.headers = exchange.headers
    this.rawHeaders = exchange.rawHeaders
    this.socket = exchange.socket
  }

  /** Made at first use: few requests ask for it. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController()
      const { outgoing } = this.#exchange
      if (outgoing.destroyed) controller.abort()
      else outgoing.once('close', () => controller.abort())
      this.#controller = controller
    }
    return this.#controller.signal
  }
}

/** The whole body, an error to answer with, or undefined when the client has gone. */
function readBody({ incoming, headers }: Exchange, clock: Clock): Promise<Buffer | StatusError | undefined> {
  if (!incoming) return Promise.resolve(EMPTY)
  if (Number(headers['content-length']) > MAX_BODY_BYTES) return Promise.resolve(bodyTooLarge())
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const finish = (outcome: Buffer | StatusError | undefined) => {
      timer.cancel()
      incoming.removeAllListeners('data')
      incoming.off('end', onEnd)
      incoming.off('close', onClose)
      if (outcome instanceof StatusError) incoming.pause()
      resolve(outcome)
    }
    const onEnd = () => finish(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes))
    const onClose = () => finish(undefined)
    const timer = clock.after(BODY_TIMEOUT_MS, () => finish(bodyTooSlow()))
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) finish(bodyTooLarge())
    })
    incoming.once('end', onEnd)
    incoming.once('close', onClose)
  })
}

function bodyTooLarge(): StatusError {
  return tooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`)
}

function bodyTooSlow(): StatusError {
  return new StatusError({ code: 504, reason: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout', details: {} })
}
