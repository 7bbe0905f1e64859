/** Tools that read text and write text. Models busybox's coreutils. */
import { createHash } from 'node:crypto'
import { getopt } from '../getopt.ts'
import { eachInput, linesOf, readInput, Writer } from '../inputs.ts'
import type { Process, Program } from '../process.ts'
import { openFile } from '../open-file.ts'
import { formatPrintf, unescape } from '../printf.ts'

async function echo(process: Process): Promise<number> {
  let { args } = process
  let newline = '\n'
  let escapes = false
  while (/^-[neE]+$/.test(args[0] ?? '')) {
    const [flags = ''] = args
    if (flags.includes('n')) newline = ''
    if (flags.includes('e')) escapes = true
    if (flags.includes('E')) escapes = false
    args = args.slice(1)
  }
  const text = args.join(' ')
  if (!escapes) await process.out(text + newline)
  else {
    const { bytes, stopped } = unescape(text)
    await process.out(Buffer.concat([bytes, Buffer.from(stopped ? '' : newline)]))
  }
  return 0
}

async function printf(process: Process): Promise<number> {
  const [format, ...args] = process.args[0] === '--' ? process.args.slice(1) : process.args
  if (format === undefined) {
    await process.err('printf: usage: printf FORMAT [ARG]...\n')
    return 1
  }
  const { bytes, problem } = formatPrintf(format, args)
  await process.out(bytes)
  if (problem) await process.err(`printf: ${problem}\n`)
  return problem ? 1 : 0
}

async function cat(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'nbeEtTvAu')
  let number = 0
  return eachInput(process, rest, async (fd) => {
    const shows = has('A', 'e', 't', 'v', 'E', 'T')
    if (!has('n', 'b') && !shows) {
      for (let chunk = await process.read(fd); chunk; chunk = await process.read(fd)) await process.out(chunk)
      return
    }
    for await (const raw of linesOf(process, fd)) {
      const visible = has('A', 't', 'T') ? raw.replace(/\t/g, '^I') : raw
      const line = `${visible}${has('A', 'e', 'E') ? '$' : ''}\n`
      await process.out(!has('n', 'b') || (has('b') && raw === '') ? line : `${String(++number).padStart(6)}\t${line}`)
    }
  })
}

async function head(process: Process): Promise<number> {
  const args = process.args.map((a) => a.replace(/^-(\d+)$/, '-n$1'))
  process.argv = ['head', ...args]
  const { value, has, rest } = await getopt(process, 'n:c:qv lines= bytes=')
  const bytes = value('c', 'bytes')
  const wanted = countOf(bytes ?? value('n', 'lines') ?? '10')
  const isTitled = (rest.length > 1 && !has('q')) || has('v')
  let isFirst = true
  return eachInput(process, rest, async (fd, name) => {
    if (isTitled) await process.out(`${isFirst ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`)
    isFirst = false
    if (bytes !== undefined) return headBytes(process, fd, wanted)
    if (wanted < 0) {
      const lines = (await process.readAll(fd)).toString().split(/(?<=\n)/)
      return process.out(lines.slice(0, wanted).join(''))
    }
    for (let left = wanted; left > 0; left--) {
      const got = await process.readLine(fd)
      if (!got) return
      await process.out(got.isWhole ? Buffer.concat([got.line, Buffer.from('\n')]) : got.line)
    }
  })
}

async function headBytes(process: Process, fd: number, wanted: number): Promise<void> {
  for (let left = wanted; left > 0; ) {
    const chunk = await process.read(fd, left)
    if (!chunk) return
    left -= chunk.length
    await process.out(chunk)
  }
}

function countOf(text: string): number {
  const [, digits = '0', unit = ''] = /^([-+]?\d+)([bkm]?)/i.exec(text) ?? []
  return Number(digits) * ({ b: 512, k: 1024, m: 1_048_576 }[unit.toLowerCase()] ?? 1)
}

