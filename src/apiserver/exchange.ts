/**
 * One request and its answer on the wire, the same for HTTP/1.1 and HTTP/2. HTTP/2 is used through its streams: Node's
 * compatibility layer would cost a quarter of what a small request costs.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { constants, type IncomingHttpHeaders as Http2Headers, type ServerHttp2Stream } from 'node:http2'
import type { Readable, Writable } from 'node:stream'
import type { TLSSocket } from 'node:tls'

export type ResponseHeaders = Record<string, string | string[]>

export interface Exchange {
  readonly method: string
  /** Path and query, undecoded. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they came: in `headers` what is repeated is joined. */
  readonly rawHeaders: readonly string[]
  readonly socket: TLSSocket
  /** The body as it comes in; undefined for a request that has none. */
  readonly incoming: Readable | undefined
  /** Where the answer goes; closes when the client is gone. */
  readonly outgoing: Writable
  /** Sends the head of the answer. False when there is nobody to answer any more. */
  begin(status: number, headers: ResponseHeaders): boolean
  /** Ends an exchange whose body was not read to its end. */
  abandonBody(): void
}

const BODILESS = new Set(['GET', 'HEAD'])

/** What a client that goes away makes its streams throw is no news: their closing tells. */
const ignore = (): void => {}

export function http1Exchange(request: IncomingMessage, response: ServerResponse): Exchange {
  request.on('error', ignore)
  response.on('error', ignore)
  const method = request.method ?? ''
  return {
    method,
    url: request.url ?? '/',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    socket: request.socket as TLSSocket,
    incoming: BODILESS.has(method) ? undefined : request,
    outgoing: response,
    begin(status, headers) {
      if (response.headersSent || response.destroyed) return false
      response.writeHead(status, headers)
      return true
    },
    abandonBody() {
      response.setHeader('connection', 'close')
    },
  }
}

export function http2Exchange(stream: ServerHttp2Stream, { headers, rawHeaders }: { headers: Http2Headers; rawHeaders: readonly string[] }): Exchange {
  stream.on('error', ignore)
  const method = headers[':method'] ?? ''
  return {
    method,
    url: headers[':path'] ?? '/',
    headers,
    rawHeaders,
    socket: stream.session?.socket as TLSSocket,
    incoming: BODILESS.has(method) || stream.endAfterHeaders ? undefined : stream,
    outgoing: stream,
    begin(status, answer) {
      if (stream.headersSent || stream.destroyed || stream.closed) return false
      stream.respond({ ...answer, ':status': status })
      return true
    },
    abandonBody() {
      stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR))
    },
  }
}
