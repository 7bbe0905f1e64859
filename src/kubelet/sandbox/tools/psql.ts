/** `psql`: whether the server is there, role and database too, and the few statements that are answered. */
import { NetworkError } from '../../../network/network.ts'
import { getopt } from '../getopt.ts'
import type { Process, Program } from '../process.ts'
import { answerSelect, NO_DATABASE, statementsOf, type Facts, type Rows } from '../sql/answers.ts'

const PORT = 5432
const VERSION = '17.6'
const LONG_VERSION = `PostgreSQL ${VERSION} on x86_64-pc-linux-gnu, compiled by gcc, 64-bit`

interface Shape {
  isBare: boolean
  isUnaligned: boolean
}

async function psql(process: Process): Promise<number> {
  const { value, values, has, rest } = await getopt(process, 'h:p:U:d:c:f:v:P:F:o:wWtAqlXVeE1nabSs host= port= username= dbname= command= file= set= variable= pset= no-password password tuples-only no-align quiet list no-psqlrc version single-transaction echo-all')
  if (has('V', 'version')) {
    await process.out(`psql (PostgreSQL) ${VERSION}\n`)
    return 0
  }
  const named = value('d', 'dbname') ?? rest[0] ?? process.env.get('PGDATABASE')
  const url = named !== undefined && /^postgres(?:ql)?:\/\//.test(named) && URL.canParse(named) ? new URL(named) : undefined
  const host = url?.hostname || (value('h', 'host') ?? process.env.get('PGHOST') ?? '')
  const port = Number(url?.port || (value('p', 'port') ?? process.env.get('PGPORT') ?? PORT))
  const user = url?.username || (value('U', 'username') ?? rest[1] ?? process.env.get('PGUSER') ?? (process.cred.uid === 0 ? 'root' : 'postgres'))
  const database = url ? url.pathname.slice(1) || user : (named ?? user)
  const problem = await problemOf(process, { host, port, user, database })
  if (problem) {
    await process.err(`psql: error: connection to server ${problem}\n`)
    return 2
  }
  const facts: Facts = { version: LONG_VERSION, user, database, databases: databasesOf(process, host, database), now: new Date(process.clock.now()).toISOString().replace('T', ' ').replace('Z', '000+00') }
  const shape = { isBare: has('t', 'tuples-only'), isUnaligned: has('A', 'no-align') }
  const run = (text: string) => runAll(process, text, { facts, shape })
  if (has('l', 'list')) return run('\\l')
  const commands = [...values('c'), ...values('command')]
  for (const command of commands) {
    const code = await run(command)
    if (code !== 0) return code
  }
  const file = value('f', 'file')
  if (file !== undefined && file !== '-') return run((await process.sandbox.fs.readFile(process.path(file))).toString())
  return commands.length > 0 ? 0 : converse(process, database, run)
}

async function converse(process: Process, database: string, run: (text: string) => Promise<number>): Promise<number> {
  const isTerminal = process.isTTY(0)
  if (isTerminal) await process.out(`psql (${VERSION})\nType "help" for help.\n${NO_DATABASE}.\n\n${database}=# `)
  let pending = ''
  let code = 0
  for (let got = await process.readLine(0); got; got = await process.readLine(0)) {
    const text = got.line.toString()
    if (/^\s*(?:\\q|exit|quit)\s*$/i.test(text)) break
    pending += `${text}\n`
    if (/;\s*$|^\s*\\/.test(text)) {
      code = await run(pending)
      pending = ''
    }
    if (isTerminal) await process.out(`${database}${pending === '' ? '=' : '-'}# `)
  }
  if (pending.trim() !== '') code = await run(pending)
  return isTerminal ? 0 : code
}

const isLocal = ({ sandbox: { hostname, party } }: Process, host: string): boolean => ['', 'localhost', '127.0.0.1', '::1', hostname, party.ip].includes(host) || host.startsWith('/')

