/** `mongosh`: whether the server is there, and the few expressions that probes and first steps use. */
import { NetworkError } from '../../../network/network.ts'
import { getopt } from '../getopt.ts'
import type { Process, Program } from '../process.ts'

const PORT = 27017
const VERSION = '8.0.13'
const NO_DATABASE = 'Orrery runs no database: it answers ping, version() and the databases'

async function mongosh(process: Process): Promise<number> {
  const { value, values, has, rest } = await getopt(process, 'u:p:f:h eval= host= port= username= password= authenticationDatabase= quiet norc version tls tlsCAFile= tlsCertificateKeyFile= tlsAllowInvalidCertificates json=? nodb file= authenticationMechanism=')
  if (has('version')) {
    await process.out('2.5.8\n')
    return 0
  }
  const uri = rest.find((arg) => arg.startsWith('mongodb')) ?? (rest[0] !== undefined && /[/:.]/.test(rest[0]) && !rest[0].endsWith('.js') ? `mongodb://${rest[0]}` : undefined)
  const [, authority = '', path = ''] = /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]*)\/?([^?]*)/.exec(uri ?? '') ?? []
  const [name = '', number] = (authority.split(',')[0] ?? '').split(':')
  const host = value('host') ?? (name || '127.0.0.1')
  const port = Number(value('port') ?? number ?? PORT)
  const problem = await unreachable(process, host, port)
  if (problem) {
    await process.err(`MongoNetworkError: ${problem}\n`)
    return 1
  }
  const database = path || rest.find((arg) => /^\w+$/.test(arg)) || 'test'
  const scripts = values('eval')
  if (scripts.length > 0) {
    for (const script of scripts) if (!(await evaluate(process, script, database))) return 1
    return 0
  }
  const prompt = async () => (process.isTTY(0) ? process.out(`${database}> `) : undefined)
  if (process.isTTY(0)) await process.out(`Using MongoDB:\t\t${VERSION}\nUsing Mongosh:\t\t2.5.8\n${NO_DATABASE}.\n\n`)
  await prompt()
  let isGood = true
  for (let got = await process.readLine(0); got; got = await process.readLine(0)) {
    const text = got.line.toString().trim()
    if (/^(?:exit|quit)\s*(?:\(\s*\))?;?$/.test(text)) break
    if (text !== '') isGood = await evaluate(process, text, database)
    await prompt()
  }
  return isGood || process.isTTY(0) ? 0 : 1
}

async function unreachable(process: Process, host: string, port: number): Promise<string | undefined> {
  const { network, party } = process.sandbox
  try {
    const stream = await process.block(network.connect(party, { host, port }, { timeoutMs: 30_000 }))
    stream.on('error', () => {})
    stream.destroy()
    return undefined
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    return error.code === 'ENOTFOUND' ? `getaddrinfo ENOTFOUND ${host}` : `connect ${error.code} ${host}:${port}`
  }
}

/** False for what is not answered. */
async function evaluate(process: Process, script: string, database: string): Promise<boolean> {
  const text = script.trim().replace(/;$/, '')
  const [, printed] = /^(?:print|printjson|console\.log)\((.*)\)$/s.exec(text) ?? []
  const answer = answerOf(printed ?? text, database)
  if (answer === undefined) await process.err(`MongoServerError: ${NO_DATABASE}; not: ${text.replace(/\s+/g, ' ')}\n`)
  else if (answer !== '') await process.out(`${answer}\n`)
  return answer !== undefined
}

function answerOf(text: string, database: string): string | undefined {
  if (/^db(?:\.getSiblingDB\([^)]*\))?\.(?:adminCommand|runCommand)\(\s*(?:\{\s*)?["']?ping["']?\s*(?::\s*1\s*\})?\s*\)(\.ok)?$/.test(text)) return text.endsWith('.ok') ? '1' : '{ ok: 1 }'
  if (/^db\.(?:hello|isMaster)\(\)\.(?:isWritablePrimary|ismaster)$/.test(text)) return 'true'
  if (/^db\.version\(\)$/.test(text)) return VERSION
  if (/^(?:db\.getName\(\)|db)$/.test(text)) return database
  if (/^show (?:dbs|databases)$/.test(text)) return 'admin   40.00 KiB\nconfig  12.00 KiB\nlocal   40.00 KiB'
  if (/^show (?:collections|tables)$/.test(text)) return ''
  const [, quoted] = /^(["'])(.*)\1$/s.exec(text)?.slice(1) ?? []
  if (quoted !== undefined) return quoted
  return /^-?\d+(?:\.\d+)?$/.test(text) ? text : undefined
}

export default { mongosh } satisfies Record<string, Program>
