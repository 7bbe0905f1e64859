/** sed: the commands s y p d q a i c n N = { } h H g G x D P t b : and their addresses. Models XCU sed as GNU extends it. */
import { getopt } from '../getopt.ts'
import { eachInput, linesOf } from '../inputs.ts'
import type { Process, Program } from '../process.ts'
import { parseSed, SedError, type Address, type SedCommand } from '../sed-script.ts'

const MAX_JUMPS = 100_000

async function sed(process: Process): Promise<number> {
  const { has, value, values, rest } = await getopt(process, 'nrEe:f:i::s:uz quiet silent regexp-extended in-place expression= file=')
  const file = value('f', 'file')
  const given = values('e', 'expression')
  const source = given.length > 0 ? given.join('\n') : file === undefined ? (rest.shift() ?? '') : (await process.sandbox.fs.readFile(process.path(file), process.cred)).toString()
  let script: SedCommand[]
  try {
    script = parseSed(source, has('r', 'E', 'regexp-extended'))
  } catch (error) {
    if (!(error instanceof SedError)) throw error
    await process.err(`sed: ${error.message}\n`)
    return 1
  }
  const quiet = has('n', 'quiet', 'silent')
  if (!has('i', 'in-place')) {
    const lines: string[] = []
    const status = await eachInput(process, rest, async (fd) => {
      for await (const line of linesOf(process, fd)) lines.push(line)
    })
    await process.out(await new Editor(process, script, quiet).run(lines))
    return status
  }
  let status = 0
  for (const name of rest) {
    status ||= await eachInput(process, [name], async (fd) => {
      const lines: string[] = []
      for await (const line of linesOf(process, fd)) lines.push(line)
      const backup = value('i', 'in-place')
      if (backup) process.sandbox.fs.writeFile(process.path(`${name}${backup}`), lines.map((line) => `${line}\n`).join(''), { cred: process.cred })
      process.sandbox.fs.writeFile(process.path(name), await new Editor(process, script, quiet).run(lines), { cred: process.cred })
    })
  }
  return status
}

class Editor {
  readonly #process: Process
  readonly #script: readonly SedCommand[]
  readonly #quiet: boolean
  readonly #active = new Map<SedCommand, boolean>()
  #out: string[] = []
  #after: string[] = []
  #pattern = ''
  #hold = ''
  #line = 0
  #lines: readonly string[] = []

  constructor(process: Process, script: readonly SedCommand[], quiet: boolean) {
    this.#process = process
    this.#script = script
    this.#quiet = quiet
  }

