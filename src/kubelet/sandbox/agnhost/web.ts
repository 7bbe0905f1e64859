/** What the serving subcommands of agnhost share. */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Target } from '../../../network/network.ts'
import { requestHttp } from '../http-client.ts'
import { FsError } from '../nodes.ts'
import { Exited, SIGNALS, type Process } from '../process.ts'
import { normalize, ROOT } from '../vfs.ts'
import { serveHttp, type ServeOptions } from '../http-server.ts'
import { golog } from './klog.ts'

export interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  url: URL
  query: URLSearchParams
}

export type Handler = (exchange: Exchange) => Promise<void> | void

/** A handler by path; `/` takes what no other does. Errors of a handler are answered with 500. */
export function serve(process: Process, port: number, routes: Readonly<Record<string, Handler>>, options: ServeOptions = {}): void {
  serveHttp(
    process.sandbox,
    port,
    (request, response) => {
      const url = URL.canParse(request.url ?? '/', 'http://localhost') ? new URL(request.url ?? '/', 'http://localhost') : undefined
      if (!url) return reply(response, 400, '400 Bad Request')
      void process.sandbox.tick(100)
      const handler = routes[url.pathname] ?? routes['/']
      if (!handler) return reply(response, 404, '404 page not found\n')
      void (async () => handler({ request, response, url, query: url.searchParams }))().catch((error: unknown) => {
        if (!response.headersSent) reply(response, 500, error instanceof Error ? error.message : String(error))
      })
    },
    options,
  )
}

export function reply(response: ServerResponse, status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body), Date: '', ...headers })
  response.end(body)
}

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }

/** As Go's http.Redirect: what is relative becomes absolute, and a line says where to go. */
export function redirect({ request, response }: Pick<Exchange, 'request' | 'response'>, to: string, status = 302): void {
  const isElsewhere = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(to)
  const [path = '', query = ''] = to.split(/(\?.*)/s)
  const asked = (request.url ?? '/').replace(/\?.*/s, '')
  const whole = path.startsWith('/') ? path : asked.replace(/[^/]*$/, path)
  const clean = normalize(whole)
  const location = isElsewhere ? to : `${clean}${whole.endsWith('/') && !clean.endsWith('/') ? '/' : ''}${query}`
  const isAsked = request.method === 'GET' || request.method === 'HEAD'
  const body = request.method === 'GET' ? `<a href="${location.replace(/[&<>"']/g, (c) => HTML[c] ?? c)}">${STATUS_CODES[status] ?? ''}</a>.\n\n` : ''
  reply(response, status, body, { Location: location, ...(isAsked ? { 'Content-Type': 'text/html; charset=utf-8' } : {}) })
}

/** Who asks, as Go writes it. */
export function peerOf({ socket }: IncomingMessage): string {
  const { remoteAddress, remotePort } = socket as { remoteAddress?: string; remotePort?: number }
  return `${remoteAddress?.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
}

/** The query and, of what was posted, the form: Go's FormValue looks into both, the form first. */
export async function formOf({ request, query }: Exchange): Promise<URLSearchParams> {
  if (request.method !== 'POST' || !(request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) return query
  return new URLSearchParams([...new URLSearchParams((await bodyOf(request)).toString()), ...query])
}

export async function bodyOf(request: IncomingMessage, maxBytes = 8 * 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error('http: request body too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Runs until it is told to end; the code is that of a Go program killed by the signal unless it catches it. */
export async function untilSignal(process: Process, code: (signal: 'INT' | 'TERM') => number = () => 0): Promise<number> {
  const signal = await process.block(
    new Promise<'INT' | 'TERM'>((resolve) => {
      for (const name of ['INT', 'TERM'] as const) process.handlers.set(SIGNALS[name] ?? 15, () => resolve(name))
    }),
  )
  return code(signal)
}

/** Signals that end a Go program which does not handle them. */
const FATAL = ['HUP', 'INT', 'TERM', 'QUIT'] as const

/**
 * Runs for ever. A signal that is not handled ends it as any process; as the first of a container the kernel shields it from
 * that, and Go's runtime, still alive after it has killed itself, exits with 2.
 */
export function forever(process: Process): Promise<number> {
  return process.block(
    new Promise<number>((resolve) => {
      if (process.pid === 1) for (const name of FATAL) process.handlers.set(SIGNALS[name] ?? 15, () => resolve(2))
    }),
  )
}

export function say(process: Process, message: string): void {
  process.fds.get(2)?.end.put?.(Buffer.from(golog(process, message)))
}

/** Calls `answer` with every datagram. */
export function serveDatagrams(stream: Duplex, answer: (text: string) => string): void {
  stream.on('error', () => stream.destroy())
  stream.on('data', (datagram: Buffer) => {
    const text = answer(datagram.toString())
    if (text !== '') stream.write(Buffer.from(text))
  })
}

const FETCH_TIMEOUT_MS = 5000

/** A GET or POST of another pod's server. Rejects with what Go says of a connection that fails. */
export async function fetchText({ sandbox }: Process, target: Target, path: string, { body, contentType = 'application/json', timeoutMs = FETCH_TIMEOUT_MS }: { body?: string; contentType?: string; timeoutMs?: number } = {}): Promise<{ status: number; text: string }> {
  const { clock, network, party } = sandbox
  const result = await requestHttp({
    connect: () => network.connect(party, target, { timeoutMs }),
    clock,
    timeoutMs,
    path: `/${path}`,
    headers: { Host: `${target.host}:${target.port}`, Connection: 'close', ...(body === undefined ? {} : { 'Content-Type': contentType }) },
    ...(body === undefined ? {} : { method: 'POST', body: Buffer.from(body) }),
    maxBytes: 1 << 20,
  })
  return { status: result.status, text: result.body.toString() }
}

/** The files of a server's certificate. @throws Exited when one is not there, as log.Fatal does */
export async function readTls(process: Process, { cert, key }: { cert: string | undefined; key: string | undefined }): Promise<{ cert: string; key: string }> {
  const read = async (path = '') => {
    try {
      return (await process.sandbox.fs.readFile(process.path(path), ROOT)).toString()
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      say(process, `open ${path}: ${error.message.toLowerCase()}`)
      throw new Exited(1)
    }
  }
  return { cert: await read(cert), key: await read(key) }
}
