/** `nslookup` of busybox and `host` of BIND's tools. */
import type { DnsRecord } from '../../../network/network.ts'
import { getopt } from '../getopt.ts'
import { nameserver, outcomeOf, questionOf, type Outcome } from '../lookup.ts'
import type { Process, Program } from '../process.ts'

const SILENT = ';; connection timed out; no servers could be reached\n'

async function nslookup(process: Process): Promise<number> {
  const type = process.args.map((a) => /^-(?:type|querytype|q)=(\w+)$/i.exec(a)?.[1]).find((found) => found !== undefined)
  const [text = '', server] = process.args.filter((a) => !a.startsWith('-'))
  const shown = server ?? (await nameserver(process))
  await process.out(`Server:\t\t${shown}\nAddress:\t${shown.includes(':') ? `[${shown}]` : shown}:53\n\n`)
  const question = { ...questionOf(text, type), server }
  const first = await outcomeOf(process, question)
  // Addresses of both families, unless a type is named.
  const more: Outcome[] = type === undefined && question.type === 'A' && first.status === 'NOERROR' ? [await outcomeOf(process, { ...question, type: 'AAAA' })] : []
  const records = [...first.records, ...more.flatMap((outcome) => outcome.records.filter((record) => record.type === 'AAAA'))]
  for (const record of records) await process.out(found(record))
  if (first.status === 'TIMEOUT') await process.out(SILENT)
  else if (first.status === 'NXDOMAIN') await process.out(`** server can't find ${text}: NXDOMAIN\n\n`)
  else await process.out(records.length > 0 ? '\n' : `*** Can't find ${text}: No answer\n\n`)
  return records.length > 0 ? 0 : 1
}

function found({ name, type, data }: DnsRecord): string {
  switch (type) {
    case 'A':
    case 'AAAA':
      return `Name:\t${name}\nAddress: ${data}\n`
    case 'PTR':
      return `${name}\tname = ${data}\n`
    case 'SRV':
      return `${name}\tservice = ${data}\n`
    case 'CNAME':
      return `${name}\tcanonical name = ${data}\n`
    default:
      return `${name}\ttext = ${JSON.stringify(data)}\n`
  }
}

const WORDS: Readonly<Record<DnsRecord['type'], string>> = { A: 'has address', AAAA: 'has IPv6 address', PTR: 'domain name pointer', CNAME: 'is an alias for', SRV: 'has SRV record', TXT: 'descriptive text' }

async function host(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 't:W:av')
  const [text = '', server] = rest
  const type = value('t')
  const question = { ...questionOf(text, type), server }
  const first = await outcomeOf(process, question)
  if (first.status !== 'NOERROR') {
    await process.out(first.status === 'NXDOMAIN' ? `Host ${text} not found: 3(NXDOMAIN)\n` : SILENT)
    return 1
  }
  const more = type === undefined && question.type === 'A' ? (await outcomeOf(process, { ...question, type: 'AAAA' })).records.filter((record) => record.type === 'AAAA') : []
  const records = [...first.records, ...more]
  for (const record of records) await process.out(`${record.name} ${WORDS[record.type]} ${record.data}\n`)
  if (records.length === 0) await process.out(`${text} has no ${question.type} record\n`)
  return records.length > 0 ? 0 : 1
}

export default { nslookup, host } satisfies Record<string, Program>
