/** Text: the standard functions, version 2 of cel-go's ext/strings.go, and Kubernetes' regular expressions. */
import { formatText } from './format-text.ts'
import { CostLimitExceeded } from './frame.ts'
import { find, findAll, matches } from './functions-regexp.ts'
import { CelError, codePoints, ListValue, NativeList, NO_SUCH_OVERLOAD, show, toArray, type Value } from './values.ts'

/** No text grows past this many characters: it could not be paid for. */
const MAX_TEXT = 32 * 1024 * 1024

const outOfRange = (index: bigint): CelError => new CelError(`index out of range: ${index}`)

type TextFunction = (text: string, ...args: Value[]) => Value

/** The first argument is text and so are those up to `texts`. */
const onText = (run: TextFunction) => (text: Value = null, ...args: Value[]): Value => (typeof text === 'string' ? run(text, ...args) : NO_SUCH_OVERLOAD)
const asInt = (value: Value | undefined): bigint => (typeof value === 'bigint' ? value : 0n)
const asText = (value: Value | undefined): string => (typeof value === 'string' ? value : '')
const lower = (text: string): string => text.replace(/[A-Z]+/g, (found) => found.toLowerCase())
const upper = (text: string): string => text.replace(/[a-z]+/g, (found) => found.toUpperCase())

function charAt(text: string, index: bigint): Value {
  const points = [...text]
  if (index < 0n || index > BigInt(points.length)) return outOfRange(index)
  return points[Number(index)] ?? ''
}

function indexOf(text: string, part: string, from: bigint): Value {
  if (part === '') return from
  const points = [...text]
  if (from < 0n) return outOfRange(from)
  if (from >= BigInt(points.length)) return -1n
  const start = points.slice(0, Number(from)).join('').length
  const at = text.indexOf(part, start)
  return BigInt(at < 0 ? -1 : codePoints(text.slice(0, at)))
}

function lastIndexOf(text: string, part: string, from: bigint | undefined): Value {
  const length = codePoints(text)
  if (part === '') return from ?? BigInt(length)
  if (from === undefined && text.length < part.length) return -1n
  const last = from ?? BigInt(length - 1)
  if (last < 0n) return outOfRange(last)
  if (last >= BigInt(length)) return -1n
  const start = [...text].slice(0, Number(last)).join('').length
  const at = text.lastIndexOf(part, start)
  return BigInt(at < 0 ? -1 : codePoints(text.slice(0, at)))
}

function substring(text: string, start: bigint, end?: bigint): Value {
  const points = [...text]
  const length = BigInt(points.length)
  if (end !== undefined && start > end) return new CelError(`invalid substring range. start: ${start}, end: ${end}`)
  if (start < 0n || start > length) return outOfRange(start)
  if (end !== undefined && (end < 0n || end > length)) return outOfRange(end)
  return points.slice(Number(start), end === undefined ? undefined : Number(end)).join('')
}

function bounded(length: number): void {
  if (length > MAX_TEXT) throw new CostLimitExceeded()
}

/** Pieces of which there are at most `limit`; negative: no limit. Models strings.SplitN. */
function split(text: string, separator: string, limit = -1n): string[] {
  if (limit === 0n) return []
  const all = separator === '' ? [...text] : text.split(separator)
  if (limit < 0n || BigInt(all.length) <= limit) return all
  const kept = Number(limit)
  return [...all.slice(0, kept - 1), all.slice(kept - 1).join(separator)]
}

function replace(text: string, part: string, by: string, limit = -1n): Value {
  const pieces = part === '' ? ['', ...text] : text.split(part)
  const count = part === '' ? pieces.length : pieces.length - 1
  const times = limit < 0n || limit > BigInt(count) ? count : Number(limit)
  bounded(text.length + times * by.length)
  if (part === '') return pieces.map((piece, i) => piece + (i < times ? by : '')).join('')
  return pieces.map((piece, i) => piece + (i === pieces.length - 1 ? '' : i < times ? by : part)).join('')
}

const textList = (texts: readonly string[]): Value => new NativeList([...texts])

function join(list: Value = null, separator: Value = ''): Value {
  if (!(list instanceof ListValue)) return NO_SUCH_OVERLOAD
  const texts: string[] = []
  let length = 0
  for (const item of toArray(list)) {
    if (item instanceof CelError) return item
    if (typeof item !== 'string') return new CelError(`join: invalid input: ${show(item)}`)
    texts.push(item)
    bounded((length += item.length + asText(separator).length))
  }
  return texts.join(asText(separator))
}

const QUOTED: Readonly<Record<string, string>> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' }
const quote = (text: string): string => `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, (c) => QUOTED[c] ?? c)}"`

/** What Go's strings.TrimSpace takes away. */
const SPACE = '[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+'
const trim = (text: string): string => text.replace(new RegExp(`^${SPACE}`), '').replace(new RegExp(`${SPACE}$`), '')

export const STRINGS: Readonly<Record<string, (...args: Value[]) => Value>> = {
  contains_string: onText((text, part) => text.includes(asText(part))),
  starts_with_string: onText((text, part) => text.startsWith(asText(part))),
  ends_with_string: onText((text, part) => text.endsWith(asText(part))),
  matches: onText((text, pattern) => matches(text, asText(pattern))),
  matches_string: onText((text, pattern) => matches(text, asText(pattern))),
  string_char_at_int: onText((text, index) => charAt(text, asInt(index))),
  string_index_of_string: onText((text, part) => indexOf(text, asText(part), 0n)),
  string_index_of_string_int: onText((text, part, from) => indexOf(text, asText(part), asInt(from))),
  string_last_index_of_string: onText((text, part) => lastIndexOf(text, asText(part), undefined)),
  string_last_index_of_string_int: onText((text, part, from) => lastIndexOf(text, asText(part), asInt(from))),
  string_lower_ascii: onText(lower),
  string_upper_ascii: onText(upper),
  string_replace_string_string: onText((text, part, by) => replace(text, asText(part), asText(by))),
  string_replace_string_string_int: onText((text, part, by, limit) => replace(text, asText(part), asText(by), asInt(limit))),
  string_split_string: onText((text, separator) => textList(split(text, asText(separator)))),
  string_split_string_int: onText((text, separator, limit) => textList(split(text, asText(separator), asInt(limit)))),
  string_substring_int: onText((text, start) => substring(text, asInt(start))),
  string_substring_int_int: onText((text, start, end) => substring(text, asInt(start), asInt(end))),
  string_trim: onText(trim),
  strings_quote: onText(quote),
  list_join: join,
  list_join_string: join,
  string_format: onText((text, args) => (args instanceof ListValue ? formatText(text, toArray(args)) : NO_SUCH_OVERLOAD)),
  string_find_string: onText((text, pattern) => find(text, asText(pattern))),
  string_find_all_string: onText((text, pattern) => findAll(text, asText(pattern))),
  string_find_all_string_int: onText((text, pattern, limit) => findAll(text, asText(pattern), asInt(limit))),
}
