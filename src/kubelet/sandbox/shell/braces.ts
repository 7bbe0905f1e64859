/** Brace expansion: `{a,b}`, `{1..9..2}`, before anything else is expanded. Models bash's, which works on the text of a word. */

const MAX_WORDS = 10_000

/** The words that a text stands for; one when there is nothing to expand. */
export function expandBraces(text: string): string[] {
  const found = firstBrace(text)
  if (!found) return [text]
  const { start, end, parts } = found
  const head = text.slice(0, start)
  const tails = expandBraces(text.slice(end + 1))
  const words = parts.flatMap((part) => expandBraces(part)).flatMap((middle) => tails.map((tail) => head + middle + tail))
  return words.slice(0, MAX_WORDS)
}

interface Brace {
  start: number
  end: number
  parts: string[]
}

function firstBrace(text: string): Brace | undefined {
  for (let i = 0; i < text.length; i++) {
    const skipped = quotedEnd(text, i)
    if (skipped !== undefined) {
      i = skipped
      continue
    }
    if (text.charAt(i) !== '{' || text.charAt(i - 1) === '$') continue
    const brace = braceAt(text, i)
    if (brace) return brace
  }
  return undefined
}

/** The end of what is quoted or an expansion at a place. */
function quotedEnd(text: string, at: number): number | undefined {
  const char = text.charAt(at)
  if (char === '\\') return at + 1
  if (char === "'") return Math.max(at, text.indexOf("'", at + 1))
  if (char === '$' && (text.charAt(at + 1) === '{' || text.charAt(at + 1) === '(')) return closing(text, at + 1)
  if (char !== '"') return undefined
  for (let i = at + 1; i < text.length; i++) {
    if (text.charAt(i) === '\\') i++
    else if (text.charAt(i) === '"') return i
  }
  return text.length
}

function closing(text: string, open: number): number {
  const [from, to] = text.charAt(open) === '{' ? ['{', '}'] : ['(', ')']
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text.charAt(i) === from) depth++
    else if (text.charAt(i) === to && --depth === 0) return i
  }
  return text.length
}

function braceAt(text: string, start: number): Brace | undefined {
  const parts: string[] = []
  let depth = 0
  let from = start + 1
  for (let i = start; i < text.length; i++) {
    const skipped = i > start ? quotedEnd(text, i) : undefined
    if (skipped !== undefined) {
      i = skipped
      continue
    }
    const char = text.charAt(i)
    if (char === '{') depth++
    else if (char === ',' && depth === 1) {
      parts.push(text.slice(from, i))
      from = i + 1
    } else if (char === '}' && --depth === 0) {
      parts.push(text.slice(from, i))
      const range = parts.length === 1 ? sequence(parts[0] ?? '') : parts
      return range && { start, end: i, parts: range }
    }
  }
  return undefined
}

/** `1..5`, `01..10`, `a..e`, each with a step. */
function sequence(text: string): string[] | undefined {
  const [, from = '', to = '', step] = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$/.exec(text) ?? []
  if (from === '' || /\d/.test(from) !== /\d/.test(to)) return undefined
  const isNumber = /\d/.test(from)
  const [a, b] = isNumber ? [Number(from), Number(to)] : [from.charCodeAt(0), to.charCodeAt(0)]
  const by = Math.max(1, Math.abs(Number(step ?? 1)))
  const width = isNumber && [from, to].some((n) => /^-?0\d/.test(n)) ? Math.max(from.length, to.length) : 0
  const values: string[] = []
  for (let n = a; a <= b ? n <= b : n >= b; n += a <= b ? by : -by) {
    if (values.length >= MAX_WORDS) break
    values.push(isNumber ? (n < 0 ? `-${String(-n).padStart(width - 1, '0')}` : String(n).padStart(width, '0')) : String.fromCharCode(n))
  }
  return values
}
