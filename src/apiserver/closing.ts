/**
 * How a server ends: nobody new is let in, requests that are being answered are answered, watches and other streams end as
 * if their time was up, and connections are closed when all is sent. Models the end of k8s.io/apiserver/pkg/server.
 */
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { SystemClock } from '../clock.ts'

/** How long requests may still take. A cluster's clock may stand still; its end may not. */
const GRACE_MS = 2000
/** How long it may take to hand over what was said last. */
const FLUSH_MS = 500
const clock = new SystemClock()

/** What is being answered. */
export class InFlight {
  readonly #streams = new Set<Writable>()
  #count = 0
  #isEnding = false
  #drained: () => void = () => {}

  enter(): void {
    this.#count++
  }

  leave(): void {
    if (--this.#count === 0) this.#drained()
  }

  /** An answer that goes on until somebody ends it. */
  addStream(stream: Writable): void {
    if (this.#isEnding) return void stream.end()
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
  }

  /** Resolves when all is answered, or there is no more patience. */
  async end(): Promise<void> {
    this.#isEnding = true
    for (const stream of this.#streams) stream.end()
    if (this.#count > 0) await within(GRACE_MS, new Promise<void>((resolve) => (this.#drained = resolve)))
  }
}

function within(ms: number, done: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve)
    void done.then(() => {
      timer.cancel()
      resolve()
    })
  })
}

/** The connections of a server: sessions of HTTP/2, and sockets of HTTP/1.1 or of what became of it. */
export class Connections {
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #plain = new Set<TLSSocket>()
  #closed: () => void = () => {}

  constructor(server: Http2SecureServer) {
    server.on('connection', (socket: Socket) => {
      socket.setNoDelay(true)
      this.#sockets.add(socket)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        if (this.#sockets.size === 0) this.#closed()
      })
    })
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') return
      this.#plain.add(socket)
      socket.once('close', () => this.#plain.delete(socket))
    })
  }

  /** Resolves when none is left; what cannot be closed in time is cut. */
  async close(): Promise<void> {
    for (const session of this.#sessions) session.close()
    for (const socket of this.#plain) socket.destroySoon()
    if (this.#sockets.size > 0) await within(FLUSH_MS, new Promise<void>((resolve) => (this.#closed = resolve)))
    for (const connection of [...this.#sessions, ...this.#sockets]) connection.destroy()
  }
}
