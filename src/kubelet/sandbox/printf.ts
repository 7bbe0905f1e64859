/** Backslash escapes and the formats of printf(1). */

const SIMPLE: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92, '"': 34, "'": 39 }

/** `stopped` when `\c` cut it off. */
export function unescape(text: string): { bytes: Buffer; stopped: boolean } {
  if (!text.includes('\\')) return { bytes: Buffer.from(text), stopped: false }
  const parts: Buffer[] = []
  for (let i = 0; i < text.length; i++) {
    const next = text.indexOf('\\', i)
    if (next !== i) {
      const end = next < 0 ? text.length : next
      parts.push(Buffer.from(text.slice(i, end)))
      i = end - 1
      continue
    }
    const char = text.charAt(++i)
    if (char === 'c') return { bytes: Buffer.concat(parts), stopped: true }
    const octal = /^0?[0-7]{1,3}/.exec(text.slice(i))
    const hex = /^x([0-9a-fA-F]{1,2})/.exec(text.slice(i))
    const code = SIMPLE[char]
    if (code !== undefined) parts.push(Buffer.from([code]))
    else if (octal) {
      parts.push(Buffer.from([parseInt(octal[0], 8) & 255]))
      i += octal[0].length - 1
    } else if (hex) {
      parts.push(Buffer.from([parseInt(hex[1] ?? '0', 16)]))
      i += hex[0].length - 1
    } else parts.push(Buffer.from(char === '' ? '\\' : `\\${char}`))
  }
  return { bytes: Buffer.concat(parts), stopped: false }
}

/** A word of the shell that stands for a text. */
export function quoteAlways(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`
}

/** As bash's `%q` writes it. */
function quoteWhereNeeded(text: string): string {
  if (text === '') return "''"
  if (/[\0-\x1f\x7f]/.test(text)) return `$'${text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}'`
  return text.replace(/[^\w@%+=:,./-]/g, '\\$&')
}

const FORMAT = /%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?([a-zA-Z%])/g
const MAX_WIDTH = 10_000

/** The format is used again until the arguments are used up. */
export function formatPrintf(format: string, args: readonly string[]): { bytes: Buffer; problem?: string } {
  const left = [...args]
  const parts: Buffer[] = []
  let problem: string | undefined
  do {
    let last = 0
    const before = left.length
    for (const match of format.matchAll(FORMAT)) {
      const literal = unescape(format.slice(last, match.index))
      parts.push(literal.bytes)
      last = match.index + match[0].length
      const [, flags = '', width, precision, conversion = ''] = match
      if (conversion === '%') {
        parts.push(Buffer.from('%'))
        continue
      }
      const spec = { flags, width: size(width, left), precision: precision === undefined ? undefined : size(precision, left), conversion }
      const arg = left.shift() ?? ''
      const done = formatOne(arg, spec)
      if (done === undefined) problem = `${arg}: invalid number`
      parts.push(Buffer.isBuffer(done) ? done : Buffer.from(done ?? '0'))
    }
    parts.push(unescape(format.slice(last)).bytes)
    if (before === left.length) break
  } while (left.length > 0)
  return { bytes: Buffer.concat(parts), ...(problem ? { problem } : {}) }
}

function size(text: string | undefined, args: string[]): number {
  return Math.min(MAX_WIDTH, Number(text === '*' ? (args.shift() ?? '0') : (text ?? '0')) || 0)
}

interface Spec {
  flags: string
  width: number
  precision: number | undefined
  conversion: string
}

function formatOne(arg: string, { flags, width, precision, conversion }: Spec): string | Buffer | undefined {
  const pad = (text: string, isNumber = false) => {
    if (flags.includes('-')) return text.padEnd(width)
    if (!isNumber || !flags.includes('0')) return text.padStart(width)
    const sign = /^[-+]/.exec(text)?.[0] ?? ''
    return sign + text.slice(sign.length).padStart(width - sign.length, '0')
  }
  if (conversion === 's') return pad(precision === undefined ? arg : arg.slice(0, precision))
  if (conversion === 'b') return unescape(arg).bytes
  if (conversion === 'c') return pad(arg.slice(0, 1))
  if (conversion === 'q') return quoteWhereNeeded(arg)
  const value = /^['"]/.test(arg) ? arg.charCodeAt(1) : Number(arg === '' ? 0 : /^0[0-7]+$/.test(arg) ? `0o${arg.slice(1)}` : arg)
  if (Number.isNaN(value)) return undefined
  const plus = flags.includes('+') && value >= 0 ? '+' : flags.includes(' ') && value >= 0 ? ' ' : ''
  switch (conversion) {
    case 'd':
    case 'i':
    case 'u':
      return pad(plus + String(Math.trunc(value)).replace(/^(-?)(\d+)$/, (_, s: string, d: string) => s + d.padStart(precision ?? 0, '0')), precision === undefined)
    case 'x':
      return pad((flags.includes('#') ? '0x' : '') + Math.trunc(value).toString(16), true)
    case 'X':
      return pad((flags.includes('#') ? '0X' : '') + Math.trunc(value).toString(16).toUpperCase(), true)
    case 'o':
      return pad(Math.trunc(value).toString(8), true)
    case 'f':
    case 'F':
      return pad(plus + value.toFixed(Math.min(100, precision ?? 6)), true)
    case 'e':
      return pad(plus + exponential(value.toExponential(Math.min(100, precision ?? 6))), true)
    case 'g':
      return pad(plus + general(value, precision ?? 6), true)
    default:
      return undefined
  }
}

/** C writes at least two digits of an exponent. */
function exponential(text: string): string {
  return text.replace(/e([-+])(\d)$/, 'e$10$2')
}

/** The shorter of the two, without zeros at the end. */
export function general(value: number, precision: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  const digits = Math.min(100, Math.max(1, precision))
  const precise = Number(value.toPrecision(digits))
  const exponent = precise === 0 ? 0 : Math.floor(Math.log10(Math.abs(precise)))
  return exponent < -4 || exponent >= digits ? exponential(precise.toExponential()) : String(precise)
}
