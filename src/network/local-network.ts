/** Addresses and ports inside the process, without services, policies or DNS: a connection is a pair of streams. */
import { duplexPair } from 'node:stream'
import { NetworkError, type Accepted, type ConnectOptions, type DnsRecord, type Listener, type Network, type Party, type Protocol, type RecordType, type Target } from './network.ts'

const EPHEMERAL_FIRST = 32_768
const EPHEMERAL_LAST = 60_999

interface Bound {
  onConnection(accepted: Accepted): void
}

export class LocalNetwork implements Network {
  readonly #bound = new Map<string, Bound>()
  #nextPort = EPHEMERAL_FIRST

  listen(party: Party, { port, protocol }: { port: number; protocol: Protocol }, onConnection: (accepted: Accepted) => void): Listener {
    const chosen = port === 0 ? this.#freePort(party.ip, protocol) : port
    const key = keyOf(party.ip, chosen, protocol)
    if (this.#bound.has(key)) throw new NetworkError('EADDRINUSE', `listen tcp ${party.ip}:${chosen}: bind: address already in use`)
    const bound = { onConnection }
    this.#bound.set(key, bound)
    return {
      port: chosen,
      close: () => {
        if (this.#bound.get(key) === bound) this.#bound.delete(key)
      },
    }
  }

  async connect(from: Party, { host, port }: Target, { protocol = 'TCP' }: ConnectOptions = {}) {
    const address = isLoopback(host) ? from.ip : host
    if (!/^[\d.]+$|:/.test(address)) throw new NetworkError('ENOTFOUND', `lookup ${host}: no such host`)
    const bound = this.#bound.get(keyOf(address, port, protocol))
    if (!bound) throw new NetworkError('ECONNREFUSED', `dial tcp ${address}:${port}: connect: connection refused`)
    const [near, far] = duplexPair(protocol === 'UDP' ? { objectMode: true } : {})
    bound.onConnection({ stream: far, remoteAddress: from.ip, remotePort: this.#ephemeral(), localAddress: address, localPort: port })
    return near
  }

  async resolve(from: Party, name: string, type: RecordType): Promise<DnsRecord[]> {
    if (type === 'A' && isLoopback(name)) return [{ name, type, ttl: 0, data: '127.0.0.1' }]
    if (type === 'A' && name === from.name) return [{ name, type, ttl: 0, data: from.ip }]
    throw new NetworkError('ENOTFOUND', `lookup ${name}: no such host`)
  }

  #freePort(ip: string, protocol: Protocol): number {
    for (let tried = EPHEMERAL_FIRST; tried <= EPHEMERAL_LAST; tried++) {
      const port = this.#ephemeral()
      if (!this.#bound.has(keyOf(ip, port, protocol))) return port
    }
    throw new NetworkError('EADDRINUSE', `listen tcp ${ip}:0: bind: address already in use`)
  }

  #ephemeral(): number {
    const port = this.#nextPort
    this.#nextPort = port < EPHEMERAL_LAST ? port + 1 : EPHEMERAL_FIRST
    return port
  }
}

function keyOf(ip: string, port: number, protocol: Protocol): string {
  return `${ip}:${port}/${protocol}`
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}
