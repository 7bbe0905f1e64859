/** Queries of the DNS protocol (RFC 1035), answered out of the cluster's names. */
import packet from 'dns-packet'
import type { Directory } from './directory.ts'
import { answer } from './dns.ts'
import type { DnsRecord, RecordType } from './network.ts'

const TYPES: readonly RecordType[] = ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT']
const NXDOMAIN = 3
const NOTIMP = 4
/** What a client takes over UDP unless it says more. */
const UDP_BYTES = 512

const isKnown = (type: string): type is RecordType => TYPES.some((t) => t === type)

/** The bytes of an answer; undefined for what is no query. */
export function respond(directory: Directory, bytes: Buffer, { isUdp }: { isUdp: boolean }): Buffer | undefined {
  const query = decode(bytes)
  if (query?.type !== 'query') return undefined
  const [question] = query.questions ?? []
  const found = question && isKnown(question.type) ? answer(directory, question.name, question.type) : question ? [] : undefined
  const rcode = !question || query.questions?.length !== 1 ? NOTIMP : found ? 0 : NXDOMAIN
  const base = { type: 'response' as const, id: query.id ?? 0, questions: query.questions ?? [] }
  const flags = packet.AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & packet.RECURSION_DESIRED) | packet.RECURSION_AVAILABLE | rcode
  const whole = packet.encode({ ...base, flags, answers: (found ?? []).map(toAnswer) })
  return isUdp && whole.length > takes(query) ? packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE }) : whole
}

function decode(bytes: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(bytes)
  } catch {
    return undefined
  }
}

function takes({ additionals }: packet.Packet): number {
  const edns = additionals?.find((a) => a.type === 'OPT')
  return Math.max(UDP_BYTES, edns && 'udpPayloadSize' in edns ? edns.udpPayloadSize : 0)
}

function toAnswer({ name, type, ttl, data }: DnsRecord): packet.Answer {
  if (type !== 'SRV') return { name, type, ttl, data: data.replace(/\.$/, '') } as packet.Answer
  const [priority, weight, port, target = ''] = data.split(' ')
  return { name, type, ttl, data: { priority: Number(priority), weight: Number(weight), port: Number(port), target: target.replace(/\.$/, '') } }
}
