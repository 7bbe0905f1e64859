/** What the serving subcommands of agnhost share. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { SIGNALS, type Process } from '../process.ts'
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

/** Go ends by an unhandled signal, even as the first process of a container it does not: the kernel shields it. */
export function forever(process: Process): Promise<number> {
  return process.block(new Promise<number>(() => {}))
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
