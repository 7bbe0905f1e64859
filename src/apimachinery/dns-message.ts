/** Messages of the DNS protocol (RFC 1035) as the records they carry: what servers of the cluster and those who ask them have in common. */
import packet from 'dns-packet'

export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT'] as const
export type RecordType = (typeof RECORD_TYPES)[number]

export interface DnsRecord {
  name: string
  type: RecordType
  ttl: number
  /** An address, a name, a text; for SRV `priority weight port target`. */
  data: string
}

export const NXDOMAIN = 3
export const NOTIMP = 4
export const DNS_PORT = 53
const RCODE_BITS = 0xf
/** What a client takes over UDP unless it says more. */
const UDP_BYTES = 512
const LENGTH_BYTES = 2

export const isRecordType = (type: string): type is RecordType => RECORD_TYPES.some((t) => t === type)

/** Undefined for what is no message. */
export function decodeMessage(bytes: Buffer): packet.DecodedPacket | undefined {
  try {
    return packet.decode(bytes)
  } catch {
    return undefined
  }
}

export function rcodeOf({ flags = 0 }: packet.Packet): number {
  return flags & RCODE_BITS
}

/** Those of its answers that are of a known type. */
export function recordsOf({ answers = [] }: packet.Packet): DnsRecord[] {
  return answers.flatMap((answer): DnsRecord[] => {
    const { name, type } = answer
    if (!isRecordType(type)) return []
    const ttl = 'ttl' in answer ? (answer.ttl ?? 0) : 0
    if (answer.type === 'SRV') {
      const { priority = 0, weight = 0, port, target } = answer.data
      return [{ name, type, ttl, data: `${priority} ${weight} ${port} ${target}.` }]
    }
    if (answer.type === 'TXT') return [{ name, type, ttl, data: [answer.data].flat().map(String).join('') }]
    return 'data' in answer && typeof answer.data === 'string' ? [{ name, type, ttl, data: answer.data }] : []
  })
}

export function toAnswer({ name, type, ttl, data }: DnsRecord): packet.Answer {
  if (type !== 'SRV') return { name, type, ttl, data: data.replace(/\.$/, '') } as packet.Answer
  const [priority, weight, port, target = ''] = data.split(' ')
  return { name, type, ttl, data: { priority: Number(priority), weight: Number(weight), port: Number(port), target: target.replace(/\.$/, '') } }
}

export interface Reply {
  rcode: number
  answers: readonly packet.Answer[]
  authorities?: readonly packet.Answer[]
  additionals?: readonly packet.Answer[]
}

/** The bytes of an answer; over UDP without records when they are more than the client takes. */
export function encodeReply(query: packet.Packet, { rcode, answers, authorities = [], additionals = [] }: Reply, { isUdp }: { isUdp: boolean }): Buffer {
  const base = { type: 'response' as const, id: query.id ?? 0, questions: query.questions ?? [] }
  const flags = packet.AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & packet.RECURSION_DESIRED) | packet.RECURSION_AVAILABLE | rcode
  const whole = packet.encode({ ...base, flags, answers: [...answers], authorities: [...authorities], additionals: [...additionals] })
  return isUdp && whole.length > takes(query) ? packet.encode({ ...base, flags: flags | packet.TRUNCATED_RESPONSE }) : whole
}

function takes({ additionals }: packet.Packet): number {
  const edns = additionals?.find((a) => a.type === 'OPT')
  return Math.max(UDP_BYTES, edns && 'udpPayloadSize' in edns ? edns.udpPayloadSize : 0)
}

/** With its length before it, as over TCP. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Takes messages with their lengths before them out of what came; what is left is the beginning of another one. */
export function unframed(bytes: Buffer): { messages: Buffer[]; rest: Buffer } {
  const messages: Buffer[] = []
  let rest = bytes
  while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readUInt16BE(0)) {
    const end = LENGTH_BYTES + rest.readUInt16BE(0)
    messages.push(rest.subarray(LENGTH_BYTES, end))
    rest = rest.subarray(end)
  }
  return { messages, rest }
}

/** The name by which one asks whose an address is. */
export function reverseName(ip: string): string {
  if (!ip.includes(':')) return `${ip.split('.').reverse().join('.')}.in-addr.arpa`
  const [head = '', tail] = ip.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const all = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
  return `${all.map((group) => group.padStart(4, '0')).join('').split('').reverse().join('.')}.ip6.arpa`
}
