/** Reads sed's scripts. */
import type { RE2JS } from 're2js'
import { compilePosix } from './regexp.ts'

export class SedError extends Error {}

export interface Address {
  line?: number
  isLast?: boolean
  regexp?: RE2JS
  step?: readonly [number, number]
}

export interface SedCommand {
  name: string
  first?: Address
  second?: Address
  negated: boolean
  regexp?: RE2JS
  text?: string
  flags?: string
  from?: string
  to?: string
  /** Of `{`: where its `}` is. */
  end?: number
}

/** @throws SedError */
export function parseSed(source: string, extended: boolean): SedCommand[] {
  return new SedParser(source, extended).all()
}

class SedParser {
  readonly #source: string
  readonly #extended: boolean
  readonly #commands: SedCommand[] = []
  #at = 0
  #last: RE2JS | undefined

  constructor(source: string, extended: boolean) {
    this.#source = source
    this.#extended = extended
  }

  all(): SedCommand[] {
    const open: SedCommand[] = []
    for (;;) {
      this.#skip(/[\s;]/)
      if (this.#at >= this.#source.length) break
      if (this.#source.charAt(this.#at) === '#') {
        this.#skip(/[^\n]/)
        continue
      }
      const command = this.#command()
      this.#commands.push(command)
      if (command.name === '{') open.push(command)
      if (command.name !== '}') continue
      const begun = open.pop()
      if (!begun) throw new SedError("unexpected '}'")
      begun.end = this.#commands.length - 1
    }
    if (open.length > 0) throw new SedError("unterminated '{'")
    return this.#commands
  }

  #command(): SedCommand {
    const first = this.#address()
    let second: Address | undefined
    if (first && this.#source.charAt(this.#at) === ',') {
      this.#at++
      second = this.#address()
    }
    this.#skip(/[ \t]/)
    const negated = this.#source.charAt(this.#at) === '!'
    if (negated) this.#at++
    this.#skip(/[ \t]/)
    const name = this.#source.charAt(this.#at++)
    const command: SedCommand = { name, negated, ...(first ? { first } : {}), ...(second ? { second } : {}) }
    if (name === 's') this.#substitution(command)
    else if (name === 'y') {
      const delimiter = this.#source.charAt(this.#at++)
      command.from = this.#until(delimiter)
      command.to = this.#until(delimiter)
    } else if ('aic'.includes(name)) command.text = this.#text()
    else if (':bt'.includes(name)) command.text = this.#word()
    else if (!'{}pdqnNPDhHgGx='.includes(name)) throw new SedError(`unsupported command ${name}`)
    return command
  }

  #address(): Address | undefined {
    const rest = this.#source.slice(this.#at)
    const step = /^(\d+)~(\d+)/.exec(rest)
    const number = /^\d+/.exec(rest)
    if (step) {
      this.#at += step[0].length
      return { step: [Number(step[1]), Number(step[2])] }
    }
    if (number) {
      this.#at += number[0].length
      return { line: Number(number[0]) }
    }
    if (rest.startsWith('$')) {
      this.#at++
      return { isLast: true }
    }
    if (!/^(?:\/|\\.)/.test(rest)) return undefined
    if (rest.startsWith('\\')) this.#at++
    const delimiter = this.#source.charAt(this.#at++)
    return { regexp: this.#compile(this.#until(delimiter), '') }
  }

  #substitution(command: SedCommand): void {
    const delimiter = this.#source.charAt(this.#at++)
    const source = this.#until(delimiter)
    command.text = this.#until(delimiter, true)
    const flags = /^[gpiI0-9]*/.exec(this.#source.slice(this.#at))?.[0] ?? ''
    this.#at += flags.length
    command.flags = flags
    command.regexp = this.#compile(source, flags)
  }

  #compile(source: string, flags: string): RE2JS {
    if (source === '' && this.#last) return this.#last
    try {
      return (this.#last = compilePosix(source, { extended: this.#extended, ignoreCase: /i/i.test(flags) }))
    } catch {
      throw new SedError(`bad regex '${source}'`)
    }
  }

  /** Up to the delimiter; an escaped one stands for itself. */
  #until(delimiter: string, isReplacement = false): string {
    let out = ''
    for (; this.#at < this.#source.length; this.#at++) {
      const char = this.#source.charAt(this.#at)
      if (char === '\\') {
        const next = this.#source.charAt(++this.#at)
        out += next === delimiter && !isReplacement ? next : next === 'n' && !isReplacement ? '\n' : next === delimiter ? next : `\\${next}`
      } else if (char === '[' && !isReplacement) {
        const end = this.#source.indexOf(']', this.#at + 2)
        out += end < 0 ? char : this.#source.slice(this.#at, end + 1)
        if (end >= 0) this.#at = end
      } else if (char === delimiter) {
        this.#at++
        return out
      } else out += char
    }
    throw new SedError(`unmatched '${delimiter}'`)
  }

  /** The text of a, i and c: to the end of the line, going on after a backslash. */
  #text(): string {
    this.#skip(/[ \t]/)
    if (this.#source.startsWith('\\', this.#at)) {
      this.#at++
      this.#skip(/[ \t]/)
      if (this.#source.charAt(this.#at) === '\n') this.#at++
    }
    let out = ''
    for (; this.#at < this.#source.length && this.#source.charAt(this.#at) !== '\n'; this.#at++) {
      if (this.#source.charAt(this.#at) === '\\') this.#at++
      out += this.#source.charAt(this.#at)
    }
    return out
  }

  #word(): string {
    this.#skip(/[ \t]/)
    const word = /^[^;\s}]*/.exec(this.#source.slice(this.#at))?.[0] ?? ''
    this.#at += word.length
    return word
  }

  #skip(chars: RegExp): void {
    while (this.#at < this.#source.length && chars.test(this.#source.charAt(this.#at))) this.#at++
  }
}
