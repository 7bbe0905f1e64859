/** Answers on their way out: compressed where it pays, in pieces that wait for the reader, or as a stream that does not. */
import type { Writable } from 'node:stream'
import { promisify } from 'node:util'
import { constants as zlibConstants, gzip } from 'node:zlib'
import type { Clock } from '../clock.ts'
import type { Exchange, ResponseHeaders } from './exchange.ts'
import type { ApiResponse, StreamSink } from './request.ts'

/** A stream that leaves this much unread is full: what can wait should. */
export const FULL_BYTES = 1024 * 1024
/** A reader that leaves this much unread is dropped. */
export const MAX_UNREAD_BYTES = 8 * 1024 * 1024
/** Answers larger than this are compressed, for clients that take it. */
const GZIP_OVER_BYTES = 128 * 1024
const CHUNK_BYTES = 256 * 1024
/** How long a reader may take over a chunk. */
const READ_TIMEOUT_MS = 60_000

const gzipAsync = promisify(gzip)

export async function sendResponse(exchange: Exchange, response: ApiResponse, clock: Clock): Promise<void> {
  const headers: ResponseHeaders = { ...response.headers, 'cache-control': response.headers['cache-control'] ?? 'no-cache, private' }
  if (response.stream) return sendStream(exchange, response, headers)
  let body = response.body ?? []
  let bytes = 0
  for (const piece of body) bytes += piece.length
  if (bytes > GZIP_OVER_BYTES && takesGzip(exchange.headers['accept-encoding'])) {
    const packed = await gzipAsync(Buffer.concat(body, bytes), { level: zlibConstants.Z_BEST_SPEED })
    body = [packed]
    bytes = packed.length
    headers['content-encoding'] = 'gzip'
    if (!String(headers.vary ?? '').includes('Accept-Encoding')) headers.vary = headers.vary ? `${String(headers.vary)}, Accept-Encoding` : 'Accept-Encoding'
  }
  const isEmpty = response.status === 204 || response.status === 304
  if (!isEmpty) headers['content-length'] = String(bytes)
  if (!exchange.begin(response.status, headers)) return
  const { outgoing } = exchange
  if (isEmpty || exchange.method === 'HEAD') outgoing.end()
  else if (bytes <= CHUNK_BYTES) outgoing.end(body.length === 1 ? body[0] : Buffer.concat(body, bytes))
  else await sendPieces(outgoing, body, clock)
}

function takesGzip(acceptEncoding: string | string[] | undefined): boolean {
  return acceptEncoding !== undefined && String(acceptEncoding).split(',').some((token) => token.trim() === 'gzip')
}

/** Sends many small pieces in larger ones, waiting for a reader that falls behind, but not for ever. */
async function sendPieces(outgoing: Writable, pieces: readonly Buffer[], clock: Clock): Promise<void> {
  let pending: Buffer[] = []
  let bytes = 0
  for (const piece of pieces) {
    pending.push(piece)
    bytes += piece.length
    if (bytes < CHUNK_BYTES) continue
    if (outgoing.destroyed) return
    if (!outgoing.write(Buffer.concat(pending, bytes))) await drained(outgoing, clock)
    pending = []
    bytes = 0
  }
  if (!outgoing.destroyed) outgoing.end(Buffer.concat(pending, bytes))
}

function drained(outgoing: Writable, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(READ_TIMEOUT_MS, () => outgoing.destroy())
    const done = () => {
      timer.cancel()
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })
}

function sendStream(exchange: Exchange, response: ApiResponse, headers: ResponseHeaders): void {
  if (!exchange.begin(response.status, headers)) return
  const { outgoing } = exchange
  if ('flushHeaders' in outgoing && typeof outgoing.flushHeaders === 'function') outgoing.flushHeaders()
  response.stream?.(sinkOf(outgoing))
}

function sinkOf(outgoing: Writable): StreamSink {
  return {
    write(frame) {
      if (outgoing.destroyed || outgoing.writableEnded) return false
      outgoing.write(frame)
      if (outgoing.writableLength <= MAX_UNREAD_BYTES) return true
      outgoing.destroy()
      return false
    },
    get isFull() {
      return outgoing.writableLength > FULL_BYTES
    },
    onDrain: (listener) => void outgoing.once('drain', listener),
    end: () => void (outgoing.writableEnded || outgoing.destroyed || outgoing.end()),
    onClose(listener) {
      if (outgoing.destroyed) listener()
      else outgoing.once('close', listener)
    },
  }
}