async function tail(process: Process): Promise<number> {
  process.argv = ['tail', ...process.args.map((a) => a.replace(/^-(\d+)$/, '-n$1'))]
  const { value, has, rest } = await getopt(process, 'n:c:fFqs:v lines= bytes= follow')
  const bytes = value('c', 'bytes')
  const text = bytes ?? value('n', 'lines') ?? '10'
  const wanted = Math.abs(countOf(text))
  const follows = has('f', 'F', 'follow')
  const isTitled = rest.length > 1 && !has('q')
  let isFirst = true
  const seen = new Map<string, number>()
  let status = await eachInput(process, rest, async (fd, name) => {
    const all = await process.readAll(fd)
    if (isTitled) await process.out(`${isFirst ? '' : '\n'}==> ${name} <==\n`)
    isFirst = false
    seen.set(name, all.length)
    await process.out(tailOf(all, { wanted, isBytes: bytes !== undefined, isFromStart: text.startsWith('+') }))
  })
  if (!follows) return status
  if (has('F')) status = 0
  for (;;) {
    await process.sleep(Number(value('s') ?? '1') * 1000)
    for (const name of rest) {
      const node = process.sandbox.fs.tryResolve(process.path(name), { cred: process.cred })?.node
      const from = seen.get(name) ?? 0
      if (node?.kind !== 'file' || node.size === from) continue
      const data = node.read()
      seen.set(name, data.length)
      await process.out(data.length > from ? data.subarray(from) : data)
    }
  }
}

function tailOf(all: Buffer, { wanted, isBytes, isFromStart }: { wanted: number; isBytes: boolean; isFromStart: boolean }): Buffer {
  if (isBytes) return isFromStart ? all.subarray(Math.max(0, wanted - 1)) : all.subarray(Math.max(0, all.length - wanted))
  if (isFromStart) {
    let at = 0
    for (let skip = wanted - 1; skip > 0; skip--) {
      const next = all.indexOf(10, at)
      if (next < 0) return Buffer.alloc(0)
      at = next + 1
    }
    return all.subarray(at)
  }
  let at = all.length
  for (let lines = wanted + (all.at(-1) === 10 ? 1 : 0); lines > 0; lines--) {
    const next = at > 0 ? all.lastIndexOf(10, at - 1) : -1
    if (next < 0) return all
    at = next
  }
  return all.subarray(at + 1)
}

async function wc(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'lwcmL')
  const isAll = !has('l', 'w', 'c', 'm')
  const totals = [0, 0, 0]
  const report = (counts: readonly number[], name: string) => {
    const shown = counts.filter((_, i) => isAll || has(...(['l', 'w', 'cm'][i] ?? '')))
    const text = shown.length === 1 && !isAll ? shown.join('') : shown.map((n) => String(n).padStart(9)).join(' ')
    return process.out(`${text}${name === '-' ? '' : ` ${name}`}\n`)
  }
  const status = await eachInput(process, rest, async (fd, name) => {
    const counts = [0, 0, 0]
    let inWord = false
    for (let chunk = await process.read(fd); chunk; chunk = await process.read(fd)) {
      counts[2] = (counts[2] ?? 0) + chunk.length
      for (const byte of chunk) {
        if (byte === 10) counts[0] = (counts[0] ?? 0) + 1
        const isSpace = byte === 32 || (byte >= 9 && byte <= 13)
        if (!isSpace && !inWord) counts[1] = (counts[1] ?? 0) + 1
        inWord = !isSpace
      }
    }
    for (const [i, n] of counts.entries()) totals[i] = (totals[i] ?? 0) + n
    await report(counts, name)
  })
  if (rest.length > 1) await report(totals, 'total')
  return status
}

