/** `mysql` and `mariadb`, the clients: whether the server is there and the password right, and the few statements that are answered. */
import { NetworkError } from '../../../network/network.ts'
import { getopt } from '../getopt.ts'
import type { Process, Program } from '../process.ts'
import { answerSelect, NO_DATABASE, statementsOf, type Facts, type Rows } from '../sql/answers.ts'

const PORT = 3306
const VERSIONS = { mysql: '9.4.0', mariadb: '12.0.2-MariaDB-ubu2404' } as const

async function mysql(process: Process): Promise<number> {
  const { value, has, rest } = await getopt(process, 'h:P:u:e:D:Nsp::BtVvrAfS: host= port= user= password=? execute= database= skip-column-names silent batch table version protocol= ssl-mode= ssl=? default-character-set= defaults-file= connect-timeout= raw force socket= no-defaults')
  const flavour = process.name.startsWith('maria') ? 'mariadb' : 'mysql'
  if (has('V', 'version')) {
    await process.out(`${process.name}  Ver ${VERSIONS[flavour]} for Linux on x86_64\n`)
    return 0
  }
  const host = value('h', 'host') ?? 'localhost'
  const port = Number(value('P', 'port') ?? PORT)
  const user = value('u', 'user') ?? process.env.get('USER') ?? 'root'
  const refused = (await unreachable(process, host, port)) ?? (isLocal(process, host) ? await denied(process, user, has('p', 'password') ? await passwordOf(process, value('p', 'password')) : (process.env.get('MYSQL_PWD') ?? '')) : undefined)
  if (refused) {
    await process.err(`${refused}\n`)
    return 1
  }
  const facts = factsOf(process, { host, flavour, user, database: value('D', 'database') ?? rest[0] })
  const isTable = has('t', 'table') || (process.isTTY(1) && !has('B', 'batch'))
  const run = (text: string, line: number) => runAll(process, text, { facts, line, isTable, hasHeader: !has('N', 'skip-column-names') })
  const said = value('e', 'execute')
  if (said !== undefined) return run(said, 1)
  return converse(process, run)
}

/** Statements from standard input; at a terminal each is asked for. */
async function converse(process: Process, run: (text: string, line: number) => Promise<number>): Promise<number> {
  const isTerminal = process.isTTY(0)
  if (isTerminal) await process.out(`Welcome to the MySQL monitor.  Commands end with ; or \\g.\n${NO_DATABASE}.\n\nmysql> `)
  let pending = ''
  let line = 0
  for (let got = await process.readLine(0); got; got = await process.readLine(0)) {
    line++
    const text = got.line.toString()
    if (/^\s*(?:exit|quit|\\q)\s*;?\s*$/i.test(text)) break
    pending += `${text}\n`
    if (/;\s*$|\\g\s*$/.test(text)) {
      const code = await run(pending.replace(/\\g\s*$/, ''), line)
      pending = ''
      if (code !== 0 && !isTerminal) return code
    }
    if (isTerminal) await process.out(pending === '' ? 'mysql> ' : '    -> ')
  }
  if (isTerminal) await process.out('Bye\n')
  return pending.trim() === '' ? 0 : run(pending, line)
}

async function unreachable(process: Process, host: string, port: number): Promise<string | undefined> {
  const { network, party } = process.sandbox
  try {
    const stream = await process.block(network.connect(party, { host, port }, { timeoutMs: 10_000 }))
    stream.on('error', () => {})
    stream.destroy()
    return undefined
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    if (error.code === 'ENOTFOUND') return `ERROR 2005 (HY000): Unknown MySQL server host '${host}' (-2)`
    if (host === 'localhost') return "ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)"
    return `ERROR 2003 (HY000): Can't connect to MySQL server on '${host}:${port}' (${error.code === 'ECONNREFUSED' ? 111 : 110})`
  }
}

