/** Tools that put lines side by side, apart, or in another order. Models busybox's coreutils and those of GNU. */
import { getopt } from '../getopt.ts'
import { eachInput, linesOf, readInput } from '../inputs.ts'
import type { Process, Program } from '../process.ts'

const TAB_STOP = 8

async function linesIn(process: Process, file: string | undefined): Promise<string[]> {
  const text = (await readInput(process, file)).toString()
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** Lines of all files, or of standard input. */
async function allLines(process: Process, files: readonly string[]): Promise<string[]> {
  const lists: string[] = []
  for (const file of files.length > 0 ? files : ['-']) for (const line of await linesIn(process, file)) lists.push(line)
  return lists
}

async function paste(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'sd:')
  const separators = [...(value('d') ?? '\t').replace(/\\t/g, '\t').replace(/\\n/g, '\n').replace(/\\0/g, '')]
  const join = (parts: readonly string[]) => parts.map((part, i) => (i < parts.length - 1 ? part + (separators[i % Math.max(1, separators.length)] ?? '') : part)).join('')
  if (has('s')) {
    for (const file of rest.length > 0 ? rest : ['-']) await process.out(`${join(await linesIn(process, file))}\n`)
    return 0
  }
  // `-` more than once takes lines from the same input in turn.
  const files = rest.length > 0 ? rest : ['-']
  const known = new Map<string, string[]>()
  for (const file of new Set(files)) known.set(file, await linesIn(process, file))
  const rows = Math.max(...files.map((file) => Math.ceil((known.get(file)?.length ?? 0) / files.filter((f) => f === file).length)))
  for (let row = 0; row < rows; row++) await process.out(`${join(files.map((file) => known.get(file)?.shift() ?? ''))}\n`)
  return 0
}

async function expand(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 'it:')
  const stop = Number(value('t') ?? TAB_STOP) || TAB_STOP
  return eachInput(process, rest, async (fd) => {
    for await (const line of linesOf(process, fd)) {
      let out = ''
      for (const char of line) out += char === '\t' ? ' '.repeat(stop - (out.length % stop)) : char
      await process.out(`${out}\n`)
    }
  })
}

async function unexpand(process: Process): Promise<number> {
  const { rest } = await getopt(process, 'at:f')
  return eachInput(process, rest, async (fd) => {
    for await (const line of linesOf(process, fd)) await process.out(`${line.replace(/^ +/, (blank) => '\t'.repeat(Math.floor(blank.length / TAB_STOP)) + ' '.repeat(blank.length % TAB_STOP))}\n`)
  })
}

async function comm(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, '123')
  const [left, right] = [await linesIn(process, rest[0]), await linesIn(process, rest[1])]
  const show = async (column: 1 | 2 | 3, line: string) => {
    if (has(String(column))) return
    const before = ([1, 2] as const).filter((c) => c < column && !has(String(c))).length
    await process.out(`${'\t'.repeat(before)}${line}\n`)
  }
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]]
    if (a !== undefined && a === b) {
      await show(3, a)
      i++
      j++
    } else if (b === undefined || (a !== undefined && a < b)) {
      await show(1, a ?? '')
      i++
    } else {
      await show(2, b)
      j++
    }
  }
  return 0
}

async function join(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 't:1:2:j:a:')
  const separator = value('t')
  const fields = (line: string) => (separator === undefined ? line.trim().split(/\s+/) : line.split(separator))
  const [first, second] = [Number(value('1', 'j') ?? '1') - 1, Number(value('2', 'j') ?? '1') - 1]
  const known = new Map<string, string[][]>()
  for (const line of await linesIn(process, rest[1])) {
    const parts = fields(line)
    const key = parts[second] ?? ''
    known.set(key, [...(known.get(key) ?? []), parts.filter((_, i) => i !== second)])
  }
  for (const line of await linesIn(process, rest[0])) {
    const parts = fields(line)
    const key = parts[first] ?? ''
    const own = parts.filter((_, i) => i !== first)
    const others = known.get(key) ?? (value('a') === '1' ? [[]] : [])
    for (const other of others) await process.out(`${[key, ...own, ...other].join(separator ?? ' ')}\n`)
  }
  return 0
}

