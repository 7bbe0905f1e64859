/** The commands a shell runs itself. Models XCU 2.14 and the built-ins of ash and bash that scripts use. */
import { formatPrintf } from '../printf.ts'
import { Exited, SIGNALS, type Process } from '../process.ts'
import { contentOf, normalize } from '../vfs.ts'
import { evaluate, parseArithmetic } from './arithmetic.ts'
import { indexOf, keysOf } from './arrays.ts'
import { arithmeticContext, splitText } from './expand.ts'
import type { Executor } from './execute.ts'
import { Jump, ShellError, type Options, type ShellState } from './state.ts'

type Builtin = (executor: Executor, args: readonly string[]) => Promise<number> | number

const SPECIAL: ReadonlySet<string> = new Set([':', '.', 'break', 'continue', 'eval', 'exec', 'exit', 'export', 'readonly', 'return', 'set', 'shift', 'times', 'trap', 'unset'])

/** Those after which assignments before the command stay. */
export function isSpecial(name: string): boolean {
  return SPECIAL.has(name)
}

const OPTION_LETTERS: Readonly<Record<string, keyof Options>> = { e: 'errexit', u: 'nounset', x: 'xtrace', f: 'noglob', n: 'noexec', a: 'allexport' }

function count(args: readonly string[], fallback: number): number {
  const [text] = args
  if (text === undefined) return fallback
  if (!/^-?\d+$/.test(text)) throw new ShellError(`Illegal number: ${text}`, 2)
  return Number(text)
}

/** Programs that the shell has built in: they run in its process, by their own name. */
function program(name: string): Builtin {
  return async ({ shell: { process } }, args) => {
    const run = process.sandbox.program(name)
    if (!run) throw new ShellError(`${name}: not found`, 127)
    const { argv } = process
    process.argv = [name, ...args]
    try {
      return await run(process)
    } finally {
      process.argv = argv
    }
  }
}

function jump(kind: 'break' | 'continue'): Builtin {
  return ({ shell }, args) => {
    if (shell.loops > 0) throw new Jump(kind, Math.min(Math.max(1, count(args, 1)), shell.loops))
    return 0
  }
}

async function changeDirectory({ shell }: Executor, args: readonly string[]): Promise<number> {
  const { process } = shell
  const wanted = args.find((a) => !/^-[LP]$/.test(a)) ?? shell.get('HOME') ?? '/'
  const target = wanted === '-' ? (shell.get('OLDPWD') ?? '') : wanted
  const path = normalize(target, process.cwd)
  const found = process.sandbox.fs.tryResolve(path, { cred: process.cred })
  if (found?.node.kind !== 'dir') throw new ShellError(`cd: can't cd to ${target}: ${found ? 'Not a directory' : 'No such file or directory'}`)
  shell.set('OLDPWD', process.cwd)
  process.cwd = path
  shell.set('PWD', path)
  if (wanted === '-') await process.out(`${path}\n`)
  return 0
}

async function source(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  const { process } = shell
  const [file = '', ...rest] = args
  const found = process.sandbox.fs.tryResolve(process.path(file), { cred: process.cred })
  if (!found) throw new ShellError(`.: ${file}: not found`, 2)
  const outer = shell.args
  if (rest.length > 0) shell.args = rest
  try {
    return await executor.evaluateText((await contentOf(found.node)).toString())
  } catch (error) {
    if (error instanceof Jump && error.kind === 'return') return error.count
    throw error
  } finally {
    shell.args = outer
  }
}

async function replace(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  if (args.length === 0) return 0
  const { process } = shell
  const loaded = process.sandbox.load(process, args, shell.environment())
  if ('problem' in loaded) {
    await process.err(`${shell.name}: ${loaded.problem}\n`)
    throw new Exited(loaded.status)
  }
  process.argv = loaded.argv
  process.env = shell.environment()
  process.handlers.clear()
  throw new Exited(await loaded.program(process))
}

