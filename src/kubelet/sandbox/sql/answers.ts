/**
 * The few statements that clients of databases are answered: constants, what the server says of itself, its databases. Probes and
 * first steps of tutorials ask these; no tables are kept.
 */

export interface Facts {
  version: string
  databases: readonly string[]
  database: string
  user: string
  now: string
}

export interface Rows {
  columns: readonly string[]
  rows: readonly (readonly string[])[]
  /** Which columns are numbers, which stand on the right. */
  numeric: readonly boolean[]
}

export const NO_DATABASE = 'Orrery runs no database: it answers SELECT of constants, of version(), now(), the user and the database, and tells the databases'

/** Statements of a text, where quotes allow. */
export function statementsOf(text: string): string[] {
  return (text.match(/(?:'(?:[^']|'')*'|"[^"]*"|[^;'"])+/g) ?? []).map((statement) => statement.trim()).filter(Boolean)
}

interface Value {
  text: string
  column: string
  isNumeric: boolean
}

/** Undefined for a statement that is not answered. */
export function answerSelect(statement: string, facts: Facts, unnamed: (expression: string) => string): Rows | undefined {
  const [, list] = /^select\s+(.*?)(?:\s+from\s+dual)?$/is.exec(statement) ?? []
  if (list === undefined) return undefined
  const items = list.match(/(?:'(?:[^']|'')*'|\([^)]*\)|[^,'(])+/g) ?? []
  const values = items.map((item) => valueOf(item.trim(), facts, unnamed))
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0 || known.length < values.length) return undefined
  return { columns: known.map(({ column }) => column), rows: [known.map(({ text }) => text)], numeric: known.map(({ isNumeric }) => isNumeric) }
}

function valueOf(item: string, facts: Facts, unnamed: (expression: string) => string): Value | undefined {
  const [, expression = '', alias] = /^(.*?)(?:\s+as\s+["`']?(\w+)["`']?)?$/is.exec(item) ?? []
  const column = alias ?? unnamed(expression)
  if (/^-?\d+(\.\d+)?$/.test(expression)) return { text: expression, column, isNumeric: true }
  const [, quoted] = /^'((?:[^']|'')*)'$/.exec(expression) ?? []
  if (quoted !== undefined) return { text: quoted.replaceAll("''", "'"), column, isNumeric: false }
  const text = factOf(expression.toLowerCase().replace(/\(\s*\)$/, ''), facts)
  return text === undefined ? undefined : { text, column, isNumeric: false }
}

function factOf(name: string, { version, now, user, database }: Facts): string | undefined {
  switch (name) {
    case 'version':
    case '@@version':
      return version
    case 'now':
    case 'current_timestamp':
      return now
    case 'user':
    case 'current_user':
    case 'session_user':
      return user
    case 'database':
    case 'schema':
    case 'current_database':
      return database
    default:
      return undefined
  }
}
