/** Go's durations ("1h15m30.5s") as metav1.Duration carries them. Models time.ParseDuration and Duration.String. */
import { quoteASCII } from './go-time.ts'
import { ParseError } from './parse-error.ts'

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])
const MAX = 2n ** 63n

/** In nanoseconds. Throws ParseError. */
export function parseDuration(text: string): bigint {
  const invalid = (): ParseError => new ParseError(`time: invalid duration ${quoteASCII(text)}`)
  const sign = /^[-+]/.exec(text)?.[0] ?? ''
  let rest = text.slice(sign.length)
  if (rest === '0') return 0n
  if (rest === '') throw invalid()
  let total = 0n
  while (rest !== '') {
    const number = /^(\d*)(?:\.(\d*))?/.exec(rest)
    const [all = '', whole = '', fraction = ''] = number ?? []
    if (whole === '' && fraction === '') throw invalid()
    if (whole !== '' && BigInt(whole) > MAX) throw invalid()
    rest = rest.slice(all.length)
    const name = /^[^.\d]*/.exec(rest)?.[0] ?? ''
    if (name === '') throw new ParseError(`time: missing unit in duration ${quoteASCII(text)}`)
    const unit = UNITS.get(name)
    if (unit === undefined) throw new ParseError(`time: unknown unit ${quoteASCII(name)} in duration ${quoteASCII(text)}`)
    rest = rest.slice(name.length)
    const kept = fraction.slice(0, 18)
    total += BigInt(whole || '0') * unit + (BigInt(kept || '0') * unit) / 10n ** BigInt(kept.length)
    if (total > MAX) throw invalid()
  }
  if (sign === '-') return -total
  if (total === MAX) throw invalid()
  return total
}

export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s'
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  if (size < 1_000_000_000n) {
    const [unit, name] = size < 1_000n ? [1n, 'ns'] : size < 1_000_000n ? [1_000n, 'µs'] : [1_000_000n, 'ms']
    return sign + decimal(size, unit) + name
  }
  const seconds = decimal(size % 60_000_000_000n, 1_000_000_000n)
  const minutes = size / 60_000_000_000n
  if (minutes === 0n) return `${sign}${seconds}s`
  return minutes < 60n ? `${sign}${minutes}m${seconds}s` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}s`
}

/** `value` in multiples of `unit`, without trailing zeros. */
function decimal(value: bigint, unit: bigint): string {
  const fraction = (value % unit).toString().padStart(unit.toString().length - 1, '0').replace(/0+$/, '')
  return `${value / unit}${fraction && unit > 1n ? `.${fraction}` : ''}`
}
