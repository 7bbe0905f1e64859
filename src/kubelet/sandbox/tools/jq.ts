/** jq: filters JSON. Models jq 1.7's command line. */
import { readInput } from '../inputs.ts'
import { Machine, JqThrow } from '../jq/evaluate.ts'
import { JqError, parseJq } from '../jq/parser.ts'
import type { Process, Program } from '../process.ts'

interface Options {
  flags: Set<string>
  indent: number | string
  variables: Map<string, unknown>
  program: string | undefined
  files: string[]
}

async function optionsOf(process: Process): Promise<Options> {
  const options: Options = { flags: new Set(), indent: 2, variables: new Map([['ENV', Object.fromEntries(process.env)]]), program: undefined, files: [] }
  const named: Record<string, unknown> = {}
  const args = [...process.args]
  const text = async (file = '') => (await readInput(process, file)).toString()
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    if (arg === '--arg' || arg === '--argjson' || arg === '--slurpfile' || arg === '--rawfile') {
      const [name = '', value = ''] = args.splice(0, 2)
      named[name] = arg === '--arg' ? value : arg === '--argjson' ? JSON.parse(value) : arg === '--rawfile' ? await text(value) : valuesIn(await text(value))
      options.variables.set(name, named[name])
    } else if (arg === '--indent') options.indent = Number(args.shift())
    else if (arg === '--tab') options.indent = '\t'
    else if (arg === '-f' || arg === '--from-file') options.program = await text(args.shift())
    else if (arg === '--args') options.flags.add('args')
    else if (arg.startsWith('--')) options.flags.add({ 'raw-output': 'r', 'compact-output': 'c', 'null-input': 'n', slurp: 's', 'raw-input': 'R', 'exit-status': 'e', 'sort-keys': 'S', 'join-output': 'j', 'ascii-output': 'a', 'monochrome-output': 'M', 'color-output': 'C', version: 'V' }[arg.slice(2)] ?? arg)
    else if (/^-[a-zA-Z]+$/.test(arg)) for (const letter of arg.slice(1)) options.flags.add(letter)
    else if (options.program === undefined) options.program = arg
    else options.files.push(arg)
  }
  options.variables.set('__prog_args', options.files)
  options.variables.set('named', named)
  return options
}

/** The values that follow each other in a text. @throws SyntaxError */
export function valuesIn(text: string): unknown[] {
  try {
    return text.trim() === '' ? [] : [JSON.parse(text)]
  } catch (error) {
    const pieces = piecesOf(text)
    if (pieces.length < 2) throw error
    return pieces.map((piece) => JSON.parse(piece) as unknown)
  }
}

function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let [depth, start, inText] = [0, -1, false]
  const end = (at: number) => {
    if (start >= 0) pieces.push(text.slice(start, at))
    start = -1
  }
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (inText) {
      if (char === '\\') i++
      else if (char === '"') {
        inText = false
        if (depth === 0) end(i + 1)
      }
      continue
    }
    if (depth === 0 && start >= 0 && /[\s[{"]/.test(char)) end(i)
    if (start < 0 && !/\s/.test(char)) start = i
    if (char === '"') inText = true
    else if (char === '[' || char === '{') depth++
    else if ((char === ']' || char === '}') && --depth === 0) end(i + 1)
  }
  end(text.length)
  return pieces
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, v]) => [key, sorted(v)]))
}

async function jq(process: Process): Promise<number> {
  try {
    return await filter(process)
  } catch (error) {
    if (error instanceof JqError) {
      await process.err(`jq: error: ${error.message} (Unix shell quoting issues?)\njq: 1 compile error\n`)
      return 3
    }
    if (error instanceof RangeError) {
      await process.err('jq: error: it nests too deep\n')
      return 5
    }
    if (!(error instanceof SyntaxError)) throw error
    await process.err(`jq: parse error: ${error.message}\n`)
    return 2
  }
}

async function inputsOf(process: Process, { flags, files }: Options): Promise<unknown[]> {
  const texts: string[] = []
  for (const file of files.length > 0 && !flags.has('args') ? files : ['-']) texts.push((await readInput(process, file)).toString())
  const text = texts.join('\n')
  if (flags.has('R')) return flags.has('s') ? [text] : text.replace(/\n$/, '').split('\n')
  const values = valuesIn(text)
  return flags.has('s') ? [values] : values
}

async function filter(process: Process): Promise<number> {
  const options = await optionsOf(process)
  const { flags, program = '.', indent } = options
  if (flags.has('V')) {
    await process.out('jq-1.7.1\n')
    return 0
  }
  const tree = parseJq(program)
  const inputs = flags.has('n') && process.isTTY(0) ? [] : await inputsOf(process, options)
  const next = () => {
    if (inputs.length === 0) throw new JqThrow('No more inputs')
    return inputs.shift()
  }
  const machine = new Machine({ inputs: next, nowMs: process.clock.now(), variables: options.variables })
  const show = (value: unknown) => (typeof value === 'string' && (flags.has('r') || flags.has('j')) ? value : JSON.stringify(flags.has('S') ? sorted(value) : value, undefined, flags.has('c') ? undefined : indent))
  let [status, last] = [0, undefined as unknown]
  for (let isFirst = true; flags.has('n') ? isFirst : inputs.length > 0; isFirst = false) {
    try {
      for (const value of machine.values(tree, flags.has('n') ? null : inputs.shift(), machine.root)) {
        last = value
        await process.out(`${show(value)}${flags.has('j') ? '' : '\n'}`)
        const tick = process.tick(1 + (machine.takeSteps() >> 3))
        if (tick) await tick
      }
    } catch (error) {
      if (!(error instanceof JqThrow)) throw error
      await process.err(`jq: error (at <stdin>:0): ${error.message}\n`)
      status = 5
    }
  }
  if (status === 0 && flags.has('e')) return last === undefined ? 4 : last === null || last === false ? 1 : 0
  return status
}

export default { jq } satisfies Record<string, Program>
