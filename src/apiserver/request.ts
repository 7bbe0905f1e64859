/** A request and an answer, apart from any HTTP server: what the handlers work on and what tests inject. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { UserInfo } from '../registry/kind.ts'
import type { RequestTrail } from '../registry/request-context.ts'
import type { Query } from './request-info.ts'

export interface ApiRequest {
  method: string
  /** Decoded path, without the query. */
  path: string
  query: Query
  /** Lower-case names; one value each (HTTP joins repeated ones), but for those in `lists`. */
  headers: Readonly<Record<string, string | undefined>>
  body: Buffer
  user: UserInfo
  /** Aborted when the client goes away. */
  signal: AbortSignal
  /** What the answer, be it a refusal, will tell in Warning headers; distinct texts. */
  warnings: string[]
  /** `host:port` the client asked for. */
  host: string
  /** Where it is written down what becomes of the request, if anywhere. */
  trail?: RequestTrail | undefined
}

export interface ApiResponse {
  status: number
  headers: Record<string, string | string[]>
  /** The whole body, in pieces that are sent one after the other. */
  body?: readonly Buffer[]
  /** For answers without end: called once the headers are sent. */
  stream?(sink: StreamSink): void
  /** Takes the connection of a request that asks for another protocol, head of the answer included; nothing else is sent. */
  takeOver?(connection: Upgraded): void
}

/** An answer without end. */
export type StreamResponse = ApiResponse & Required<Pick<ApiResponse, 'stream'>>

/** The connection of a request with `Connection: Upgrade` (HTTP/1.1 only). */
export interface Upgraded {
  request: IncomingMessage
  socket: Duplex
  /** What came behind the request's head. */
  head: Buffer
}

/** Whether the client wants to go on in another protocol. */
export function isUpgradeRequest({ headers }: Pick<ApiRequest, 'headers'>): boolean {
  return headers.connection?.toLowerCase().includes('upgrade') ?? false
}

export interface StreamSink {
  /** Whether every frame is written by itself: the reader tells them apart by how they come. */
  readonly isByFrame?: boolean
  /** False when the reader is so slow that it was dropped. */
  write(frame: Buffer): boolean
  /** Whether the reader is behind: what need not be sent now had better wait. */
  readonly isFull: boolean
  /** Called once, when the reader has caught up after being behind. */
  onDrain(listener: () => void): void
  end(): void
  /** Called once when the stream is over, from whichever side. */
  onClose(listener: () => void): void
}