function assignAll(mark: 'exported' | 'readonly'): Builtin {
  return async ({ shell }, args) => {
    const names = args.filter((a) => a !== '-p' && a !== '--')
    if (names.length === 0 || args.includes('-p')) {
      const listed = [...shell.variables].filter(([, v]) => v[mark]).sort(([a], [b]) => (a < b ? -1 : 1))
      for (const [name, { value }] of listed) await shell.process.out(`${mark === 'exported' ? 'export' : 'readonly'} ${name}='${String(value)}'\n`)
    }
    if (names[0] === '-n') {
      for (const name of names.slice(1)) {
        const variable = shell.variables.get(name)
        if (variable) variable.exported = false
      }
      return 0
    }
    for (const arg of names) {
      const [, name = '', , value] = /^([A-Za-z_]\w*)(=([\s\S]*))?$/.exec(arg) ?? []
      if (!name) throw new ShellError(`${mark === 'exported' ? 'export' : 'readonly'}: ${arg}: bad variable name`, 2)
      if (value !== undefined || !shell.variables.has(name)) shell.set(name, value ?? shell.get(name) ?? '')
      const variable = shell.variables.get(name)
      if (variable) variable[mark] = true
    }
    return 0
  }
}

const local: Builtin = (executor, args) => {
  if (executor.shell.locals.length === 0) throw new ShellError('local: not in a function')
  return declare(executor, args)
}

const declare: Builtin = async (executor, args) => {
  const { shell } = executor
  const flags = args.filter((a) => /^[-+]/.test(a)).join('')
  const names = args.filter((a) => !/^[-+]/.test(a))
  if (/[pfF]/.test(flags)) return listDeclared(executor, names, flags)
  for (const arg of names) {
    const [, name = '', append, value] = /^([A-Za-z_]\w*)(?:(\+?)=([\s\S]*))?$/.exec(arg) ?? []
    if (!name) throw new ShellError(`declare: \`${arg}': not a valid identifier`)
    const isLocal = shell.locals.length > 0 && !flags.includes('g')
    if (isLocal) shell.local(name, undefined)
    if (flags.includes('A') && !(shell.stored(name) instanceof Map)) shell.set(name, new Map())
    else if (flags.includes('a') && !Array.isArray(shell.stored(name))) shell.set(name, [])
    const text = value === undefined ? undefined : flags.includes('i') ? String(await indexOf(value, executor)) : value
    if (text !== undefined) shell.set(name, append ? `${shell.get(name) ?? ''}${text}` : text)
    else if (/[inrx]/.test(flags) && !shell.variables.has(name)) shell.set(name, '')
    mark(shell, name, flags)
  }
  return 0
}

function mark(shell: ShellState, name: string, flags: string): void {
  const variable = shell.variables.get(name)
  if (!variable) return
  if (flags.includes('x')) variable.exported = true
  if (flags.includes('r')) variable.readonly = true
  if (flags.includes('i')) variable.integer = true
  if (flags.includes('n')) variable.nameref = true
}

async function listDeclared({ shell }: Executor, names: readonly string[], flags: string): Promise<number> {
  let status = 0
  if (/[fF]/.test(flags)) {
    for (const name of names.length > 0 ? names : shell.functions.keys()) {
      if (shell.functions.has(name)) await shell.process.out(`${names.length > 0 ? '' : 'declare -f '}${name}\n`)
      else status = 1
    }
    return status
  }
  for (const name of names.length > 0 ? names : [...shell.variables.keys()].sort()) {
    const variable = shell.variables.get(name)
    if (!variable) {
      status = 1
      continue
    }
    const { value, exported, readonly } = variable
    const letters = `${value instanceof Map ? 'A' : Array.isArray(value) ? 'a' : ''}${readonly ? 'r' : ''}${exported ? 'x' : ''}`
    const shown = typeof value === 'string' ? `"${value}"` : `(${keysOf(value).map((key) => `[${key}]="${(value instanceof Map ? value.get(key) : value[Number(key)]) ?? ''}"`).join(' ')})`
    await shell.process.out(`declare -${letters || '-'} ${name}=${shown}\n`)
  }
  return status
}

async function set({ shell }: Executor, args: readonly string[]): Promise<number> {
  if (args.length === 0) {
    for (const [name, { value }] of [...shell.variables].sort(([a], [b]) => (a < b ? -1 : 1))) await shell.process.out(`${name}='${String(value)}'\n`)
    return 0
  }
  let i = 0
  for (; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '--') {
      shell.args = args.slice(i + 1)
      return 0
    }
    if (!/^[-+]./.test(arg)) break
    const isOn = arg.startsWith('-')
    for (const letter of arg.slice(1)) {
      if (letter === 'o') setOption(shell, args[++i] ?? '', isOn)
      else {
        const option = OPTION_LETTERS[letter]
        if (option) shell.options[option] = isOn
        else if (!'hmvbCBEHPT'.includes(letter)) throw new ShellError(`set: illegal option -${letter}`, 2)
      }
    }
  }
  if (i < args.length) shell.args = args.slice(i)
  return 0
}

