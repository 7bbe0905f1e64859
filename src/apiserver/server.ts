/**
 * The HTTP server: HTTP/2 and HTTP/1.1 over TLS on one port, client certificates, bodies with a limit, answers in pieces
 * and streams with a bound on what a slow reader may leave behind. What is answered is decided in routes.ts.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { constants as zlibConstants, gzip } from 'node:zlib'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { StatusError, tooLarge } from '../errors.ts'
import type { ApiResponse, StreamSink } from './request.ts'

/** Upstream's limit on the body of a write. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024
/** A watcher that has this much unread is dropped. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024
/** Answers are compressed from this size on, for clients that take it. */
const GZIP_FROM_BYTES = 128 * 1024
const CHUNK_BYTES = 256 * 1024

export interface TlsFiles {
  key: string
  cert: string
  /** PEM of the authorities whose client certificates are accepted. */
  clientCA: string
}

/** A request as the wire gave it. */
export interface RawRequest {
  method: string
  /** Path and query, undecoded. */
  url: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
  signal: AbortSignal
  socket: TLSSocket
}

export type RequestHandler = (request: RawRequest) => Promise<ApiResponse>

export interface HttpServer {
  readonly port: number
  close(): Promise<void>
}

type RawResponse = ServerResponse | Http2ServerResponse

/** Listens; rejects with the system's error (EADDRINUSE …) when it cannot. */
export async function startServer(options: { host: string; port: number; tls: TlsFiles; handler: RequestHandler; onError(error: StatusError): ApiResponse }): Promise<HttpServer> {
  const { tls } = options
  const sessions = new Set<{ destroy(): void }>()
  const app = fastify({
    http2: true,
    https: { allowHTTP1: true, key: tls.key, cert: tls.cert, ca: tls.clientCA, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
    http2SessionTimeout: 0,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false },
  } as never) as unknown as FastifyInstance
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode === 413 ? tooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`) : new StatusError({ code: error.statusCode ?? 500, message: error.message })
    void send(reply, options.onError(status), false)
  })
  const serve = (request: FastifyRequest, reply: FastifyReply) => handle(request, reply, options)
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) app.route({ method, url: '/*', handler: serve })
  app.setNotFoundHandler(serve)
  app.server.on('session', (session: { destroy(): void; on(event: 'close', listener: () => void): void }) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  app.server.on('connection', (socket: { setNoDelay(on: boolean): void; destroy(): void; on(event: 'close', listener: () => void): void }) => {
    socket.setNoDelay(true)
    sessions.add(socket)
    socket.on('close', () => sessions.delete(socket))
  })
  await app.listen({ host: options.host, port: options.port })
  const { port } = app.server.address() as AddressInfo
  return {
    port,
    async close() {
      const closed = app.close()
      for (const session of sessions) session.destroy()
      await closed
    },
  }
}

async function handle(request: FastifyRequest, reply: FastifyReply, options: { handler: RequestHandler }): Promise<void> {
  reply.hijack()
  const controller = new AbortController()
  reply.raw.on('close', () => controller.abort())
  const response = await options.handler({
    method: request.method,
    url: request.raw.url ?? '/',
    headers: request.headers,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    signal: controller.signal,
    socket: request.raw.socket as TLSSocket,
  })
  const wantsGzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  await send(reply, response, wantsGzip)
}

const gzipAsync = promisify(gzip)

async function send(reply: FastifyReply, response: ApiResponse, wantsGzip: boolean): Promise<void> {
  if (!reply.sent) reply.hijack()
  const raw = reply.raw as RawResponse
  if (response.stream) return sendStream(raw, response)
  let body = response.body ?? []
  let size = body.reduce((sum, piece) => sum + piece.length, 0)
  const headers: Record<string, string | string[]> = { ...response.headers, 'cache-control': 'no-cache, private' }
  if (wantsGzip && size >= GZIP_FROM_BYTES) {
    const packed = await gzipAsync(Buffer.concat(body), { level: zlibConstants.Z_BEST_SPEED })
    body = [packed]
    size = packed.length
    headers['content-encoding'] = 'gzip'
    headers.vary = 'Accept-Encoding'
  }
  headers['content-length'] = String(size)
  writeHead(raw, response.status, headers)
  const [first] = body
  if (body.length <= 1) (raw as ServerResponse).end(first)
  else await writePieces(raw, body)
}

function writeHead(raw: RawResponse, status: number, headers: Record<string, string | string[]>): void {
  if (raw.headersSent || raw.destroyed) return
  ;(raw as ServerResponse).writeHead(status, headers)
}

/** Sends many small pieces in larger ones, waiting for a reader that falls behind. */
async function writePieces(raw: RawResponse, pieces: readonly Buffer[]): Promise<void> {
  let pending: Buffer[] = []
  let bytes = 0
  for (const piece of pieces) {
    pending.push(piece)
    bytes += piece.length
    if (bytes < CHUNK_BYTES) continue
    if (raw.destroyed) return
    if (!(raw as ServerResponse).write(Buffer.concat(pending, bytes))) await drained(raw)
    pending = []
    bytes = 0
  }
  raw.end(Buffer.concat(pending, bytes))
}

function drained(raw: RawResponse): Promise<void> {
  return new Promise((resolve) => {
    const stream: NodeJS.WritableStream = raw as ServerResponse
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

function sendStream(raw: RawResponse, response: ApiResponse): void {
  writeHead(raw, response.status, { ...response.headers, 'cache-control': 'no-cache, private' })
  ;(raw as ServerResponse).flushHeaders?.()
  const sink: StreamSink = {
    write(frame) {
      if (raw.destroyed || raw.writableEnded) return false
      ;(raw as ServerResponse).write(frame)
      if (unreadBytes(raw) <= MAX_UNREAD_BYTES) return true
      raw.destroy()
      return false
    },
    end: () => void (raw.writableEnded || raw.destroyed || raw.end()),
    onClose: (listener) => void raw.once('close', listener),
  }
  response.stream?.(sink)
}

function unreadBytes(raw: RawResponse): number {
  const { stream } = raw as { stream?: { writableLength: number } }
  return (raw.writableLength ?? 0) + (stream?.writableLength ?? 0)
}