async function sort(process: Process): Promise<number> {
  const { has, value, values, rest } = await getopt(process, 'nrufbdghVst:k:o:cmz')
  const lines: string[] = []
  const status = await eachInput(process, rest, async (fd) => {
    for await (const line of linesOf(process, fd)) lines.push(line)
  })
  const keys = values('k')
  const separator = value('t')
  const keyOf = (line: string): string => {
    const [key] = keys
    if (key === undefined) return line
    const fields = separator === undefined ? line.trimStart().split(/\s+/) : line.split(separator)
    const [from = '1', to] = key.split(',')
    return fields.slice(parseInt(from, 10) - 1, to === undefined ? undefined : parseInt(to, 10)).join(separator ?? ' ')
  }
  const flags = keys.join('')
  const isNumeric = has('n', 'g') || /[ng]/.test(flags)
  const text = (line: string) => (has('f') ? keyOf(line).toUpperCase() : keyOf(line))
  const compare = (a: string, b: string): number => {
    if (isNumeric) return (parseFloat(keyOf(a)) || 0) - (parseFloat(keyOf(b)) || 0)
    if (has('V')) return text(a).localeCompare(text(b), 'en', { numeric: true })
    return text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0
  }
  const isReversed = has('r') || flags.includes('r')
  lines.sort((a, b) => (isReversed ? -1 : 1) * (compare(a, b) || (has('s') ? 0 : a < b ? -1 : a > b ? 1 : 0)))
  const out = has('u') ? lines.filter((line, i) => i === 0 || compare(lines[i - 1] ?? '', line) !== 0) : lines
  const target = value('o')
  const joined = out.map((line) => `${line}\n`).join('')
  if (target !== undefined) process.sandbox.fs.writeFile(process.path(target), joined, { cred: process.cred })
  else await process.out(joined)
  return status
}

async function uniq(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'cdui')
  const writer = new Writer(process)
  let last: string | undefined
  let count = 0
  const tell = async () => {
    if (last === undefined || (has('d') && count < 2) || (has('u') && count > 1)) return
    await writer.line(has('c') ? `${String(count).padStart(7)} ${last}` : last)
  }
  const status = await eachInput(process, rest.slice(0, 1), async (fd) => {
    for await (const line of linesOf(process, fd)) {
      if (last !== undefined && (has('i') ? line.toLowerCase() === last.toLowerCase() : line === last)) count++
      else {
        await tell()
        last = line
        count = 1
      }
    }
  })
  await tell()
  await writer.flush()
  return status
}

function ranges(list: string): (n: number) => boolean {
  const parts = list.split(',').map((part) => {
    const [, from = '', dash = '', to = ''] = /^(\d*)(-?)(\d*)$/.exec(part) ?? []
    return { low: Number(from || '1'), high: dash ? (to ? Number(to) : Infinity) : Number(from) }
  })
  return (n) => parts.some(({ low, high }) => n >= low && n <= high)
}

async function cut(process: Process): Promise<number> {
  const { value, has, rest } = await getopt(process, 'd:f:c:b:sn output-delimiter=')
  const delimiter = value('d') ?? '\t'
  const chosen = ranges(value('f') ?? value('c', 'b') ?? '1-')
  const writer = new Writer(process)
  const status = await eachInput(process, rest, async (fd) => {
    for await (const line of linesOf(process, fd)) {
      if (!has('f')) await writer.line([...line].filter((_, i) => chosen(i + 1)).join(''))
      else if (line.includes(delimiter)) await writer.line(line.split(delimiter).filter((_, i) => chosen(i + 1)).join(value('output-delimiter') ?? delimiter))
      else if (!has('s')) await writer.line(line)
    }
  })
  await writer.flush()
  return status
}

const TR_CLASSES: Readonly<Record<string, string>> = { lower: 'a-z', upper: 'A-Z', digit: '0-9', alpha: 'A-Za-z', alnum: 'A-Za-z0-9', space: ' \\t\\n\\v\\f\\r', blank: ' \\t', punct: '!-/:-@[-`{-~', xdigit: '0-9A-Fa-f' }

function trSet(text: string): string {
  const plain = unescape(text.replace(/\[:(\w+):\]/g, (_, name: string) => TR_CLASSES[name] ?? '')).bytes.toString('latin1')
  return plain.replace(/([\s\S])-([\s\S])/g, (_, from: string, to: string) => {
    let out = ''
    for (let c = from.charCodeAt(0); c <= to.charCodeAt(0); c++) out += String.fromCharCode(c)
    return out
  })
}

