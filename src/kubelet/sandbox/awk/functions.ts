/** awk's own functions. Models XCU awk, Built-in Functions, with those of gawk that scripts use. */
import { RE2JS } from 're2js'
import { formatPrintf } from '../printf.ts'
import { extendedToRe2 } from '../regexp.ts'
import { strftime } from '../strftime.ts'
import { AwkError } from './lexer.ts'
import { Numeric, numberOf, textOf, type Value } from './values.ts'

const MAX_REGEXPS = 200
const compiled = new Map<string, RE2JS>()

/** @throws AwkError */
export function regexp(source: string): RE2JS {
  let known = compiled.get(source)
  if (!known) {
    try {
      known = RE2JS.compile(extendedToRe2(source))
    } catch {
      throw new AwkError(`bad regex '${source}'`)
    }
    if (compiled.size >= MAX_REGEXPS) compiled.clear()
    compiled.set(source, known)
  }
  return known
}

const CONVERSIONS = /%[-+ 0#]*(\*|\d+)?(?:\.(\*|\d+))?([a-zA-Z%])/g

/** The shell's printf with arguments of awk's kinds, once. */
export function sprintf([shape, ...args]: readonly Value[]): Buffer {
  const text = textOf(shape)
  const left = [...args]
  const given: string[] = []
  for (const [, width, precision, conversion = ''] of text.matchAll(CONVERSIONS)) {
    for (const size of [width, precision]) if (size === '*') given.push(String(numberOf(left.shift())))
    if (conversion === '%') continue
    const value = left.shift()
    if (conversion === 's') given.push(textOf(value))
    else if (conversion === 'c') given.push(typeof value === 'number' || value instanceof Numeric ? String.fromCodePoint(Math.min(0x10ffff, Math.max(0, Math.trunc(numberOf(value))))) : textOf(value))
    else given.push(String(numberOf(value)))
  }
  return formatPrintf(text.replace(/\\/g, '\\\\').replace(/%i/g, '%d'), given).bytes
}

/** How `sub`, `gsub` and `gensub` put in what they found. @param which 'all', or the how-manieth */
export function substitute(text: string, { pattern, replacement, which, groups }: { pattern: RE2JS; replacement: string; which: 'all' | number; groups: boolean }): { text: string; count: number } {
  const matcher = pattern.matcher(text)
  let [out, last, count, seen] = ['', 0, 0, 0]
  while (matcher.find()) {
    seen++
    if (which !== 'all' && seen !== which) continue
    count++
    const found = matcher.group() ?? ''
    out += text.slice(last, matcher.start()) + replacement.replace(/\\(\\|&|\d)|&/g, (all, escaped: string | undefined) => {
      if (escaped === undefined) return found
      if (groups && /\d/.test(escaped)) return Number(escaped) <= matcher.groupCount() ? (matcher.group(Number(escaped)) ?? '') : ''
      return escaped === '&' || escaped === '\\' ? escaped : all
    })
    last = matcher.end()
    if (which !== 'all') break
  }
  return { text: out + text.slice(last), count }
}

/** Fields by a separator: ' ' is white space, one character stands for itself, else a regular expression. */
export function splitFields(text: string, separator: string): string[] {
  if (separator === ' ') return text.trim() === '' ? [] : text.trim().split(/[ \t\n]+/)
  if (text === '') return []
  if (separator === '') return [...text]
  if (separator.length === 1 && !'.*+?[]()|^$\\'.includes(separator)) return text.split(separator)
  const matcher = regexp(separator.length === 1 ? `\\${separator}` : separator).matcher(text)
  const parts: string[] = []
  let last = 0
  while (matcher.find()) {
    if (matcher.end() === matcher.start()) continue
    parts.push(text.slice(last, matcher.start()))
    last = matcher.end()
  }
  return [...parts, text.slice(last)]
}

const bits = (apply: (a: bigint, b: bigint) => bigint) => (args: readonly Value[]) => Number(apply(BigInt(Math.trunc(numberOf(args[0]))), BigInt(Math.trunc(numberOf(args[1])))))

/** Those that only compute from their arguments. */
export const PURE: Readonly<Record<string, (args: readonly Value[], nowMs: number) => Value>> = {
  index: ([text, part]) => textOf(text).indexOf(textOf(part)) + 1,
  substr: ([text, from, length]) => substr(textOf(text), Math.round(numberOf(from)), length === undefined ? Infinity : Math.round(numberOf(length))),
  tolower: ([text]) => textOf(text).toLowerCase(),
  toupper: ([text]) => textOf(text).toUpperCase(),
  sprintf: (args) => sprintf(args).toString(),
  sin: ([x]) => Math.sin(numberOf(x)),
  cos: ([x]) => Math.cos(numberOf(x)),
  atan2: ([y, x]) => Math.atan2(numberOf(y), numberOf(x)),
  exp: ([x]) => Math.exp(numberOf(x)),
  log: ([x]) => Math.log(numberOf(x)),
  sqrt: ([x]) => Math.sqrt(numberOf(x)),
  int: ([x]) => Math.trunc(numberOf(x)),
  systime: (_, nowMs) => Math.floor(nowMs / 1000),
  strftime: ([shape, seconds], nowMs) => strftime(shape === undefined ? '%a %b %e %H:%M:%S %Z %Y' : textOf(shape), seconds === undefined ? nowMs : numberOf(seconds) * 1000),
  and: bits((a, b) => a & b),
  or: bits((a, b) => a | b),
  xor: bits((a, b) => a ^ b),
  lshift: bits((a, b) => a << b),
  rshift: bits((a, b) => a >> b),
  fflush: () => 0,
}

function substr(text: string, from: number, length: number): string {
  const chars = [...text]
  const start = Math.max(1, from)
  return chars.slice(start - 1, Math.max(start - 1, from - 1 + length)).join('')
}
