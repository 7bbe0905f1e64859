/**
 * The network as whoever runs containers sees it: ports that are listened on, connections that are made, names that are
 * looked up. Nothing here touches the host's network. What is between (services, policies, DNS) is the implementation's.
 */
import type { Duplex } from 'node:stream'
import type { DnsRecord, RecordType } from '../apimachinery/dns-message.ts'

export type { DnsRecord, RecordType } from '../apimachinery/dns-message.ts'

export type Protocol = 'TCP' | 'UDP' | 'SCTP'

/** Who listens or connects: a pod with its address, or a node's own processes (its kubelet's probes). */
export interface Party {
  /** The pod's uid; absent for the node itself. */
  uid?: string
  namespace?: string
  name: string
  /** The pod's address, or the node's for it and for pods on the host network. */
  ip: string
  /** All of its addresses where it has several, that one first. */
  ips?: readonly string[]
  nodeName: string
  hostNetwork?: boolean
}

/** A connection that arrived. With UDP the stream is in object mode: each chunk is a datagram to or from one peer. */
export interface Accepted {
  stream: Duplex
  remoteAddress: string
  remotePort: number
  localAddress: string
  localPort: number
}

export interface Listener {
  readonly port: number
  close(): void
}

export type NetworkErrorCode = 'ECONNREFUSED' | 'EHOSTUNREACH' | 'ETIMEDOUT' | 'ENOTFOUND' | 'EADDRINUSE' | 'ECONNRESET'

/** Named as Node names its own, so that it can stand in for them. */
export class NetworkError extends Error {
  readonly code: NetworkErrorCode

  constructor(code: NetworkErrorCode, message: string) {
    super(message)
    this.name = 'NetworkError'
    this.code = code
  }
}

export interface ConnectOptions {
  protocol?: Protocol
  /** How long an answer is waited for; 30 s unless told. */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface Target {
  /** An address or a name as the pod would write it. */
  host: string
  port: number
}

export interface LookupOptions {
  /** The address of the server to ask; the party's own ones unless told. */
  server?: string
  /** A question to the server itself, as tools ask it: the party's hosts file is left aside. */
  isQuery?: boolean
}

export interface Network {
  /** On the party's address. Port 0 takes a free one. @throws NetworkError EADDRINUSE */
  listen(party: Party, at: { port: number; protocol: Protocol }, onConnection: (accepted: Accepted) => void): Listener
  /** What is listened on at the party's address, by whomever. */
  listening(party: Party): { port: number; protocol: Protocol }[]
  /** Rejects with a NetworkError. `localhost` and 127.0.0.0/8 are the party's own. */
  connect(from: Party, target: Target, options?: ConnectOptions): Promise<Duplex>
  /** Relative names go through the party's search list. Rejects with ENOTFOUND, or ETIMEDOUT when no server answers; an empty answer is a name without such records. */
  resolve(from: Party, name: string, type: RecordType, options?: LookupOptions): Promise<DnsRecord[]>
}