async function tr(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'dscC')
  const from = trSet(rest[0] ?? '')
  const to = trSet(rest[1] ?? '')
  const isComplement = has('c', 'C')
  const inFrom = (c: string) => from.includes(c) !== isComplement
  const squeezed = has('s') ? to || from : ''
  let last = ''
  for (let chunk = await process.read(); chunk; chunk = await process.read()) {
    let out = ''
    for (const byte of chunk) {
      let c = String.fromCharCode(byte)
      if (has('d')) {
        if (inFrom(c)) continue
      } else if (to && inFrom(c)) {
        const at = isComplement ? to.length - 1 : from.indexOf(c)
        c = to.charAt(Math.min(at, to.length - 1))
      }
      if (squeezed && c === last && (squeezed.includes(c) || (!to && inFrom(c)))) continue
      last = c
      out += c
    }
    await process.out(Buffer.from(out, 'latin1'))
  }
  return 0
}

async function tee(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'ai')
  const fds: number[] = [1]
  for (const [i, file] of rest.entries()) {
    process.setFd(100 + i, await openFile(process, file, { writes: true, append: has('a'), truncate: !has('a') }))
    fds.push(100 + i)
  }
  for (let chunk = await process.read(); chunk; chunk = await process.read()) for (const fd of fds) await process.write(fd, chunk)
  return 0
}

async function seq(process: Process): Promise<number> {
  const rest = [...process.args]
  let separator: string | undefined
  let isWide = false
  for (let flag = rest[0]; flag === '-w' || flag?.startsWith('-s'); flag = rest[0]) {
    rest.shift()
    if (flag === '-w') isWide = true
    else separator = flag.slice(2) || rest.shift()
  }
  const numbers = rest.map(Number)
  const [first, step, last] = numbers.length > 2 ? numbers : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : [1, 1, numbers[0]]
  if (first === undefined || !step || last === undefined || numbers.some(Number.isNaN)) return 1
  const decimals = Math.max(...rest.map((t) => (t.split('.')[1] ?? '').length))
  const width = isWide ? Math.max(String(first).length, String(last).length) : 0
  const writer = new Writer(process)
  const all: string[] = []
  for (let i = 0; ; i++) {
    const n = first + i * step
    if (step > 0 ? n > last : n < last) break
    const text = n.toFixed(decimals).padStart(width, '0')
    if (separator === undefined) await writer.line(text)
    else all.push(text)
  }
  await writer.flush()
  if (separator !== undefined && all.length > 0) await process.out(`${all.join(separator)}\n`)
  return 0
}

async function yes(process: Process): Promise<number> {
  const line = Buffer.from(`${process.args.join(' ') || 'y'}\n`)
  const block = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(1024 / line.length)) }, () => line))
  for (;;) await process.out(block)
}

/** A tool that works on all lines at once. */
function onLines(change: (lines: string[], args: readonly string[]) => string[]): Program {
  return async (process) => {
    const lines: string[] = []
    const files = process.args.filter((a) => !a.startsWith('-') || a === '-')
    const status = await eachInput(process, files, async (fd) => {
      for await (const line of linesOf(process, fd)) lines.push(line)
    })
    await process.out(change(lines, process.args).map((line) => `${line}\n`).join(''))
    return status
  }
}

async function base64(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'dDw:i decode wrap=')
  const data = await readInput(process, rest[0])
  if (has('d', 'D', 'decode')) await process.out(Buffer.from(data.toString(), 'base64'))
  else {
    const width = Number(value('w', 'wrap') ?? '76')
    const text = data.toString('base64')
    await process.out(width > 0 ? `${text.replace(new RegExp(`(.{${width}})(?=.)`, 'g'), '$1\n')}\n` : text)
  }
  return 0
}

function sum(algorithm: string): Program {
  return async (process) => {
    const { has, rest } = await getopt(process, 'csbt')
    if (has('c')) return checkSums(process, algorithm, rest[0])
    return eachInput(process, rest, async (fd, name) => {
      await process.out(`${createHash(algorithm).update(await process.readAll(fd)).digest('hex')}  ${name}\n`)
    })
  }
}

