/** IP addresses, CIDRs and URLs. Models k8s.io/apiserver/pkg/cel/library/ip.go, cidr.go and urls.go. */
import { quote } from '../../errors.ts'
import { parseGoURL } from '../go-url.ts'
import { type Address, formatAddress, formatPrefix, mask, prefixContains, type Prefix, readAddress, readPrefix } from './netip.ts'
import { opaqueType, structType } from './types.ts'
import { CelError, NativeList, NativeMap, NO_SUCH_OVERLOAD, OpaqueValue, type Value } from './values.ts'

const IP_TYPE = opaqueType('net.IP')
const CIDR_TYPE = opaqueType('net.CIDR')
const URL_TYPE = structType('kubernetes.URL')

class IP extends OpaqueValue {
  readonly type = IP_TYPE
  override readonly size: number
  readonly address: Address
  constructor(address: Address) {
    super()
    this.address = address
    this.size = address.bytes.length
  }
  equals(other: Value): Value {
    return other instanceof IP ? Buffer.compare(this.address.bytes, other.address.bytes) === 0 : NO_SUCH_OVERLOAD
  }
}

class CIDR extends OpaqueValue {
  readonly type = CIDR_TYPE
  override readonly size: number
  readonly prefix: Prefix
  constructor(prefix: Prefix) {
    super()
    this.prefix = prefix
    this.size = Math.ceil(prefix.bits / 8)
  }
  equals(other: Value): Value {
    return other instanceof CIDR ? formatPrefix(this.prefix) === formatPrefix(other.prefix) : NO_SUCH_OVERLOAD
  }
}

class Url extends OpaqueValue {
  readonly type = URL_TYPE
  readonly text: string
  constructor(text: string) {
    super()
    this.text = text
  }
  equals(other: Value): Value {
    return other instanceof Url ? this.text === other.text : NO_SUCH_OVERLOAD
  }
}

/** Why Go's ParseRequestURI refuses a text. */
export function requestURIError(text: string): string | undefined {
  if (text === '') return 'parse "": empty url'
  const url = parseGoURL(text.replace('#', '%23'))
  if ('error' in url) {
    const own = parseGoURL(text)
    return 'error' in own ? own.error : url.error
  }
  return text === '*' || text.startsWith('/') || url.scheme ? undefined : `parse ${quote(text)}: invalid URI for request`
}

function makeUrl(text: Value = ''): Value {
  if (typeof text !== 'string') return NO_SUCH_OVERLOAD
  const error = requestURIError(text)
  return error === undefined ? new Url(text) : new CelError(`URL parse error during conversion from string: ${error}`)
}

