/**
 * Channels in one WebSocket: every message begins with the number of its channel. Models
 * k8s.io/streaming/pkg/httpstream/wsstream. What is received waits for its reader, and with it the connection.
 */
import type { IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import type { Upgraded } from '../apiserver/request.ts'

/** Numbers of channels by which a client ends one: v5 only. */
const CLOSE_SIGNAL = 255
const BUFFER_BYTES = 256 * 1024
/** What one message may hold. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
/** Clients that leave this much unread make those who write wait. */
const MAX_UNSENT_BYTES = 1024 * 1024

const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'

/** Completes the handshake with one of `protocols` ('' stands for none); undefined when the client offers only others, which is told it by `refusal`. */
export function acceptWebSocket({ request, socket, head }: Upgraded, protocols: readonly string[], refusal = BAD_REQUEST): WebSocket | undefined {
  const offered = offeredProtocols(request)
  const chosen = offered.length === 0 ? '' : offered.find((p) => protocols.includes(p))
  if (chosen === undefined || !protocols.includes(chosen)) {
    socket.end(refusal)
    return undefined
  }
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: MAX_MESSAGE_BYTES, handleProtocols: () => chosen || false })
  let accepted: WebSocket | undefined
  // Calls back at once, or answers the client by itself.
  server.handleUpgrade(request, socket, head, (ws) => (accepted = ws))
  accepted?.on('error', () => {})
  return accepted
}

export function isWebSocketRequest(headers: IncomingMessage['headers']): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

export function offeredProtocols({ headers }: IncomingMessage): string[] {
  const offered = headers['sec-websocket-protocol'] ?? ''
  return offered.split(',').map((p) => p.trim()).filter((p) => p !== '')
}

export interface ChannelsOptions {
  count: number
  /** The messages are texts in base64. */
  isBase64: boolean
  /** Clients end single channels. */
  closesChannels: boolean
}

export class Channels {
  readonly #ws: WebSocket
  readonly #options: ChannelsOptions
  readonly all: readonly Channel[]
  readonly closed: Promise<void>

  constructor(ws: WebSocket, options: ChannelsOptions) {
    this.#ws = ws
    this.#options = options
    this.all = Array.from({ length: options.count }, (_, number) => new Channel(this, number))
    ws.on('message', (data) => this.#take(data))
    this.closed = new Promise((resolve) =>
      ws.once('close', () => {
        for (const channel of this.all) channel.destroy()
        resolve()
      }),
    )
  }

  channel(number: number): Channel {
    const found = this.all[number]
    if (!found) throw new RangeError(`no channel ${number}`)
    return found
  }

  close(): void {
    this.#ws.close(1000)
  }

  send(number: number, data: Buffer, done: (error?: Error | null) => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return done(new Error('the connection is closed'))
    const message = this.#options.isBase64 ? `${number}${data.toString('base64')}` : Buffer.concat([Buffer.of(number), data])
    if (this.#ws.bufferedAmount < MAX_UNSENT_BYTES) {
      this.#ws.send(message)
      done()
    } else this.#ws.send(message, done)
  }

  /** Whether anything waits for its reader decides if the connection is read. */
  readerCameBack(): void {
    if (this.#ws.isPaused && this.all.every((channel) => !channel.isFull)) this.#ws.resume()
  }

  #take(data: RawData): void {
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
    const [first, second] = bytes
    if (first === undefined) return
    if (this.#options.closesChannels && first === CLOSE_SIGNAL) {
      const ended = second === undefined || bytes.length !== 2 ? undefined : this.all[second]
      if (ended) ended.receive(undefined)
      else this.#ws.close(1002)
      return
    }
    const channel = this.all[this.#options.isBase64 ? first - 0x30 : first]
    channel?.receive(this.#options.isBase64 ? Buffer.from(bytes.toString('latin1', 1), 'base64') : bytes.subarray(1))
    if (channel?.isFull) this.#ws.pause()
  }
}

export class Channel extends Duplex {
  readonly #channels: Channels
  readonly #number: number
  isFull = false
  #isEnded = false

  constructor(channels: Channels, number: number) {
    super({ readableHighWaterMark: BUFFER_BYTES, emitClose: true })
    this.#channels = channels
    this.#number = number
    this.on('error', () => {})
  }

  /** What the client sent; undefined for the end. */
  receive(data: Buffer | undefined): void {
    if (this.destroyed || this.#isEnded) return
    this.#isEnded = data === undefined
    this.isFull = data !== undefined && data.length > 0 && !this.push(data)
    if (data === undefined) this.push(null)
  }

  override _read(): void {
    this.isFull = false
    this.#channels.readerCameBack()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#channels.send(this.#number, chunk, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.isFull = false
    this.#channels.readerCameBack()
    done(error)
  }
}
