/** `$x`, `${x:-word}`, `${x%pattern}` and their like. Models XCU 2.6.2, with bash's replacing, slicing and case. */
import type { ParameterExpansionPart, ParameterOperation } from 'unbash'
import { quoteAlways, unescape } from '../printf.ts'
import { evaluate, parseArithmetic } from './arithmetic.ts'
import { elementAt, elementsOf, keysOf } from './arrays.ts'
import { arithmeticContext, expandPattern, expandText, type Expander, type Piece } from './expand.ts'
import { Pattern } from './pattern.ts'
import { ShellError, type ShellState, type Value } from './state.ts'

interface How {
  quoted: boolean
  splits: boolean
}

/** `$@`, `$?`, `$name`: the pieces its value is made of. */
export function simpleParameter(name: string, shell: ShellState, how: How): Piece[] {
  if (name === '@' || name === '*') return listPieces(shell.args, { isStar: name === '*', shell, how })
  const value = parameter(name, shell)
  if (value === undefined) {
    if (shell.options.nounset) throw new ShellError(`${name}: parameter not set`, 2)
    return [{ text: '', ...how }]
  }
  return [{ text: value, ...how }]
}

function listPieces(values: readonly string[], { isStar, shell, how }: { isStar: boolean; shell: ShellState; how: How }): Piece[] {
  if (isStar && how.quoted) return [{ text: values.join((shell.get('IFS') ?? ' ').charAt(0)), ...how }]
  return values.flatMap((text, i): Piece[] => (i > 0 ? ['break', { text, ...how }] : [{ text, ...how }]))
}

/** The value of a parameter that has one value. */
export function parameter(name: string, shell: ShellState): string | undefined {
  switch (name) {
    case '?':
      return String(shell.status)
    case '#':
      return String(shell.args.length)
    case '$':
      return shell.get('\0pid') ?? String(shell.process.pid)
    case '!':
      return shell.lastJob === undefined ? undefined : String(shell.lastJob)
    case '-':
      return `${shell.options.errexit ? 'e' : ''}${shell.options.nounset ? 'u' : ''}${shell.options.xtrace ? 'x' : ''}`
    case '0':
      return shell.name
    case '@':
    case '*':
      return shell.args.length > 0 ? shell.args.join(' ') : undefined
    case 'RANDOM':
      return String(shell.process.sandbox.random.int(32_768))
    case 'SECONDS':
      return String(Math.floor((shell.process.clock.now() - shell.process.startedMs) / 1000))
    case 'LINENO':
      return shell.get('LINENO') ?? '1'
    case 'UID':
    case 'EUID':
      return shell.get(name) ?? String(shell.process.cred.uid)
    case 'PPID':
      return String(shell.process.ppid)
  }
  if (/^\d+$/.test(name)) return shell.args[Number(name) - 1]
  return shell.get(name) ?? elementsOf(ofBash(name, shell))[0]
}

/** Variables that bash keeps itself. */
function ofBash(name: string, shell: ShellState): Value | undefined {
  if (!shell.isBash) return undefined
  switch (name) {
    case 'BASH_VERSION':
      return '5.2.37(1)-release'
    case 'BASH_VERSINFO':
      return ['5', '2', '37', '1', 'release', 'x86_64-pc-linux-gnu']
    case 'BASH':
      return '/bin/bash'
    case 'BASHPID':
      return String(shell.process.pid)
    case 'OSTYPE':
      return 'linux-gnu'
    case 'HOSTTYPE':
    case 'MACHTYPE':
      return 'x86_64'
    case 'HOSTNAME':
      return shell.process.sandbox.hostname
    case 'EPOCHSECONDS':
      return String(Math.floor(shell.process.clock.now() / 1000))
    case 'FUNCNAME':
      return shell.functionNames.length > 0 ? [...shell.functionNames, 'main'] : undefined
    case 'BASH_SOURCE':
      return shell.script === undefined ? undefined : [shell.script]
    case 'PIPESTATUS':
      return shell.pipeStatus.map(String)
    case 'DIRSTACK':
      return [shell.process.cwd, ...shell.directories]
  }
  return undefined
}

