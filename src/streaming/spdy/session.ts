/**
 * The server's end of a SPDY/3.1 connection whose streams the client opens: what clients of exec, attach and port-forward
 * upgrade to, or carry in a WebSocket. Like github.com/moby/spdystream, which all of them use, it neither sends nor awaits
 * window updates: who does not read makes the connection wait.
 */
import { Duplex } from 'node:stream'
import { ByteReader } from '../byte-reader.ts'
import { controlFrame, dataHead, FIN, FRAME, HEAD_BYTES, parseHead, RST_STATUS, type FrameHead } from './frames.ts'
import { HeaderReader, HeaderWriter, type HeaderPairs } from './header-block.ts'

const MAX_FRAME_BYTES = 4 * 1024 * 1024
const MAX_STREAMS = 1000
const CHUNK_BYTES = 32 * 1024
const STREAM_BUFFER_BYTES = 256 * 1024
const EMPTY = Buffer.alloc(0)

export interface SessionOptions {
  /** Bytes that came with the upgrade. */
  head?: Buffer
  /** A new stream; a text says why it is refused. */
  onStream(stream: SpdyStream): string | undefined
}

export class SpdySession {
  readonly #socket: Duplex
  readonly #options: SessionOptions
  readonly #streams = new Map<number, SpdyStream>()
  readonly #reader = new HeaderReader()
  readonly #writer = new HeaderWriter()
  #lastStreamId = 0
  /** Settled when the connection is over. */
  readonly closed: Promise<void>

  constructor(socket: Duplex, options: SessionOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('error', () => {})
    this.closed = this.#run(new ByteReader(socket, options.head ?? EMPTY))
  }

  /** Ends the connection once what was written is sent. */
  close(): void {
    if (this.#socket.writableEnded) return
    this.send(controlFrame(FRAME.GOAWAY, [this.#lastStreamId, 0]))
    this.#socket.end()
  }

  /** For the session's streams: `done` when the frame is on its way. */
  send(frame: Buffer, done?: (error?: Error | null) => void): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) done?.(new Error('the connection is closed'))
    else this.#socket.write(frame, done)
  }

  forget(id: number): void {
    this.#streams.delete(id)
  }

  async #run(reader: ByteReader): Promise<void> {
    try {
      for (let head = await reader.read(HEAD_BYTES); head; head = await reader.read(HEAD_BYTES)) {
        const frame = parseHead(head)
        if (frame.length > MAX_FRAME_BYTES) throw new Error('a frame is too large')
        const body = frame.length > 0 ? await reader.read(frame.length) : EMPTY
        if (!body) break
        if (frame.type === undefined) await this.#data(frame, body)
        else if (!(await this.#control(frame, body))) break
      }
    } catch {
      // Whatever a client sends that is no SPDY costs it the connection.
    }
    for (const stream of this.#streams.values()) stream.abandon()
    this.#reader.close()
    this.#writer.close()
    this.#socket.destroy()
  }

  async #data({ streamId, flags }: FrameHead, body: Buffer): Promise<void> {
    const stream = this.#streams.get(streamId)
    if (!stream) return
    if (body.length > 0) await stream.accept(body)
    if (flags & FIN) stream.acceptEnd()
  }

  /** False when the client says good-bye. */
  async #control({ type, flags }: FrameHead, body: Buffer): Promise<boolean> {
    if (type === FRAME.GOAWAY) return false
    if (type === FRAME.PING) this.send(controlFrame(FRAME.PING, [body.readUInt32BE(0)]))
    else if (type === FRAME.RST_STREAM) this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.abandon()
    else if (type === FRAME.SYN_STREAM) await this.#open(body.readUInt32BE(0) & 0x7fffffff, { headers: await this.#reader.decode(body.subarray(10)), flags })
    return true
  }

  async #open(id: number, { headers, flags }: { headers: HeaderPairs; flags: number }): Promise<void> {
    if (id <= this.#lastStreamId || id % 2 === 0) return this.send(controlFrame(FRAME.RST_STREAM, [id, RST_STATUS.PROTOCOL_ERROR]))
    this.#lastStreamId = id
    const stream = new SpdyStream(this, { id, headers })
    this.#streams.set(id, stream)
    if (this.#streams.size > MAX_STREAMS || this.#options.onStream(stream) !== undefined) {
      this.send(controlFrame(FRAME.RST_STREAM, [id, RST_STATUS.REFUSED_STREAM]))
      stream.abandon()
      return
    }
    this.send(controlFrame(FRAME.SYN_REPLY, [id], await this.#writer.encode({})))
    stream.accepted()
    if (flags & FIN) stream.acceptEnd()
  }
}

/** One stream: bytes both ways, each way closed by itself. Nothing is sent before the stream was accepted. */
export class SpdyStream extends Duplex {
  readonly id: number
  /** Names in lower case. */
  readonly headers: Readonly<HeaderPairs>
  readonly #session: SpdySession
  /** Settles when the client has been told that the stream stands. */
  readonly ready: Promise<void>
  #tellReady = (): void => {}
  #isOver = false
  #isAccepted = false
  #held: (() => void) | undefined
  #drained: (() => void) | undefined

  constructor(session: SpdySession, { id, headers }: { id: number; headers: HeaderPairs }) {
    super({ readableHighWaterMark: STREAM_BUFFER_BYTES, writableHighWaterMark: CHUNK_BYTES })
    this.#session = session
    this.id = id
    this.headers = headers
    this.ready = new Promise((resolve) => (this.#tellReady = resolve))
    this.on('error', () => {})
  }

  /** Takes what the client sent; settles when there is room for more. */
  accept(chunk: Buffer): Promise<void> | undefined {
    if (this.destroyed || this.readableEnded || this.push(chunk)) return undefined
    return new Promise((resolve) => (this.#drained = resolve))
  }

  acceptEnd(): void {
    if (!this.destroyed) this.push(null)
  }

  accepted(): void {
    this.#isAccepted = true
    this.#tellReady()
    this.#held?.()
  }

  /** The other side, or the connection, is gone. */
  abandon(): void {
    this.#isOver = true
    this.destroy()
  }

  /** Ends both ways at once and tells the client so. */
  reset(): void {
    this.destroy()
  }

  override _read(): void {
    this.#drained?.()
    this.#drained = undefined
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.#isAccepted) {
      this.#held = () => this._write(chunk, _encoding, done)
      return
    }
    let at = 0
    const next = (error?: Error | null): void => {
      if (error || at >= chunk.length) return done(error)
      const part = chunk.subarray(at, (at += CHUNK_BYTES))
      this.#session.send(Buffer.concat([dataHead(this.id, part.length, 0), part]), next)
    }
    next()
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#isAccepted) {
      this.#held = () => this._final(done)
      return
    }
    this.#session.send(dataHead(this.id, 0, FIN), () => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#drained?.()
    this.#session.forget(this.id)
    const isWhole = this.readableEnded && this.writableFinished
    if (!this.#isOver && !isWhole) this.#session.send(controlFrame(FRAME.RST_STREAM, [this.id, RST_STATUS.CANCEL]))
    done(error)
  }
}