function authorityOf(text: string): { scheme: string; host: string; rest: string } {
  const [, scheme = '', , authority = '', rest = ''] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(\/\/([^/?#]*))?([^]*)$/.exec(text) ?? []
  return { scheme: scheme.toLowerCase(), host: authority.slice(authority.lastIndexOf('@') + 1), rest: rest ?? '' }
}

const hostname = (host: string): string => {
  const bare = host.replace(/:[0-9]*$/, '')
  return bare.startsWith('[') && bare.endsWith(']') ? bare.slice(1, -1) : bare
}

/** Percent escapes and plus signs resolved; undefined if they are wrong. */
function queryUnescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function queryOf(text: string): Value {
  const query = /\?([^#]*)/.exec(text)?.[1] ?? ''
  const values = new Map<string, Value[]>()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const at = pair.indexOf('=')
    const key = queryUnescape(at < 0 ? pair : pair.slice(0, at))
    const value = queryUnescape(at < 0 ? '' : pair.slice(at + 1))
    if (key !== undefined && value !== undefined) values.set(key, [...(values.get(key) ?? []), value])
  }
  const map = new NativeMap()
  for (const [key, items] of values) map.set(key, new NativeList(items))
  return map
}

const pathOf = (text: string): string => {
  const { rest, scheme } = authorityOf(text)
  const path = rest.replace(/[?#][^]*$/, '')
  return scheme && !path.startsWith('/') ? '' : path
}

const onUrl = (run: (text: string) => Value) => (url: Value = null): Value => (url instanceof Url ? run(url.text) : NO_SUCH_OVERLOAD)
const onIP = (run: (bytes: Uint8Array, address: Address) => Value) => (ip: Value = null): Value => (ip instanceof IP ? run(ip.address.bytes, ip.address) : NO_SUCH_OVERLOAD)
const onCIDR = (run: (prefix: Prefix, other: Value) => Value) => (cidr: Value = null, other: Value = null): Value => (cidr instanceof CIDR ? run(cidr.prefix, other) : NO_SUCH_OVERLOAD)

function withAddress(text: Value, run: (address: Address) => Value): Value {
  if (typeof text !== 'string') return NO_SUCH_OVERLOAD
  const address = readAddress(text)
  return 'error' in address ? new CelError(address.error) : run(address)
}

function withPrefix(text: Value, run: (prefix: Prefix) => Value): Value {
  if (typeof text !== 'string') return NO_SUCH_OVERLOAD
  const prefix = readPrefix(text)
  return 'error' in prefix ? new CelError(prefix.error) : run(prefix)
}

/** What is no address is to upstream an argument of another type. */
const unlessError = (value: Value): Value => (value instanceof CelError ? NO_SUCH_OVERLOAD : value)

const isUnspecified = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)
const isLoopback = (bytes: Uint8Array): boolean => (bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0)))
const isLinkLocal = ([a = 0, b = 0, ...rest]: Uint8Array): boolean => (rest.length === 2 ? a === 169 && b === 254 : a === 0xfe && (b & 0xc0) === 0x80)
const isMulticast = (bytes: Uint8Array): boolean => (bytes.length === 4 ? ((bytes[0] ?? 0) & 0xf0) === 0xe0 : bytes[0] === 0xff)
const isLinkLocalMulticast = ([a = 0, b = 0, c = 0, ...rest]: Uint8Array): boolean => (rest.length === 1 ? a === 224 && b === 0 && c === 0 : a === 0xff && (b & 0x0f) === 2)
const isBroadcast = (bytes: Uint8Array): boolean => bytes.length === 4 && bytes.every((byte) => byte === 255)
const isGlobal = (bytes: Uint8Array): boolean => !isUnspecified(bytes) && !isBroadcast(bytes) && !isLoopback(bytes) && !isMulticast(bytes) && !isLinkLocal(bytes)
const containsPrefix = (outer: Prefix, inner: Prefix): boolean => outer.bits <= inner.bits && prefixContains(outer, inner.address)

export const NETWORK: Readonly<Record<string, (...args: Value[]) => Value>> = {
  string_to_ip: (text = '') => withAddress(text, (address) => new IP(address)),
  is_ip: (text = '') => withAddress(text, () => true) === true,
  ip_is_canonical: (text = '') => withAddress(text, (address) => formatAddress(address) === text),
  ip_to_string: onIP((_bytes, address) => formatAddress(address)),
  ip_family: onIP((bytes) => (bytes.length === 4 ? 4n : 6n)),
  ip_is_unspecified: onIP(isUnspecified),
  ip_is_loopback: onIP(isLoopback),
  ip_is_link_local_multicast: onIP(isLinkLocalMulticast),
  ip_is_link_local_unicast: onIP(isLinkLocal),
  ip_is_global_unicast: onIP(isGlobal),
  string_to_cidr: (text = '') => withPrefix(text, (prefix) => new CIDR(prefix)),
  is_cidr: (text = '') => withPrefix(text, () => true) === true,
  cidr_to_string: onCIDR((prefix) => formatPrefix(prefix)),
  cidr_ip: onCIDR((prefix) => new IP(prefix.address)),
  cidr_masked: onCIDR((prefix) => new CIDR(mask(prefix))),
  cidr_prefix_length: onCIDR((prefix) => BigInt(prefix.bits)),
  cidr_contains_ip_string: onCIDR((prefix, text) => unlessError(withAddress(text, (address) => prefixContains(prefix, address)))),
  cidr_contains_ip_ip: onCIDR((prefix, ip) => (ip instanceof IP ? prefixContains(prefix, ip.address) : NO_SUCH_OVERLOAD)),
  cidr_contains_cidr_string: onCIDR((prefix, text) => withPrefix(text, (inner) => containsPrefix(prefix, inner))),
  cidr_contains_cidr: onCIDR((prefix, cidr) => (cidr instanceof CIDR ? containsPrefix(prefix, cidr.prefix) : NO_SUCH_OVERLOAD)),
  string_to_url: makeUrl,
  is_url_string: (text = '') => typeof text === 'string' && requestURIError(text) === undefined,
  url_get_scheme: onUrl((text) => authorityOf(text).scheme),
  url_get_host: onUrl((text) => authorityOf(text).host),
  url_get_hostname: onUrl((text) => hostname(authorityOf(text).host)),
  url_get_port: onUrl((text) => /:([0-9]*)$/.exec(authorityOf(text).host)?.[1] ?? ''),
  url_get_escaped_path: onUrl(pathOf),
  url_get_query: onUrl(queryOf),
}