/** `column -t`: columns as wide as their widest. */
async function column(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'ts:o:c:')
  const lines = (await allLines(process, rest)).filter((line) => line !== '')
  if (!has('t')) {
    await process.out(lines.map((line) => `${line}\n`).join(''))
    return 0
  }
  const separator = value('s')
  const rows = lines.map((line) => (separator === undefined ? line.trim().split(/\s+/) : line.split(separator)))
  const widths = rows.reduce<number[]>((known, row) => row.map((cell, i) => Math.max(cell.length, known[i] ?? 0)).concat(known.slice(row.length)), [])
  for (const row of rows) await process.out(`${row.map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell)).join(value('o') ?? '  ')}\n`)
  return 0
}

async function shuf(process: Process): Promise<number> {
  const { has, value, values, rest } = await getopt(process, 'en:i:o:z')
  const [, from = '1', to = '0'] = /^(\d+)-(\d+)$/.exec(value('i') ?? '') ?? []
  const range = value('i') === undefined ? undefined : Array.from({ length: Math.min(1_000_000, Math.max(0, Number(to) - Number(from) + 1)) }, (_, i) => String(Number(from) + i))
  const items = range ?? (has('e') ? [...values('e').filter(Boolean), ...rest] : await allLines(process, rest))
  const { random } = process.sandbox
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[items[i], items[j]] = [items[j] ?? '', items[i] ?? '']
  }
  await process.out(items.slice(0, Number(value('n') ?? items.length)).map((item) => `${item}\n`).join(''))
  return 0
}

async function split(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'l:b:a:d')
  const [input = '-', prefix = 'x'] = rest
  const data = await readInput(process, input)
  const bytes = value('b')
  const pieces: Buffer[] = []
  if (bytes === undefined) {
    const lines = data.toString().split(/(?<=\n)/)
    const size = Math.max(1, Number(value('l') ?? '1000'))
    for (let i = 0; i < lines.length; i += size) pieces.push(Buffer.from(lines.slice(i, i + size).join('')))
  } else {
    const [, number = '1', unit = ''] = /^(\d+)([kKmM]?)/.exec(bytes) ?? []
    const size = Math.max(1, Number(number) * ({ k: 1024, m: 1_048_576 }[unit.toLowerCase()] ?? 1))
    for (let i = 0; i < data.length; i += size) pieces.push(data.subarray(i, i + size))
  }
  const width = Number(value('a') ?? '2')
  for (const [i, piece] of pieces.entries()) {
    const suffix = has('d') ? String(i).padStart(width, '0') : Array.from({ length: width }, (_, at) => String.fromCharCode(97 + (Math.floor(i / 26 ** (width - 1 - at)) % 26))).join('')
    process.sandbox.fs.writeFile(process.path(`${prefix}${suffix}`), piece, { cred: process.cred })
  }
  return 0
}

async function xxd(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'pric:l:s:ug:')
  const input = await readInput(process, rest[0])
  if (has('r')) {
    const hex = input.toString().split('\n').map((line) => (has('p') ? line : line.replace(/^[\da-f]+:/i, '').replace(/ {2}.*$/, ''))).join('').replace(/[^\da-f]/gi, '')
    await process.out(Buffer.from(hex, 'hex'))
    return 0
  }
  const bytes = input.subarray(Number(value('s') ?? '0'), value('l') === undefined ? undefined : Number(value('s') ?? '0') + Number(value('l')))
  if (has('p')) {
    await process.out(`${(bytes.toString('hex').match(/.{1,60}/g) ?? []).join('\n')}\n`)
    return 0
  }
  const width = Number(value('c') ?? '16')
  for (let i = 0; i < bytes.length; i += width) {
    const row = bytes.subarray(i, i + width)
    const hex = (row.toString('hex').match(/.{1,4}/g) ?? []).join(' ').padEnd(Math.ceil(width / 2) * 5 - 1)
    await process.out(`${i.toString(16).padStart(8, '0')}: ${hex}  ${row.toString('latin1').replace(/[^ -~]/g, '.')}\n`)
  }
  return 0
}

export default { paste, expand, unexpand, comm, join, column, shuf, split, xxd } satisfies Record<string, Program>
