/** HTTP on the virtual network: one parser of Node's for all servers in sandboxes, fed with connections that are no sockets. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { Accepted, Listener } from '../../network/network.ts'
import type { Sandbox } from './sandbox.ts'

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

export interface ServeOptions {
  /** `requestCert` asks clients for theirs, of whomever it is. */
  tls?: { cert: string; key: string; requestCert?: boolean }
}

const handlers = new WeakMap<object, HttpHandler>()
let shared: http.Server | undefined

function server(): http.Server {
  return (shared ??= http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
    const handler = handlers.get(request.socket)
    if (handler) handler(request, response)
    else response.writeHead(500).end()
  }))
}

/** @throws NetworkError EADDRINUSE */
export function serveHttp(sandbox: Sandbox, port: number, handler: HttpHandler, options: ServeOptions = {}): Listener {
  return sandbox.listen(port, 'TCP', (accepted) => {
    const stream = addressed(accepted)
    accept(options.tls ? secured(stream, options.tls) : stream, handler)
  })
}

/** A connection that tells its ends as sockets do. */
export function addressed({ stream, ...ends }: Accepted): Duplex {
  return Object.assign(stream, ends)
}

/** Serves HTTP on one connection. */
export function accept(stream: Duplex, handler: HttpHandler): void {
  stream.on('error', () => stream.destroy())
  handlers.set(stream, handler)
  server().emit('connection', stream)
}

function secured(stream: Duplex, { cert, key, requestCert = false }: NonNullable<ServeOptions['tls']>): Duplex {
  const socket = new tls.TLSSocket(stream as never, { isServer: true, cert, key, requestCert, rejectUnauthorized: false })
  socket.on('error', () => stream.destroy())
  return socket
}
