/**
 * An answer without end for a client that asks for a WebSocket (browsers, and clients that watch so): each frame is a message.
 * Models k8s.io/streaming/pkg/httpstream/wsstream.Reader and WatchServer.HandleWS.
 */
import type { WebSocket } from 'ws'
import { isUpgradeRequest, type ApiRequest, type ApiResponse, type StreamResponse, type StreamSink, type Upgraded } from '../apiserver/request.ts'
import { FULL_BYTES, MAX_UNREAD_BYTES } from '../apiserver/send.ts'
import { WEBSOCKET_TOKEN } from '../auth/authenticate.ts'
import { acceptWebSocket, isWebSocketRequest, offeredProtocols } from './websocket.ts'

const BASE64 = 'base64.binary.k8s.io'
const READER_PROTOCOLS = ['', 'binary.k8s.io', BASE64]

/** What a frame is as a message. */
type Message = (frame: Buffer) => Buffer | string

const wantsMessages = (request: ApiRequest) => isUpgradeRequest(request) && isWebSocketRequest(request.headers)

/** The answer as it is, or, where a WebSocket is asked for, as one: behind an empty message, in bytes or base64. */
export function readable(request: ApiRequest, response: StreamResponse): ApiResponse {
  if (!wantsMessages(request)) return response
  return taking(response, (connection) => {
    const ws = acceptWebSocket(connection, READER_PROTOCOLS, FORBIDDEN)
    if (!ws) return
    const message: Message = ws.protocol === BASE64 ? (frame) => frame.toString('base64') : (frame) => frame
    ws.send(message(Buffer.alloc(0)))
    response.stream(sinkOf(ws, message))
  })
}

/**
 * The same of a watch, whose events are texts or what is left of a frame without its length. As Go's handler has it, the
 * client says where it comes from, and gets the protocol it names.
 */
export function watchable(request: ApiRequest, response: StreamResponse, { isText, prefixBytes }: { isText: boolean; prefixBytes: number }): ApiResponse {
  if (!wantsMessages(request)) return response
  return taking(response, (connection) => {
    const offered = offeredProtocols(connection.request).filter((protocol) => !protocol.startsWith(WEBSOCKET_TOKEN))
    if (!isOrigin(request.headers.origin)) return void connection.socket.end(FORBIDDEN)
    const ws = acceptWebSocket(connection, offered.length > 1 ? [] : ['', ...offered])
    if (ws) response.stream(sinkOf(ws, isText ? (frame) => frame.toString() : (frame) => frame.subarray(prefixBytes)))
  })
}

const FORBIDDEN = 'HTTP/1.1 403 Forbidden\r\n\r\n'

const taking = ({ headers }: ApiResponse, takeOver: (connection: Upgraded) => void): ApiResponse => ({ status: 101, headers, takeOver })

function isOrigin(origin: string | undefined): boolean {
  return origin !== undefined && (origin.startsWith('/') || URL.canParse(origin))
}

function sinkOf(ws: WebSocket, message: Message): StreamSink {
  let whenDrained: (() => void) | undefined
  const sent = () => {
    if (!whenDrained || ws.bufferedAmount > 0) return
    const listener = whenDrained
    whenDrained = undefined
    listener()
  }
  return {
    isByFrame: true,
    write(frame) {
      if (ws.readyState !== ws.OPEN) return false
      ws.send(message(frame), sent)
      if (ws.bufferedAmount <= MAX_UNREAD_BYTES) return true
      ws.terminate()
      return false
    },
    get isFull() {
      return ws.bufferedAmount > FULL_BYTES
    },
    onDrain: (listener) => void (whenDrained = listener),
    end: () => ws.close(1000),
    onClose(listener) {
      if (ws.readyState === ws.CLOSED) listener()
      else ws.once('close', listener)
    },
  }
}
