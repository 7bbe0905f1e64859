/** Addresses and ports alone, without services, policies or DNS, for tests of what runs in pods. */
import { duplexPair, type Duplex } from 'node:stream'
import { NetworkError, type Accepted, type ConnectOptions, type DnsRecord, type Listener, type Network, type Party, type Protocol, type RecordType, type Target } from '../../src/network/network.ts'
import { PortTable } from '../../src/network/port-table.ts'

export class LocalNetwork implements Network {
  readonly #ports = new PortTable()

  listen(party: Party, { port, protocol }: { port: number; protocol: Protocol }, onConnection: (accepted: Accepted) => void): Listener {
    return this.#ports.listen({ ip: party.ip, port, protocol }, onConnection)
  }

  listening(party: Party): { port: number; protocol: Protocol }[] {
    return this.#ports.openAt(party.ip)
  }

  async connect(from: Party, { host, port }: Target, { protocol = 'TCP' }: ConnectOptions = {}): Promise<Duplex> {
    const ip = isLoopback(host) ? from.ip : host
    if (!/^[\d.]+$|:/.test(ip)) throw new NetworkError('ENOTFOUND', `lookup ${host}: no such host`)
    const onConnection = this.#ports.at({ ip, port, protocol })
    if (!onConnection) throw new NetworkError('ECONNREFUSED', `dial tcp ${ip}:${port}: connect: connection refused`)
    const [near, far] = duplexPair(protocol === 'UDP' ? { objectMode: true } : {})
    onConnection({ stream: far, remoteAddress: from.ip, remotePort: this.#ports.ephemeral(), localAddress: ip, localPort: port })
    return near
  }

  async resolve(from: Party, name: string, type: RecordType): Promise<DnsRecord[]> {
    if (type === 'A' && isLoopback(name)) return [{ name, type, ttl: 0, data: '127.0.0.1' }]
    if (type === 'A' && name === from.name) return [{ name, type, ttl: 0, data: from.ip }]
    throw new NetworkError('ENOTFOUND', `lookup ${name}: no such host`)
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}
