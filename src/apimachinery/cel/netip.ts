/** Addresses and prefixes, strictly read, refused in Go's words. Models net/netip. */
import { quote } from '../../errors.ts'

export interface Address {
  /** 4 or 16 of them. */
  readonly bytes: Uint8Array
}
export interface Prefix {
  readonly address: Address
  readonly bits: number
}
type Failure = { error: string }

export class NetipError extends Error {}

function failure(text: string, message: string, at?: string): NetipError {
  return new NetipError(`ParseAddr(${quote(text)}): ${message}${at === undefined || at === '' ? '' : ` (at ${quote(at)})`}`)
}

function parseIPv4(whole: string, text: string): number[] {
  const bytes: number[] = []
  let value = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ''
    if (/[0-9]/.test(c)) {
      if (digits === 1 && value === 0) throw failure(whole, 'IPv4 field has octet with leading zero')
      value = value * 10 + Number(c)
      digits++
      if (value > 255) throw failure(whole, 'IPv4 field has value >255')
    } else if (c === '.') {
      if (i === 0 || i === text.length - 1 || text[i - 1] === '.') throw failure(whole, 'IPv4 field must have at least one digit', text.slice(i))
      if (bytes.length === 3) throw failure(whole, 'IPv4 address too long')
      bytes.push(value)
      value = digits = 0
    } else throw failure(whole, 'unexpected character', text.slice(i))
  }
  if (bytes.length < 3) throw failure(whole, 'IPv4 address too short')
  return [...bytes, value]
}

function parseIPv6(whole: string): number[] {
  let text = whole
  const bytes: number[] = []
  let gap = -1
  if (text.startsWith('::')) {
    gap = 0
    text = text.slice(2)
    if (text === '') return Array<number>(16).fill(0)
  }
  while (bytes.length < 16) {
    const digits = /^[0-9a-fA-F]*/.exec(text)?.[0] ?? ''
    if (digits.length > 4) throw failure(whole, 'each group must have 4 or less digits', text)
    if (digits === '') throw failure(whole, 'each colon-separated field must have at least one digit', text)
    if (text[digits.length] === '.') {
      if (gap < 0 && bytes.length !== 12) throw failure(whole, 'embedded IPv4 address must replace the final 2 fields of the address', text)
      if (bytes.length + 4 > 16) throw failure(whole, 'too many hex fields to fit an embedded IPv4 at the end of the address', text)
      bytes.push(...parseIPv4(whole, text))
      text = ''
      break
    }
    const group = Number.parseInt(digits, 16)
    bytes.push(group >> 8, group & 255)
    text = text.slice(digits.length)
    if (text === '') break
    if (text[0] !== ':') throw failure(whole, 'unexpected character, want colon', text)
    if (text.length === 1) throw failure(whole, 'colon must be followed by more characters', text)
    text = text.slice(1)
    if (text[0] !== ':') continue
    if (gap >= 0) throw failure(whole, 'multiple :: in address', text)
    gap = bytes.length
    text = text.slice(1)
    if (text === '') break
  }
  if (text !== '') throw failure(whole, 'trailing garbage after address', text)
  if (bytes.length === 16) {
    if (gap >= 0) throw failure(whole, 'the :: must expand to at least one field of zeros')
    return bytes
  }
  if (gap < 0) throw failure(whole, 'address string too short')
  return [...bytes.slice(0, gap), ...Array<number>(16 - bytes.length).fill(0), ...bytes.slice(gap)]
}

/** Throws NetipError. */
function parseAddress(text: string): { address: Address; zone: string } {
  const sign = /[.:%]/.exec(text)?.[0]
  if (sign === '.') return { address: { bytes: Uint8Array.from(parseIPv4(text, text)) }, zone: '' }
  if (sign === '%') throw failure(text, 'missing IPv6 address')
  if (sign !== ':') throw failure(text, 'unable to parse IP')
  const at = text.indexOf('%')
  if (at >= 0 && at === text.length - 1) throw failure(text, 'zone must be a non-empty string')
  const zone = at < 0 ? '' : text.slice(at + 1)
  return { address: { bytes: Uint8Array.from(parseIPv6(at < 0 ? text : text.slice(0, at))) }, zone }
}

export const is4In6 = ({ bytes }: Address): boolean => bytes.length === 16 && bytes.slice(0, 12).every((b, i) => b === (i < 10 ? 0 : 0xff))

/** What expressions may use: neither zones nor mapped addresses. */
export function readAddress(text: string): Address | Failure {
  try {
    const { address, zone } = parseAddress(text)
    if (zone) return { error: `IP address ${quote(text)} with zone value is not allowed` }
    return is4In6(address) ? { error: `IPv4-mapped IPv6 address ${quote(text)} is not allowed` } : address
  } catch (error) {
    if (error instanceof NetipError) return { error: `IP Address ${quote(text)} parse error during conversion from string: ${error.message}` }
    throw error
  }
}

/** Upstream says it twice. */
const CIDR_FAILURE = 'network address parse error during conversion from string: '.repeat(2)

function parsePrefix(text: string): Prefix {
  const fail = (message: string): NetipError => new NetipError(`netip.ParsePrefix(${quote(text)}): ${message}`)
  const slash = text.lastIndexOf('/')
  if (slash < 0) throw fail("no '/'")
  let parsed: { address: Address; zone: string }
  try {
    parsed = parseAddress(text.slice(0, slash))
  } catch (error) {
    throw error instanceof NetipError ? fail(error.message) : error
  }
  if (parsed.zone) throw fail('IPv6 zones cannot be present in a prefix')
  const bits = text.slice(slash + 1)
  if (!/^[0-9]+$/.test(bits) || (bits.length > 1 && /^0/.test(bits)) || bits.length > 9) throw fail(`bad bits after slash: ${quote(bits)}`)
  if (Number(bits) > parsed.address.bytes.length * 8) throw fail('prefix length out of range')
  return { address: parsed.address, bits: Number(bits) }
}

export function readPrefix(text: string): Prefix | Failure {
  try {
    const prefix = parsePrefix(text)
    return is4In6(prefix.address) ? { error: `network address parse error during conversion from string: IPv4-mapped IPv6 address ${quote(text)} is not allowed` } : prefix
  } catch (error) {
    if (error instanceof NetipError) return { error: `${CIDR_FAILURE}${error.message}` }
    throw error
  }
}

export function formatAddress({ bytes }: Address): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  let best = { start: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    if (end > i) i = end
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  return best.start < 0 ? hex(groups) : `${hex(groups.slice(0, best.start))}::${hex(groups.slice(best.start + best.length))}`
}

export const formatPrefix = ({ address, bits }: Prefix): string => `${formatAddress(address)}/${bits}`

export function mask({ address, bits }: Prefix): Prefix {
  const bytes = address.bytes.map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, bits - 8 * i))))
  return { address: { bytes }, bits }
}

export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.address.bytes.length !== address.bytes.length) return false
  return Buffer.compare(mask(prefix).address.bytes, mask({ address, bits: prefix.bits }).address.bytes) === 0
}
