/** `dig` of BIND's tools, as far as it asks the cluster's DNS, or another server that runs in the cluster. */
import { isRecordType as isType, reverseName } from '../../../apimachinery/dns-message.ts'
import type { DnsRecord, RecordType } from '../../../network/network.ts'
import { outcomeOf } from '../lookup.ts'
import type { Process, Program } from '../process.ts'

interface Query {
  name: string
  type: RecordType
  /** `+short`, `+noall` … in the order they were given. */
  flags: readonly string[]
  /** What stands behind the @. */
  server?: string
}

function parse(args: readonly string[]): Query {
  const query: Query & { flags: string[] } = { name: '.', type: 'A', flags: [] }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg.startsWith('+')) query.flags.push(arg.slice(1))
    else if (arg === '-x') Object.assign(query, { type: 'PTR', name: reverseName(args[++i] ?? '') })
    else if (arg === '-t') query.type = isType(args[i + 1]?.toUpperCase() ?? '') ? (args[++i]?.toUpperCase() as RecordType) : query.type
    else if (isType(arg.toUpperCase())) query.type = arg.toUpperCase() as RecordType
    else if (arg.startsWith('@')) query.server = arg.slice(1)
    else if (!arg.startsWith('-')) query.name = arg
  }
  return query
}

async function dig(process: Process): Promise<number> {
  const { name, type, flags, server } = parse(process.args)
  const asked = flags.includes('search') || name.endsWith('.') ? name : `${name}.`
  const { status, records } = await outcomeOf(process, { name: asked, type, server })
  if (status === 'TIMEOUT') return fail(process)
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
