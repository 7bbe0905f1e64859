/** Who listens on which address and port inside the process. */
import type { Duplex } from 'node:stream'
import { NetworkError, type Accepted, type Listener, type Protocol } from './network.ts'

const EPHEMERAL_FIRST = 32_768
const EPHEMERAL_LAST = 60_999

export type OnConnection = (accepted: Accepted) => void

export interface Endpoint {
  ip: string
  port: number
  protocol: Protocol
}

export class PortTable {
  readonly #bound = new Map<string, OnConnection>()
  #nextPort = EPHEMERAL_FIRST

  /** Port 0 takes a free one. @throws NetworkError EADDRINUSE */
  listen({ ip, port, protocol }: Endpoint, onConnection: OnConnection): Listener {
    const chosen = port === 0 ? this.#freePort(ip, protocol) : port
    const key = keyOf({ ip, port: chosen, protocol })
    if (this.#bound.has(key)) throw inUse(ip, chosen)
    const talks = new Set<Duplex>()
    // What datagrams came by is the listener's own socket: with that all talk ends, where connections go on.
    const bound = protocol !== 'UDP' ? onConnection : (accepted: Accepted) => {
      talks.add(accepted.stream)
      accepted.stream.once('close', () => talks.delete(accepted.stream))
      onConnection(accepted)
    }
    this.#bound.set(key, bound)
    return {
      port: chosen,
      close: () => {
        if (this.#bound.get(key) !== bound) return
        this.#bound.delete(key)
        for (const stream of talks) stream.destroy()
      },
    }
  }

  /** What is listened on at an address. */
  openAt(ip: string): { port: number; protocol: Protocol }[] {
    return [...this.#bound.keys()].flatMap((key) => {
      const [protocol, at, port] = key.split(' ')
      return at === ip ? [{ port: Number(port), protocol: protocol as Protocol }] : []
    })
  }

  at(endpoint: Endpoint): OnConnection | undefined {
    return this.#bound.get(keyOf(endpoint))
  }

  /** The port from which the next connection comes. */
  ephemeral(): number {
    const port = this.#nextPort
    this.#nextPort = port < EPHEMERAL_LAST ? port + 1 : EPHEMERAL_FIRST
    return port
  }

  #freePort(ip: string, protocol: Protocol): number {
    for (let tried = EPHEMERAL_FIRST; tried <= EPHEMERAL_LAST; tried++) {
      const port = this.ephemeral()
      if (!this.#bound.has(keyOf({ ip, port, protocol }))) return port
    }
    throw inUse(ip, 0)
  }
}

const keyOf = ({ ip, port, protocol }: Endpoint): string => `${protocol} ${ip} ${port}`

function inUse(ip: string, port: number): NetworkError {
  return new NetworkError('EADDRINUSE', `listen tcp ${ip}:${port}: bind: address already in use`)
}
