/**
 * IP addresses and prefixes as bytes. `parseIP` is lenient (leading zeros) as old fields need, `isStrictIP` is not.
 * Models k8s.io/utils/net (ParseIPSloppy, ParseCIDRSloppy) and Go's net.IP.String.
 */

/** Always 16 bytes; IPv4 addresses are mapped (::ffff:a.b.c.d). */
export type IPAddress = Uint8Array

export interface IPPrefix {
  /** As written, with bits past the prefix. */
  ip: IPAddress
  /** With those bits cleared. */
  network: IPAddress
  prefixLength: number
  /** 32 for one written as IPv4, else 128. */
  addressBits: 32 | 128
}

/** Nothing if the text is no address. */
export function parseIP(text: string): IPAddress | undefined {
  const sign = /[.:]/.exec(text)?.[0]
  return sign === '.' ? parseIPv4(text) : sign === ':' ? parseIPv6(text) : undefined
}

function parseIPv4(text: string): IPAddress | undefined {
  const match = /^([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(text)
  if (!match) return undefined
  const bytes = match.slice(1).map(Number)
  return bytes.every((b) => b <= 255) ? Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes]) : undefined
}

function parseIPv6(text: string): IPAddress | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, i) => groups(half, i === halves.length - 1))
  if (!head || (halves.length === 2 && !tail)) return undefined
  const rest = tail ?? []
  const missing = 16 - head.length - rest.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return Uint8Array.from([...head, ...Array<number>(missing).fill(0), ...rest])
}

/** The bytes of groups between colons; the last one may be a dotted IPv4 address. */
function groups(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = isLast && i === parts.length - 1 ? parseIPv4(part) : undefined
      if (!v4) return undefined
      bytes.push(...v4.subarray(12))
      continue
    }
    const value = /^[0-9a-fA-F]+$/.test(part) ? parseInt(part, 16) : Infinity
    if (value > 0xffff) return undefined
    bytes.push(value >> 8, value & 255)
  }
  return bytes
}

export function parseCIDR(text: string): IPPrefix | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const address = text.slice(0, slash)
  const length = text.slice(slash + 1)
  const v4 = parseIPv4(address)
  const ip = v4 ?? parseIPv6(address)
  const addressBits = v4 ? 32 : 128
  if (!ip || !/^[0-9]+$/.test(length) || Number(length) > addressBits) return undefined
  const prefixLength = Number(length)
  return { ip, network: masked(ip, prefixLength + 128 - addressBits), prefixLength, addressBits }
}

function masked(ip: IPAddress, bits: number): IPAddress {
  return ip.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))))
}

/** Whether the 16 bytes hold an IPv4 address. */
export function isIPv4(ip: IPAddress): boolean {
  return ip.subarray(0, 10).every((b) => b === 0) && ip[10] === 0xff && ip[11] === 0xff
}

/** The canonical text; a mapped IPv4 address comes out dotted. */
export function formatIP(ip: IPAddress): string {
  if (isIPv4(ip)) return ip.subarray(12).join('.')
  const words = Array.from({ length: 8 }, (_, i) => ((ip[2 * i] ?? 0) << 8) | (ip[2 * i + 1] ?? 0))
  let gap = { start: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && words[end] === 0) end++
    if (end - i > gap.length) gap = { start: i, length: end - i }
    i = Math.max(i, end - 1)
  }
  const hex = (part: number[]): string => part.map((w) => w.toString(16)).join(':')
  return gap.start < 0 ? hex(words) : `${hex(words.slice(0, gap.start))}::${hex(words.slice(gap.start + gap.length))}`
}

/** The prefix in canonical text, its host bits cleared; one of IPv4-mapped addresses comes out as IPv4. */
export function formatCIDR({ network, prefixLength, addressBits }: IPPrefix): string {
  return `${formatIP(network)}/${addressBits === 128 && isIPv4(network) ? prefixLength - 96 : prefixLength}`
}

/** Whether Go's netip would take the text too: no leading zeros in dotted parts, at most four digits a group. */
export function isStrictIP(text: string): boolean {
  const dotted = text.includes('.') ? text.slice(text.lastIndexOf(':') + 1) : ''
  if (dotted && !/^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){3}$/.test(dotted)) return false
  return !/[0-9a-fA-F]{5,}/.test(dotted ? text.slice(0, -dotted.length) : text)
}

export function sameIP(a: IPAddress, b: IPAddress): boolean {
  return a.every((byte, i) => byte === b[i])
}

/** The address `n` units after this one, a unit being what the byte at `unit` counts: 15 for addresses, 7 for IPv6 blocks of 64 bits. */
export function addressAfter(ip: IPAddress, n: number, unit = 15): IPAddress {
  const bytes = ip.slice()
  for (let i = unit, rest = n; i >= 0 && rest > 0; i--) {
    const sum = (bytes[i] ?? 0) + (rest % 256)
    bytes[i] = sum % 256
    rest = Math.floor(rest / 256) + (sum > 255 ? 1 : 0)
  }
  return bytes
}

/** The nth address of a range. The first one of the Services' the API server keeps for itself, the tenth is its DNS' in most clusters. */
export function nthAddress(cidr: string, n: number): string {
  const network = parseCIDR(cidr)?.network
  if (!network) throw new Error(`not an address range: ${cidr}`)
  return formatIP(addressAfter(network, n))
}

/** How many addresses before it the prefix has; nothing for one outside of it. Past 2^53 it is not exact. */
export function offsetIn(prefix: IPPrefix, ip: IPAddress): number | undefined {
  if (!prefixContains(prefix, ip)) return undefined
  return ip.reduce((sum, byte, i) => sum * 256 + (byte - (prefix.network[i] ?? 0)), 0)
}

export type IPFamily = 'IPv4' | 'IPv6'

/** The family of an address or a prefix as it is written. */
export function familyOf(text: string): IPFamily {
  return text.includes(':') ? 'IPv6' : 'IPv4'
}

/** Whether the prefix holds the address. */
export function prefixContains({ network, prefixLength, addressBits }: IPPrefix, ip: IPAddress): boolean {
  return isIPv4(ip) === (addressBits === 32) && sameIP(masked(ip, prefixLength + 128 - addressBits), network)
}