export function setOption(shell: ShellState, name: string, isOn: boolean): void {
  if (name in shell.options) shell.options[name as keyof Options] = isOn
  else if (!['monitor', 'posix', 'vi', 'emacs', 'noclobber', 'errtrace', 'functrace', 'ignoreeof'].includes(name)) throw new ShellError(`set: illegal option -o ${name}`, 2)
}

async function trap(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  const given = args[0] === '--' ? args.slice(1) : args
  if (given.length === 0) {
    for (const [name, action] of shell.traps) await shell.process.out(`trap -- '${action}' ${name}\n`)
    return 0
  }
  const isReset = given.length === 1 || given[0] === '-'
  const action = isReset ? undefined : given[0]
  for (const text of isReset && given[0] !== '-' ? given : given.slice(1)) setTrap(shell, signalName(text), action)
  return 0
}

function signalName(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (name === '0' || name === 'EXIT') return 'EXIT'
  if (name === 'ERR' || name === 'DEBUG' || name === 'RETURN') return name
  const byNumber = Object.entries(SIGNALS).find(([, n]) => String(n) === name)?.[0]
  if (byNumber ?? name in SIGNALS) return byNumber ?? name
  throw new ShellError(`trap: ${text}: invalid signal specification`)
}

function setTrap(shell: ShellState, name: string, action: string | undefined): void {
  const { process } = shell
  const number = SIGNALS[name]
  if (action === undefined) shell.traps.delete(name)
  else shell.traps.set(name, action)
  if (number === undefined) return
  process.handlers.delete(number)
  process.ignored.delete(number)
  if (action === '') process.ignored.add(number)
  else if (action !== undefined)
    process.handlers.set(number, () => {
      shell.pending.push(name)
      shell.interrupt?.()
    })
}

/** `%1`, `%%`, `%name`. */
function jobOf(shell: ShellState, text: string) {
  const name = text.slice(1)
  if (name === '' || name === '%' || name === '+') return shell.jobs.at(-1)
  return /^\d+$/.test(name) ? shell.jobs[Number(name) - 1] : shell.jobs.find((job) => job.argv.join(' ').startsWith(name))
}

const killProgram = program('kill')

/** Jobs become numbers of processes. */
function kill(executor: Executor, args: readonly string[]): Promise<number> | number {
  return killProgram(executor, args.map((a) => (a.startsWith('%') ? String(jobOf(executor.shell, a)?.pid ?? a) : a)))
}

const printfProgram = program('printf')

/** `-v NAME` puts it into a variable. */
function printf(executor: Executor, args: readonly string[]): Promise<number> | number {
  if (args[0] !== '-v') return printfProgram(executor, args)
  const [, name = '', format = '', ...rest] = args
  executor.shell.set(name, formatPrintf(format, rest).bytes.toString())
  return 0
}

/** Waits for children; a trapped signal ends the waiting. */
async function wait(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  const { process } = shell
  const pids = args.flatMap((a) => (/^\d+$/.test(a) ? [Number(a)] : /^%/.test(a) ? [jobOf(shell, a)?.pid ?? 0] : []))
  const jobs = pids.length > 0 ? shell.jobs.filter((j) => pids.includes(j.pid)) : [...shell.jobs]
  let status = pids.length > jobs.length ? 127 : 0
  for (const job of args.includes('-n') ? jobs.slice(0, 1) : jobs) {
    const interrupted = new Promise<'interrupted'>((resolve) => (shell.interrupt = () => resolve('interrupted')))
    const ended = shell.pending.length > 0 ? 'interrupted' : await process.block(Promise.race([job.exited, interrupted]))
    shell.interrupt = undefined
    if (ended === 'interrupted') return 128 + (SIGNALS[shell.pending[0] ?? ''] ?? 0)
    if (pids.length > 0) status = ended
    const at = shell.jobs.indexOf(job)
    if (at >= 0) shell.jobs.splice(at, 1)
  }
  return status
}

interface Reading {
  isRaw: boolean
  fd: number
  names: string[]
  /** All fields go to this array. */
  array?: string
  delimiter: string
  timeoutMs?: number
  chars?: number
}

