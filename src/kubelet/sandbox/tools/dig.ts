/** `dig` of BIND's tools, as far as it asks the cluster's DNS. */
import { NetworkError, type DnsRecord, type RecordType } from '../../../network/network.ts'
import type { Process, Program } from '../process.ts'

const TYPES: readonly RecordType[] = ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT']
const isType = (text: string): text is RecordType => TYPES.some((type) => type === text)

interface Query {
  name: string
  type: RecordType
  /** `+short`, `+noall` … in the order they were given. */
  flags: readonly string[]
}

function parse(args: readonly string[]): Query {
  const query = { name: '.', type: 'A' as RecordType, flags: [] as string[] }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg.startsWith('+')) query.flags.push(arg.slice(1))
    else if (arg === '-x') Object.assign(query, { type: 'PTR', name: `${(args[++i] ?? '').split('.').reverse().join('.')}.in-addr.arpa` })
    else if (arg === '-t') query.type = isType(args[i + 1]?.toUpperCase() ?? '') ? (args[++i]?.toUpperCase() as RecordType) : query.type
    else if (isType(arg.toUpperCase())) query.type = arg.toUpperCase() as RecordType
    // The server asked is the cluster's, whoever is named.
    else if (!arg.startsWith('@') && !arg.startsWith('-')) query.name = arg
  }
  return query
}

async function dig(process: Process): Promise<number> {
  const { name, type, flags } = parse(process.args)
  const { network, party } = process.sandbox
  const asked = flags.includes('search') || name.endsWith('.') ? name : `${name}.`
  let records: DnsRecord[] = []
  let status = 'NOERROR'
  try {
    records = await process.block(network.resolve(party, asked, type))
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    if (error.code !== 'ENOTFOUND') return fail(process)
    status = 'NXDOMAIN'
  }
  await process.out(shown(records, { query: { name, type, flags }, status }))
  return 0
}

async function fail(process: Process): Promise<number> {
  await process.out(';; communications error: timed out\n')
  return 9
}

function shown(records: readonly DnsRecord[], { query: { name, type, flags }, status }: { query: Query; status: string }): string {
  const dataOf = ({ type: kind, data }: DnsRecord) => ((kind === 'CNAME' || kind === 'PTR') && !data.endsWith('.') ? `${data}.` : kind === 'TXT' ? JSON.stringify(data) : data)
  if (flags.includes('short')) return records.map((record) => `${dataOf(record)}\n`).join('')
  const answers = records.map((record) => `${record.name.replace(/\.?$/, '.')}\t${record.ttl}\tIN\t${record.type}\t${dataOf(record)}\n`).join('')
  if (flags.includes('noall')) return flags.includes('answer') ? answers : ''
  const head = `;; ->>HEADER<<- opcode: QUERY, status: ${status}, id: 1\n;; flags: qr aa rd; QUERY: 1, ANSWER: ${records.length}, AUTHORITY: 0, ADDITIONAL: 0\n\n`
  return `\n${head};; QUESTION SECTION:\n;${name.replace(/\.?$/, '.')}\t\tIN\t${type}\n\n${answers ? `;; ANSWER SECTION:\n${answers}\n` : ''}`
}

export default { dig } satisfies Record<string, Program>