async function checkSums(process: Process, algorithm: string, list: string | undefined): Promise<number> {
  let failed = 0
  for (const line of (await readInput(process, list)).toString().split('\n').filter(Boolean)) {
    const [, wanted, name = ''] = /^(\w+)\s+\*?(.*)$/.exec(line) ?? []
    const isGood = createHash(algorithm).update(await readInput(process, name)).digest('hex') === wanted
    if (!isGood) failed++
    await process.out(`${name}: ${isGood ? 'OK' : 'FAILED'}\n`)
  }
  return failed > 0 ? 1 : 0
}

async function od(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'cxbdovA:t:N:j:w:')
  const data = (await readInput(process, rest[0])).subarray(0, value('N') === undefined ? undefined : Number(value('N')))
  const isChars = has('c') || value('t') === 'c'
  const isHex = value('t')?.startsWith('x') ?? false
  const shown = (byte: number) => {
    if (isHex) return ` ${byte.toString(16).padStart(2, '0')}`
    if (!isChars) return ` ${byte.toString(8).padStart(3, '0')}`
    const named = ({ 0: '\\0', 9: '\\t', 10: '\\n', 13: '\\r' } as Record<number, string>)[byte]
    return (named ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : byte.toString(8).padStart(3, '0'))).padStart(4)
  }
  const address = (at: number) => (value('A') === 'n' ? '' : at.toString(value('A') === 'x' ? 16 : 8).padStart(7, '0'))
  for (let at = 0; at < data.length; at += 16) await process.out(`${address(at)}${[...data.subarray(at, at + 16)].map(shown).join('')}\n`)
  if (value('A') !== 'n') await process.out(`${address(data.length)}\n`)
  return 0
}

async function hexdump(process: Process): Promise<number> {
  const { rest } = await getopt(process, 'Cvn:e:')
  const data = await readInput(process, rest[0])
  for (let at = 0; at < data.length; at += 16) {
    const row = data.subarray(at, at + 16)
    const hex = [...row].map((b, i) => `${i === 8 ? ' ' : ''}${b.toString(16).padStart(2, '0')} `).join('')
    const text = [...row].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('')
    await process.out(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(50)}|${text}|\n`)
  }
  await process.out(`${data.length.toString(16).padStart(8, '0')}\n`)
  return 0
}

async function cmp(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'sl')
  const [a, b] = [await readInput(process, rest[0]), await readInput(process, rest[1])]
  if (a.equals(b)) return 0
  if (!has('s')) await process.out(`${rest[0]} ${rest[1]} differ\n`)
  return 1
}

async function diff(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'uqrNabBwi')
  const [a, b] = [await readInput(process, rest[0]), await readInput(process, rest[1])]
  if (a.equals(b)) return 0
  if (has('q')) await process.out(`Files ${rest[0]} and ${rest[1]} differ\n`)
  else {
    const [x, y] = [a, b].map((t) => t.toString().replace(/\n$/, '').split('\n'))
    await process.out(`--- ${rest[0]}\n+++ ${rest[1]}\n@@ -1,${x?.length} +1,${y?.length} @@\n${x?.map((l) => `-${l}\n`).join('')}${y?.map((l) => `+${l}\n`).join('')}`)
  }
  return 1
}

export default {
  echo,
  printf,
  cat,
  head,
  tail,
  wc,
  sort,
  uniq,
  cut,
  tr,
  tee,
  seq,
  yes,
  base64,
  od,
  hexdump,
  cmp,
  diff,
  tac: onLines((lines) => lines.reverse()),
  rev: onLines((lines) => lines.map((line) => [...line].reverse().join(''))),
  nl: onLines((lines) => { let n = 0; return lines.map((line) => (line ? `${String(++n).padStart(6)}\t${line}` : line)) }),
  fold: onLines((lines, args) => { const width = Number(/\d+/.exec(args.join(' '))?.[0] ?? 80); return lines.flatMap((line) => line.match(new RegExp(`.{1,${width}}`, 'g')) ?? ['']) }),
  strings: onLines((lines) => lines.flatMap((line) => line.match(/[\x20-\x7e]{4,}/g) ?? [])),
  md5sum: sum('md5'),
  sha1sum: sum('sha1'),
  sha256sum: sum('sha256'),
  sha512sum: sum('sha512'),
} satisfies Record<string, Program>