async function readingOf({ process }: ShellState, args: readonly string[]): Promise<Reading> {
  const reading: Reading = { isRaw: false, fd: 0, names: [], delimiter: '\n' }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (reading.names.length > 0 || !/^-./.test(arg)) {
      reading.names.push(arg)
      continue
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg.charAt(at)
      if (letter === 'r') reading.isRaw = true
      if (!'updtnNai'.includes(letter)) continue
      const value = arg.slice(at + 1) || (args[++i] ?? '')
      if (letter === 'u') reading.fd = Number(value)
      else if (letter === 'p') await process.err(value)
      else if (letter === 'd') reading.delimiter = value.charAt(0) || '\0'
      else if (letter === 't') reading.timeoutMs = Number(value) * 1000
      else if (letter === 'a') reading.array = value
      else if (letter !== 'i') reading.chars = Number(value)
      break
    }
  }
  return reading
}

async function read({ shell }: Executor, args: readonly string[]): Promise<number> {
  const { process } = shell
  const { isRaw, fd, names, array, delimiter, timeoutMs, chars } = await readingOf(shell, args)
  const late = timeoutMs === undefined ? undefined : process.clock.sleep(timeoutMs).then(() => 'late' as const)
  const reading = chars === undefined ? readTo(process, { fd, delimiter, isRaw }) : readChars(process, { fd, delimiter, chars })
  const got = late ? await process.block(Promise.race([reading, late])) : await reading
  if (got === 'late') return 142
  const text = isRaw ? got.text : got.text.replace(/\\([\s\S])/g, '$1')
  const ifs = shell.get('IFS') ?? ' \t\n'
  if (array !== undefined) shell.set(array, splitText(text, ifs).fields)
  else if (names.length === 0) shell.set('REPLY', text)
  else assignFields(shell, { targets: names, text, ifs })
  return got.isWhole ? 0 : 1
}

async function readTo(process: Process, { fd, delimiter, isRaw }: { fd: number; delimiter: string; isRaw: boolean }): Promise<{ text: string; isWhole: boolean }> {
  const got = await process.readLine(fd, delimiter.charCodeAt(0))
  let text = got?.line.toString() ?? ''
  for (let more = got; !isRaw && more?.isWhole && /(^|[^\\])(\\\\)*\\$/.test(text); ) {
    more = await process.readLine(fd, delimiter.charCodeAt(0))
    text = text.slice(0, -1) + (more?.line.toString() ?? '')
  }
  return { text, isWhole: got?.isWhole ?? false }
}

async function readChars(process: Process, { fd, delimiter, chars }: { fd: number; delimiter: string; chars: number }): Promise<{ text: string; isWhole: boolean }> {
  let text = ''
  while (text.length < chars) {
    const got = await process.read(fd, 1)
    if (!got) return { text, isWhole: false }
    if (got.toString('latin1') === delimiter) return { text, isWhole: true }
    text += got.toString('latin1')
  }
  return { text: Buffer.from(text, 'latin1').toString(), isWhole: true }
}

/** `mapfile -t lines`: lines of the input as an array. */
async function mapfile({ shell }: Executor, args: readonly string[]): Promise<number> {
  const flags = args.filter((a) => a.startsWith('-'))
  const name = args.find((a, i) => !a.startsWith('-') && !/^-[dnOsu]$/.test(args[i - 1] ?? '')) ?? 'MAPFILE'
  const [delimiterAt, countAt] = [args.indexOf('-d'), args.indexOf('-n')]
  const delimiter = delimiterAt < 0 ? '\n' : (args[delimiterAt + 1] ?? '').charAt(0) || '\0'
  const most = countAt < 0 ? Infinity : Number(args[countAt + 1]) || Infinity
  const lines: string[] = []
  for (let got = await shell.process.readLine(0, delimiter.charCodeAt(0)); got; got = lines.length < most ? await shell.process.readLine(0, delimiter.charCodeAt(0)) : undefined) {
    lines.push(`${got.line.toString()}${flags.some((f) => f.includes('t')) || !got.isWhole ? '' : delimiter}`)
    shell.process.sandbox.holds(lines.length * 32)
  }
  shell.set(name, lines)
  return 0
}

