/** Looking up names and addresses from inside a container, as its tools do. */
import { RECORD_TYPES, reverseName } from '../../apimachinery/dns-message.ts'
import { familyOf, parseIP, type IPFamily } from '../../apimachinery/ip-address.ts'
import { NetworkError, type DnsRecord, type Party, type RecordType } from '../../network/network.ts'
import type { Process } from './process.ts'

/** The container's address of a family. */
export function ownAddress({ ip, ips = [ip] }: Party, family: IPFamily): string | undefined {
  return ips.find((own) => familyOf(own) === family)
}

/** The first address of a name, IPv4 before IPv6; the text itself when it is one. */
export async function addressOf(process: Process, name: string): Promise<string | undefined> {
  const bare = name.replace(/^\[(.*)\]$/, '$1')
  if (parseIP(bare)) return bare
  const { network, party } = process.sandbox
  for (const type of ['A', 'AAAA'] as const) {
    const records = await process.block(network.resolve(party, name, type))
    const found = records.find((record) => record.type === type)
    if (found) return found.data
  }
  return undefined
}

export interface Question {
  name: string
  type: RecordType
  /** An address or a name; the container's own server unless told. */
  server?: string | undefined
}

/** Asks a server as `dig` does: nothing of /etc/hosts. Rejects with a NetworkError. */
export async function query(process: Process, { name, type, server }: Question): Promise<DnsRecord[]> {
  const { network, party } = process.sandbox
  const at = server === undefined ? undefined : await addressOf(process, server)
  return process.block(network.resolve(party, name, type, { isQuery: true, ...(at === undefined ? {} : { server: at }) }))
}

/** The server that the container asks first. */
export async function nameserver({ sandbox: { fs } }: Process): Promise<string> {
  return /^nameserver (\S+)/m.exec((await fs.readFile('/etc/resolv.conf')).toString())?.[1] ?? '127.0.0.1'
}

/** What is asked for a name, or for an address that is meant to be turned round. */
export function questionOf(text: string, type?: string): { name: string; type: RecordType } {
  const wanted = RECORD_TYPES.find((known) => known === type?.toUpperCase())
  return parseIP(text) && wanted === undefined ? { name: `${reverseName(text)}.`, type: 'PTR' } : { name: text, type: wanted ?? 'A' }
}

export type Outcome = { status: 'NOERROR'; records: DnsRecord[] } | { status: 'NXDOMAIN' | 'TIMEOUT'; records: [] }

/** The same with what can go wrong as words. */
export async function outcomeOf(process: Process, question: Question): Promise<Outcome> {
  try {
    return { status: 'NOERROR', records: await query(process, question) }
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return { status: error.code === 'ENOTFOUND' ? 'NXDOMAIN' : 'TIMEOUT', records: [] }
  }
}
