/** What plain YAML scalars mean: YAML 1.1 as go-yaml reads it (`yes`, `010`, `1_000`, dates as text). Models resolve.go of go-yaml v2. */
import { ParseError } from './parse-error.ts'

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((w): [string, boolean] => [w, true]),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((w): [string, boolean] => [w, false]),
  ...['', '~', 'null', 'Null', 'NULL'].map((w): [string, null] => [w, null]),
])

/** A value as JSON has it, with the text of a number that JavaScript would write otherwise. */
export interface YAMLScalar {
  value: string | number | boolean | null
  literal?: string
}

export function resolvePlain(text: string): YAMLScalar {
  const word = WORDS.get(text)
  if (word !== undefined) return { value: word }
  if (!/^[-+.0-9]/.test(text)) return { value: text }
  if (/^[-+]?\.(inf|Inf|INF)$/.test(text)) throw new ParseError(`json: unsupported value: ${text.startsWith('-') ? '-' : '+'}Inf`)
  if (/^\.(nan|NaN|NAN)$/.test(text)) throw new ParseError('json: unsupported value: NaN')
  if (/^\d{4}-\d{1,2}-\d{1,2}($|[Tt ])/.test(text)) return { value: text }
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '')
  const integer = parseInteger(plain)
  if (integer !== undefined) return numeric(Number(integer), integer.toString())
  if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(plain)) return { value: text }
  const value = Number(plain)
  return Number.isFinite(value) ? numeric(value, String(value)) : { value: text }
}

function numeric(value: number, literal: string): YAMLScalar {
  return String(value) === literal ? { value } : { value, literal }
}

/** An int64 or a uint64 in any base that Go's ParseInt takes. */
function parseInteger(text: string): bigint | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text)
  if (!match) return undefined
  const [, sign, digits = ''] = match
  const octal = /^0[oO]?([0-7]+)$/.exec(digits)
  const size = BigInt(octal ? `0o${octal[1] ?? ''}` : digits)
  const value = sign === '-' ? -size : size
  return value >= -(2n ** 63n) && value < (sign === '' ? 2n ** 64n : 2n ** 63n) ? value : undefined
}