async function pushDirectory(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  const before = shell.process.cwd
  await changeDirectory(executor, args.length > 0 ? args : [shell.directories.shift() ?? before])
  shell.directories.unshift(before)
  return listDirectories(executor)
}

async function popDirectory(executor: Executor): Promise<number> {
  const target = executor.shell.directories.shift()
  if (target === undefined) throw new ShellError('popd: directory stack empty')
  await changeDirectory(executor, [target])
  return listDirectories(executor)
}

async function listDirectories({ shell }: Executor): Promise<number> {
  await shell.process.out(`${[shell.process.cwd, ...shell.directories].join(' ')}\n`)
  return 0
}

function shopt({ shell }: Executor, args: readonly string[]): number {
  const names = args.filter((a) => !a.startsWith('-'))
  if (args.includes('-q')) return names.every((name) => shell.shopts.has(name)) ? 0 : 1
  for (const name of names) {
    if (args.includes('-s')) shell.shopts.add(name)
    else if (args.includes('-u')) shell.shopts.delete(name)
  }
  return 0
}

function assignFields(shell: ShellState, { targets, text, ifs }: { targets: readonly string[]; text: string; ifs: string }): void {
  const blank = [...ifs].filter((c) => /\s/.test(c)).join('')
  const trim = (s: string) => {
    let [from, to] = [0, s.length]
    while (from < to && blank.includes(s.charAt(from))) from++
    while (to > from && blank.includes(s.charAt(to - 1))) to--
    return s.slice(from, to)
  }
  let rest = trim(text)
  for (const [i, name] of targets.entries()) {
    if (i === targets.length - 1) {
      shell.set(name, rest)
      return
    }
    const [first = ''] = splitText(rest, ifs).fields
    shell.set(name, first)
    rest = trim(rest.slice(first.length))
    if (rest && ifs.includes(rest.charAt(0))) rest = trim(rest.slice(1))
  }
}

async function command(executor: Executor, args: readonly string[]): Promise<number> {
  const [flag = ''] = args
  if (flag === '-v' || flag === '-V') return describe(executor, args.slice(1), flag === '-V')
  return args.length > 0 ? executor.invoke(flag === '-p' ? args.slice(1) : args, { skipFunctions: true }) : 0
}

async function type(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  if (!/^-\w*[tpP]/.test(args[0] ?? '')) return describe(executor, args.filter((a) => a !== '-a'), true)
  let status = 0
  for (const name of args.slice(1)) {
    const path = shell.process.sandbox.which(name, shell.process, shell.get('PATH'))
    const kind = shell.aliases.has(name) ? 'alias' : shell.functions.has(name) ? 'function' : builtins.has(name) ? 'builtin' : path === undefined ? undefined : 'file'
    if (kind === undefined) status = 1
    else if (args[0] === '-t') await shell.process.out(`${kind}\n`)
    else if (kind === 'file') await shell.process.out(`${path}\n`)
  }
  return status
}

async function describe({ shell }: Executor, names: readonly string[], isLong: boolean): Promise<number> {
  let status = 0
  for (const name of names) {
    const { process } = shell
    const path = process.sandbox.which(name, process, shell.get('PATH'))
    const what = shell.functions.has(name) ? 'a function' : builtins.has(name) ? 'a shell builtin' : path
    if (what === undefined) status = 127
    if (isLong) await process.out(`${name}${what === undefined ? ': not found' : ` is ${what}`}\n`)
    else if (what !== undefined) await process.out(`${what === path ? path : name}\n`)
  }
  return status
}

async function getopts({ shell }: Executor, args: readonly string[]): Promise<number> {
  const [letters = '', name = '', ...given] = args
  const words = given.length > 0 ? given : shell.args
  const index = Number(shell.get('OPTIND') ?? '1')
  const at = index === 1 && shell.optionIndex > 1 && shell.get('OPTIND') === '1' ? (shell.optionIndex = 1) : shell.optionIndex
  const word = words[index - 1]
  if (word === undefined || !/^-./.test(word) || word === '--') {
    if (word === '--') shell.set('OPTIND', String(index + 1))
    shell.set(name, '?')
    return 1
  }
  const letter = word.charAt(at)
  const spec = letters.indexOf(letter)
  const isLast = at + 1 >= word.length
  const takes = spec >= 0 && letters.charAt(spec + 1) === ':'
  shell.optionIndex = isLast || takes ? 1 : at + 1
  let used = isLast || takes ? 1 : 0
  if (spec < 0) {
    shell.set(name, '?')
    if (letters.startsWith(':')) shell.set('OPTARG', letter)
    else await shell.process.err(`Illegal option -${letter}\n`)
  } else {
    shell.set(name, letter)
    if (takes) {
      const value = isLast ? words[index] : word.slice(at + 1)
      if (isLast) used = 2
      shell.set('OPTARG', value ?? '')
    } else shell.unset('OPTARG')
  }
  shell.set('OPTIND', String(index + used))
  return 0
}