/** The server that runs in this very container: what it was started with is known. */
function isLocal({ sandbox: { hostname, party } }: Process, host: string): boolean {
  return ['localhost', '127.0.0.1', '::1', hostname, party.ip].includes(host)
}

const said = ({ env }: Process, name: string): string | undefined => env.get(`MYSQL_${name}`) ?? env.get(`MARIADB_${name}`)

async function passwordOf(process: Process, given: string | undefined): Promise<string> {
  if (given) return given
  if (process.isTTY(0)) await process.out('Enter password: ')
  return process.isTTY(0) ? ((await process.readLine(0))?.line.toString().trimEnd() ?? '') : ''
}

async function denied(process: Process, user: string, password: string): Promise<string | undefined> {
  const isOpen = said(process, 'RANDOM_ROOT_PASSWORD') !== undefined || (said(process, 'ROOT_PASSWORD') === undefined && said(process, 'ROOT_PASSWORD_FILE') === undefined && said(process, 'ALLOW_EMPTY_PASSWORD') === undefined && said(process, 'ALLOW_EMPTY_ROOT_PASSWORD') === undefined)
  if (isOpen) return undefined
  const secret = async (name: string) => {
    const file = said(process, `${name}_FILE`)
    return file === undefined ? said(process, name) : (await process.sandbox.fs.readFile(file)).toString().trim()
  }
  const right = user === 'root' ? ((await secret('ROOT_PASSWORD')) ?? '') : user === said(process, 'USER') ? ((await secret('PASSWORD')) ?? '') : undefined
  return right === password ? undefined : `ERROR 1045 (28000): Access denied for user '${user}'@'localhost' (using password: ${password === '' ? 'NO' : 'YES'})`
}

function factsOf(process: Process, { host, flavour, user, database }: { host: string; flavour: 'mysql' | 'mariadb'; user: string; database: string | undefined }): Facts {
  const own = isLocal(process, host) ? said(process, 'DATABASE') : database
  return { version: VERSIONS[flavour], user: `${user}@${isLocal(process, host) ? 'localhost' : process.sandbox.party.ip}`, database: database ?? 'NULL', databases: ['information_schema', 'mysql', 'performance_schema', 'sys', ...(own ? [own] : [])].sort(), now: new Date(process.clock.now()).toISOString().slice(0, 19).replace('T', ' ') }
}

async function runAll(process: Process, text: string, { facts, line, isTable, hasHeader }: { facts: Facts; line: number; isTable: boolean; hasHeader: boolean }): Promise<number> {
  for (const statement of statementsOf(text)) {
    if (/^use\s/i.test(statement)) continue
    const rows: Rows | undefined = /^show\s+(?:databases|schemas)$/i.test(statement) ? { columns: ['Database'], rows: facts.databases.map((name) => [name]), numeric: [false] } : answerSelect(statement, facts, (expression) => expression.replace(/^'(.*)'$/s, '$1'))
    if (!rows) {
      await process.err(`ERROR 1235 (42000) at line ${line}: ${NO_DATABASE}; not: ${statement.replace(/\s+/g, ' ')}\n`)
      return 1
    }
    await process.out(isTable ? table(rows, hasHeader) : [...(hasHeader ? [rows.columns] : []), ...rows.rows].map((cells) => `${cells.join('\t')}\n`).join(''))
  }
  return 0
}

function table({ columns, rows, numeric }: Rows, hasHeader: boolean): string {
  const widths = columns.map((column, i) => Math.max(hasHeader ? column.length : 0, ...rows.map((cells) => cells[i]?.length ?? 0)))
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`
  const row = (cells: readonly string[], isHead: boolean) => `|${cells.map((cell, i) => ` ${numeric[i] && !isHead ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)} `).join('|')}|\n`
  return `${rule}${hasHeader ? `${row(columns, true)}${rule}` : ''}${rows.map((cells) => row(cells, false)).join('')}${rule}`
}

export default { mysql, mariadb: mysql } satisfies Record<string, Program>
