/** Queries of the DNS protocol (RFC 1035), answered out of the cluster's names. Models github.com/coredns/coredns plugin/kubernetes. */
import type packet from 'dns-packet'
import { decodeMessage, encodeReply, isRecordType, NOTIMP, NXDOMAIN, toAnswer } from '../apimachinery/dns-message.ts'
import type { Directory } from './directory.ts'
import { answer, CLUSTER_DOMAIN, TTL_SECONDS } from './dns.ts'
import type { DnsRecord } from './network.ts'

/** Who is responsible for the cluster's names; goes with every answer that has no records, so that it can be kept. */
const SOA: packet.Answer = {
  name: CLUSTER_DOMAIN,
  type: 'SOA',
  ttl: TTL_SECONDS,
  data: { mname: `ns.dns.${CLUSTER_DOMAIN}`, rname: `hostmaster.${CLUSTER_DOMAIN}`, serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: TTL_SECONDS },
}

/** The bytes of an answer; undefined for what is no query. */
export function respond(directory: Directory, bytes: Buffer, { isUdp }: { isUdp: boolean }): Buffer | undefined {
  const query = decodeMessage(bytes)
  if (query?.type !== 'query') return undefined
  const [question] = query.questions ?? []
  if (!question || query.questions?.length !== 1) return encodeReply(query, { rcode: NOTIMP, answers: [] }, { isUdp })
  const { name, type } = question
  const isOurs = `.${name.toLowerCase()}`.endsWith(`.${CLUSTER_DOMAIN}`)
  if (type === 'SOA' && isOurs && name.toLowerCase() === CLUSTER_DOMAIN) return encodeReply(query, { rcode: 0, answers: [SOA] }, { isUdp })
  // A type that is not known has no records, where the name is there at all.
  const found = isRecordType(type) ? answer(directory, name, type) : answer(directory, name, 'TXT') && []
  const authorities = found?.length || !isOurs ? [] : [SOA]
  return encodeReply(query, { rcode: found ? 0 : NXDOMAIN, answers: (found ?? []).map(toAnswer), authorities, additionals: targetsOf(directory, found ?? []) }, { isUdp })
}

/** The addresses of what SRV records name, which saves who asked another question. */
function targetsOf(directory: Directory, records: readonly DnsRecord[]): packet.Answer[] {
  const targets = new Set(records.flatMap(({ type, data }) => (type === 'SRV' ? [(data.split(' ')[3] ?? '').replace(/\.$/, '')] : [])))
  return [...targets].flatMap((target) => (['A', 'AAAA'] as const).flatMap((type) => (answer(directory, target, type) ?? []).map(toAnswer)))
}