  async run(lines: readonly string[]): Promise<string> {
    this.#lines = lines
    let quits = false
    while (!quits && this.#line < lines.length) {
      this.#pattern = lines[this.#line++] ?? ''
      const end = await this.#cycle()
      quits = end === 'quit'
      if (!this.#quiet && end !== 'delete') this.#print(this.#pattern)
      for (const text of this.#after.splice(0)) this.#print(text)
    }
    return this.#out.join('')
  }

  #print(text: string): void {
    this.#out.push(`${text}\n`)
    this.#process.sandbox.holds(this.#out.length)
  }

  async #cycle(): Promise<'end' | 'delete' | 'quit'> {
    let replaced = false
    let jumps = 0
    for (let at = 0; at < this.#script.length; at++) {
      const tick = this.#process.tick(1 + (this.#pattern.length >> 6))
      if (tick) await tick
      const command = this.#script[at]
      if (!command) break
      if (!this.#selects(command)) {
        if (command.name === '{') at = command.end ?? at
        continue
      }
      switch (command.name) {
        case 's': {
          const changed = this.#substitute(command)
          replaced ||= changed
          break
        }
        case 'd':
          return 'delete'
        case 'D': {
          const newline = this.#pattern.indexOf('\n')
          if (newline < 0) return 'delete'
          this.#pattern = this.#pattern.slice(newline + 1)
          at = -1
          break
        }
        case 'q':
          return 'quit'
        case 'n':
          if (this.#line >= this.#lines.length) return 'quit'
          if (!this.#quiet) this.#print(this.#pattern)
          this.#pattern = this.#lines[this.#line++] ?? ''
          break
        case 'N':
          if (this.#line >= this.#lines.length) return 'quit'
          this.#pattern += `\n${this.#lines[this.#line++] ?? ''}`
          break
        case 'c':
          this.#print(command.text ?? '')
          return 'delete'
        case 't':
        case 'b':
          if (command.name === 't' && !replaced) break
          replaced = false
          if (++jumps > MAX_JUMPS) return 'quit'
          at = command.text ? this.#script.findIndex((c) => c.name === ':' && c.text === command.text) : this.#script.length
          break
        default:
          this.#simple(command)
      }
    }
    return 'end'
  }

  #simple({ name, text = '', from = '', to = '' }: SedCommand): void {
    switch (name) {
      case 'p':
        return this.#print(this.#pattern)
      case 'P':
        return this.#print(this.#pattern.split('\n')[0] ?? '')
      case '=':
        return this.#print(String(this.#line))
      case 'i':
        return this.#print(text)
      case 'a':
        return void this.#after.push(text)
      case 'h':
        this.#hold = this.#pattern
        return
      case 'H':
        this.#hold += `\n${this.#pattern}`
        return
      case 'g':
        this.#pattern = this.#hold
        return
      case 'G':
        this.#pattern += `\n${this.#hold}`
        return
      case 'x':
        ;[this.#pattern, this.#hold] = [this.#hold, this.#pattern]
        return
      case 'y':
        this.#pattern = [...this.#pattern].map((c) => (from.includes(c) ? to.charAt(from.indexOf(c)) : c)).join('')
    }
  }

  #substitute({ regexp, text = '', flags = '' }: SedCommand): boolean {
    if (!regexp) return false
    const matcher = regexp.matcher(this.#pattern)
    const isGlobal = flags.includes('g')
    const nth = Number(/\d+/.exec(flags)?.[0] ?? '1')
    let out = ''
    let last = 0
    let count = 0
    while (matcher.find()) {
      count++
      if (count < nth) continue
      out += this.#pattern.slice(last, matcher.start()) + fillIn(text, (n) => (n <= matcher.groupCount() ? (matcher.group(n) ?? '') : ''))
      last = matcher.end()
      if (!isGlobal) break
    }
    if (count < nth) return false
    this.#pattern = out + this.#pattern.slice(last)
    if (flags.includes('p')) this.#print(this.#pattern)
    return true
  }

  #selects(command: SedCommand): boolean {
    const { first, second, negated } = command
    return this.#inRange(command, first, second) !== negated
  }

  #inRange(command: SedCommand, first: Address | undefined, second: Address | undefined): boolean {
    if (!first) return true
    if (!second) return this.#matches(first)
    if (this.#active.get(command)) {
      const ends = second.line !== undefined ? this.#line >= second.line : this.#matches(second)
      if (ends) this.#active.set(command, false)
      return second.line === undefined || this.#line <= second.line
    }
    if (!this.#matches(first)) return false
    if (!(second.line !== undefined && second.line <= this.#line)) this.#active.set(command, true)
    return true
  }

  #matches({ line, isLast, regexp, step }: Address): boolean {
    if (isLast) return this.#line === this.#lines.length
    if (regexp) return regexp.matcher(this.#pattern).find()
    if (step) return step[1] === 0 ? this.#line === step[0] : this.#line >= step[0] && (this.#line - step[0]) % step[1] === 0
    return line === this.#line
  }
}

function fillIn(text: string, group: (n: number) => string): string {
  return text.replace(/\\([\s\S])|&/g, (all, escaped: string | undefined) => {
    if (escaped === undefined) return group(0)
    if (/\d/.test(escaped)) return group(Number(escaped))
    return escaped === 'n' ? '\n' : escaped === 't' ? '\t' : escaped
  })
}

export default { sed } satisfies Record<string, Program>