export async function expandParameter(part: ParameterExpansionPart, expander: Expander, how: How): Promise<Piece[]> {
  const { shell } = expander
  const { prefix, operation } = part
  if (prefix === '!' && (part.index?.value === '@' || part.index?.value === '*')) return listPieces(keysOf(shell.stored(part.parameter) ?? ofBash(part.parameter, shell)), { isStar: part.index.value === '*', shell, how })
  const isReference = prefix === '!' && operation?.type !== 'Names'
  const name = isReference ? (parameter(part.parameter, shell) ?? '') : part.parameter
  const values = await valuesOf(part, name, expander)
  if (prefix === '#') return [{ text: String(values.list ? values.list.length : [...(values.value ?? '')].length), ...how }]
  if (operation?.type === 'Names') return listPieces([...shell.variables.keys()].filter((n) => n.startsWith(part.parameter)).sort(), { isStar: operation.operator === '*', shell, how })
  if (operation?.type === 'Default') return byDefault({ name, operation, value: values.list ? (values.list.length > 0 ? values.list.join(' ') : undefined) : values.value, list: values.list, isStar: values.isStar }, expander, how)
  if (values.list) {
    const list = operation?.type === 'Slice' ? await sliceList(values.list, operation, { expander, isArray: part.index !== undefined }) : await Promise.all(values.list.map((v) => changed(v, operation, expander)))
    return listPieces(list, { isStar: values.isStar, shell, how })
  }
  if (values.value === undefined && shell.options.nounset) throw new ShellError(`${name}: parameter not set`, 2)
  return [{ text: await changed(values.value ?? '', operation, expander), ...how }]
}

interface Values {
  value?: string
  /** All values, for `@` and `*`. */
  list?: readonly string[]
  isStar: boolean
}

async function valuesOf({ index }: ParameterExpansionPart, name: string, expander: Expander): Promise<Values> {
  const { shell } = expander
  if (name === '@' || name === '*') return { list: shell.args, isStar: name === '*' }
  const [, array, key] = /^([A-Za-z_]\w*)\[(.*)\]$/.exec(name) ?? []
  if (!index && array === undefined) return { value: parameter(name, shell), isStar: false }
  const stored = shell.stored(array ?? name) ?? ofBash(array ?? name, shell)
  const text = key ?? index?.value
  if (text === '@' || text === '*') return { list: elementsOf(stored), isStar: text === '*' }
  if (index && array === undefined) return { value: await elementAt(stored, index, expander), isStar: false }
  return { value: stored instanceof Map ? stored.get(key ?? '') : elementsOf(stored).at(Number(key)), isStar: false }
}

interface Defaulting {
  name: string
  value: string | undefined
  list: readonly string[] | undefined
  isStar: boolean
  operation: Extract<ParameterOperation, { type: 'Default' }>
}

async function byDefault({ name, value, list, isStar, operation }: Defaulting, expander: Expander, how: How): Promise<Piece[]> {
  const { shell } = expander
  const { operator, operand } = operation
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '')
  const kept = (): Piece[] => (list ? listPieces(list, { isStar, shell, how }) : [{ text: value ?? '', ...how }])
  const word = async (): Promise<Piece[]> => [{ text: await expandText(operand, expander), quoted: how.quoted || operand.parts?.[0]?.type === 'DoubleQuoted', splits: how.splits && operand.parts?.[0]?.type !== 'DoubleQuoted' }]
  switch (operator.replace(':', '')) {
    case '-':
      return isSet ? kept() : word()
    case '+':
      return isSet ? word() : [{ text: '', ...how }]
    case '=': {
      if (isSet) return kept()
      const text = await expandText(operand, expander)
      shell.set(name, text)
      return [{ text, ...how }]
    }
    default: {
      if (isSet) return kept()
      const text = await expandText(operand, expander)
      throw new ShellError(`${name}: ${text || 'parameter not set or null'}`, 2)
    }
  }
}