/** Of the server in this container it is known what it was started with; whoever comes over its socket is trusted. */
async function problemOf(process: Process, { host, port, user, database }: { host: string; port: number; user: string; database: string }): Promise<string | undefined> {
  const { network, party } = process.sandbox
  const isSocket = host === '' || host.startsWith('/')
  const at = isSocket ? `on socket "${host || '/var/run/postgresql'}/.s.PGSQL.${port}" failed: ` : `at "${host}", port ${port} failed: `
  try {
    const stream = await process.block(network.connect(party, { host: isSocket ? 'localhost' : host, port }, { timeoutMs: 10_000 }))
    stream.on('error', () => {})
    stream.destroy()
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    if (error.code === 'ENOTFOUND') return `could not translate host name "${host}" to address: Name or service not known`
    if (isSocket) return `${at}No such file or directory\n\tIs the server running locally and accepting connections on that socket?`
    return `${at}${error.code === 'ECONNREFUSED' ? 'Connection refused' : 'Connection timed out'}\n\tIs the server running on that host and accepting TCP/IP connections?`
  }
  if (!isLocal(process, host)) return undefined
  const roles = ['postgres', said(process, 'USER')].filter(Boolean)
  const owner = said(process, 'USER') ?? 'postgres'
  if (user !== owner && !(process.env.has('POSTGRESQL_PASSWORD') && roles.includes(user))) return `${at}FATAL:  role "${user}" does not exist`
  return databasesOf(process, host, undefined).includes(database) ? undefined : `${at}FATAL:  database "${database}" does not exist`
}

const said = ({ env }: Process, name: 'USER' | 'DB'): string | undefined => env.get(`POSTGRES_${name}`) ?? env.get(name === 'DB' ? 'POSTGRESQL_DATABASE' : 'POSTGRESQL_USERNAME')

function databasesOf(process: Process, host: string, named: string | undefined): string[] {
  const own = isLocal(process, host) ? (said(process, 'DB') ?? said(process, 'USER')) : named
  return [...new Set(['postgres', 'template0', 'template1', ...(own ? [own] : [])])].sort()
}

async function runAll(process: Process, text: string, { facts, shape }: { facts: Facts; shape: Shape }): Promise<number> {
  for (const statement of statementsOf(text)) {
    if (statement === '\\conninfo') {
      await process.out(`You are connected to database "${facts.database}" as user "${facts.user}".\n`)
      continue
    }
    const listed = /^\\l\+?$|^select\s+datname\s+from\s+pg_database$/i.test(statement)
    const rows = listed ? listOf(statement, facts) : /^show\s+server_version$/i.test(statement) ? { columns: ['server_version'], rows: [[VERSION]], numeric: [false] } : answerSelect(statement, facts, columnOf)
    if (!rows) {
      await process.err(`ERROR:  ${NO_DATABASE}; not: ${statement.replace(/\s+/g, ' ')}\n`)
      return 1
    }
    await process.out(shown(rows, shape, statement.startsWith('\\l') ? 'List of databases' : undefined))
  }
  return 0
}

function listOf(statement: string, { databases }: Facts): Rows {
  if (!statement.startsWith('\\')) return { columns: ['datname'], rows: databases.map((name) => [name]), numeric: [false] }
  return { columns: ['Name', 'Encoding', 'Collate', 'Ctype'], rows: databases.map((name) => [name, 'UTF8', 'en_US.utf8', 'en_US.utf8']), numeric: [false, false, false, false] }
}

/** A function's own name; anything else has none. */
const columnOf = (expression: string): string => /^(\w+)\(\s*\)$/.exec(expression)?.[1]?.toLowerCase() ?? (/^(?:current_\w+|session_user|user)$/i.test(expression) ? expression.toLowerCase() : '?column?')

function shown({ columns, rows, numeric }: Rows, { isBare, isUnaligned }: Shape, title: string | undefined): string {
  const count = `(${rows.length} row${rows.length === 1 ? '' : 's'})\n`
  if (isUnaligned) return `${isBare ? '' : `${columns.join('|')}\n`}${rows.map((cells) => `${cells.join('|')}\n`).join('')}${isBare ? '' : count}`
  const widths = columns.map((column, i) => Math.max(isBare ? 0 : column.length, ...rows.map((cells) => cells[i]?.length ?? 0)))
  const centred = (text: string, width: number) => text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width)
  const last = columns.length - 1
  const line = (cells: readonly string[]) => `${cells.map((cell, i) => ` ${numeric[i] ? cell.padStart(widths[i] ?? 0) : i === last ? cell : cell.padEnd(widths[i] ?? 0)}`).join(' |')}\n`
  const body = rows.map(line).join('')
  if (isBare) return `${body}\n`
  const total = widths.reduce((sum, width) => sum + width + 3, -1)
  return `${title ? `${centred(title, total).trimEnd()}\n` : ''}${columns.map((column, i) => ` ${centred(column, widths[i] ?? 0)} `).join('|')}\n${widths.map((width) => '-'.repeat(width + 2)).join('+')}\n${body}${count}\n`
}

export default { psql } satisfies Record<string, Program>