async function unset(executor: Executor, args: readonly string[]): Promise<number> {
  const { shell } = executor
  const isFunction = args[0] === '-f'
  for (const name of args.filter((a) => !a.startsWith('-'))) {
    const [, array, index = ''] = /^([A-Za-z_]\w*)\[(.*)\]$/.exec(name) ?? []
    if (array !== undefined) await unsetElement(executor, array, index)
    else if (isFunction) shell.functions.delete(name)
    else if (shell.variables.has(name)) shell.unset(name)
    else shell.functions.delete(name)
  }
  return 0
}

async function unsetElement(executor: Executor, array: string, index: string): Promise<void> {
  const { shell } = executor
  const value = shell.stored(array)
  if (value instanceof Map) {
    const left = new Map(value)
    left.delete(index.replace(/^(["'])(.*)\1$/, '$2'))
    shell.set(array, left)
  } else if (Array.isArray(value)) {
    const left = [...value]
    Reflect.deleteProperty(left, await indexOf(index, executor))
    shell.set(array, left)
  }
}

async function arithmetic(executor: Executor, args: readonly string[]): Promise<number> {
  let value = 0n
  for (const arg of args) value = await evaluate(parseArithmetic(arg), arithmeticContext(executor))
  return value === 0n ? 1 : 0
}

async function umask({ shell: { process } }: Executor, args: readonly string[]): Promise<number> {
  const [mask] = args
  if (mask === undefined) await process.out(`${process.umask.toString(8).padStart(4, '0')}\n`)
  else process.umask = parseInt(mask, 8) & 0o777
  return 0
}

function alias({ shell }: Executor, args: readonly string[]): number {
  for (const arg of args) {
    const at = arg.indexOf('=')
    if (at > 0) shell.aliases.set(arg.slice(0, at), arg.slice(at + 1))
  }
  return 0
}

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [':', () => 0],
  ['true', () => 0],
  ['false', () => 1],
  ['.', source],
  ['source', source],
  ['alias', alias],
  ['unalias', ({ shell }, args) => (args.forEach((a) => shell.aliases.delete(a)), 0)],
  ['break', jump('break')],
  ['continue', jump('continue')],
  ['cd', changeDirectory],
  ['command', command],
  ['declare', declare],
  ['typeset', declare],
  ['eval', (executor, args) => executor.evaluateText(args.join(' '))],
  ['exec', replace],
  ['exit', ({ shell }, args) => { throw new Exited(count(args, shell.status) & 255) }],
  ['export', assignAll('exported')],
  ['dirs', listDirectories],
  ['disown', () => 0],
  ['getopts', getopts],
  ['hash', () => 0],
  ['jobs', async ({ shell }) => { for (const [i, job] of shell.jobs.entries()) await shell.process.out(`[${i + 1}]  Running  ${job.argv.join(' ')}\n`); return 0 }],
  ['let', arithmetic],
  ['kill', kill],
  ['local', local],
  ['mapfile', mapfile],
  ['popd', popDirectory],
  ['printf', printf],
  ['pushd', pushDirectory],
  ['read', read],
  ['readarray', mapfile],
  ['readonly', assignAll('readonly')],
  ['return', ({ shell }, args) => { throw new Jump('return', count(args, shell.status) & 255) }],
  ['set', set],
  ['shift', ({ shell }, args) => { const n = count(args, 1); if (n > shell.args.length) throw new ShellError("shift: can't shift that many"); shell.args = shell.args.slice(n); return 0 }],
  ['shopt', shopt],
  ['trap', trap],
  ['type', type],
  ['ulimit', async ({ shell: { process } }) => { await process.out('unlimited\n'); return 0 }],
  ['umask', umask],
  ['unset', unset],
  ['wait', wait],
  ...['echo', 'test', '[', 'pwd'].map((name): [string, Builtin] => [name, program(name)]),
])