async function changed(value: string, operation: ParameterOperation | undefined, expander: Expander): Promise<string> {
  switch (operation?.type) {
    case undefined:
      return value
    case 'Remove':
      return removed(value, operation.operator, new Pattern(await expandPattern(operation.operand, expander)))
    case 'Replace':
      return replaced(value, { operator: operation.operator, pattern: await expandPattern(operation.pattern, expander), replacement: await expandText(operation.replacement, expander) })
    case 'Slice': {
      const { from, to } = await bounds(value.length, operation, expander)
      return value.slice(from, to)
    }
    case 'CaseModification': {
      const change = (text: string) => (operation.operator.startsWith('^') ? text.toUpperCase() : text.toLowerCase())
      return operation.operator.length === 2 ? change(value) : change(value.charAt(0)) + value.slice(1)
    }
    case 'Transform':
      return transformed(value, operation.operand.value)
    default:
      throw new ShellError('bad substitution', 2)
  }
}

function transformed(value: string, how: string): string {
  switch (how) {
    case 'Q':
      return quoteAlways(value)
    case 'U':
      return value.toUpperCase()
    case 'u':
      return value.charAt(0).toUpperCase() + value.slice(1)
    case 'L':
      return value.toLowerCase()
    case 'E':
      return unescape(value).bytes.toString()
    default:
      return value
  }
}

function removed(value: string, operator: string, pattern: Pattern): string {
  const n = value.length
  const isLong = operator.length === 2
  for (let i = 0; i <= n; i++) {
    const taken = isLong ? n - i : i
    if (operator.startsWith('#') && pattern.matches(value.slice(0, taken))) return value.slice(taken)
    if (operator.startsWith('%') && pattern.matches(value.slice(n - taken))) return value.slice(0, n - taken)
  }
  return value
}

function replaced(value: string, { operator, pattern, replacement }: { operator: string; pattern: string; replacement: string }): string {
  if (pattern === '') return value
  const matcher = new Pattern(pattern)
  const longest = (from: number) => {
    for (let to = value.length; to > from; to--) if (matcher.matches(value.slice(from, to))) return to
    return -1
  }
  if (operator === '/%') {
    for (let from = 0; from < value.length; from++) if (matcher.matches(value.slice(from))) return value.slice(0, from) + replacement
    return value
  }
  let out = ''
  for (let i = 0; i < value.length; ) {
    const to = operator === '/#' && i > 0 ? -1 : longest(i)
    if (to < 0) out += value.charAt(i++)
    else {
      out += replacement
      i = to
      if (operator !== '//') return out + value.slice(i)
    }
  }
  return out
}

type Slice = Extract<ParameterOperation, { type: 'Slice' }>

async function bounds(length: number, { offset, length: wanted }: Slice, expander: Expander): Promise<{ from: number; to: number }> {
  const number = async (word: Slice['offset']) => Number(await evaluate(parseArithmetic(await expandText(word, expander)), arithmeticContext(expander)))
  const at = await number(offset)
  const from = Math.min(length, at < 0 ? Math.max(0, length + at) : at)
  if (!wanted) return { from, to: length }
  const n = await number(wanted)
  return { from, to: Math.max(from, n < 0 ? length + n : from + n) }
}

/** Of arguments the shell's name is the first. */
async function sliceList(list: readonly string[], operation: Slice, { expander, isArray }: { expander: Expander; isArray: boolean }): Promise<readonly string[]> {
  if (isArray) {
    const { from, to } = await bounds(list.length, operation, expander)
    return list.slice(from, to)
  }
  const { from, to } = await bounds(list.length + 1, operation, expander)
  return [expander.shell.name, ...list].slice(from, to)
}
