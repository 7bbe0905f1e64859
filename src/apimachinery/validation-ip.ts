/**
 * Which texts are IP addresses and prefixes, for new fields (canonical only) and for old ones (lenient, with warnings).
 * Models k8s.io/apimachinery/pkg/util/validation/ip.go.
 */
import { field, quote, type FieldError } from '../errors.ts'
import { formatCIDR, formatIP, isIPv4, isStrictIP, parseCIDR, parseIP, sameIP } from './ip-address.ts'

interface LegacyOptions {
  strict?: boolean
  /** Values the old object has; these are never refused. */
  oldValues?: readonly string[]
}

export function isValidIP(path: string, value: string): FieldError[] {
  const errors = checkIP(path, value, true)
  const ip = parseIP(value)
  if (errors.length || !ip) return errors
  return formatIP(ip) === value ? [] : [field.invalid(path, value, `must be in canonical form (${quote(formatIP(ip))})`)]
}

export function isValidIPForLegacyField(path: string, value: string, { strict = false, oldValues = [] }: LegacyOptions = {}): FieldError[] {
  return oldValues.includes(value) ? [] : checkIP(path, value, strict)
}

function checkIP(path: string, value: string, strict: boolean): FieldError[] {
  const ip = parseIP(value)
  if (!ip) return [field.invalid(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]
  if (!strict) return []
  if (!isStrictIP(value)) return [field.invalid(path, value, 'must not have leading 0s')]
  return isMapped(value) ? [field.invalid(path, value, 'must not be an IPv4-mapped IPv6 address')] : []
}

/** An IPv4 address written as an IPv6 one. */
function isMapped(value: string): boolean {
  const ip = parseIP(value)
  return ip !== undefined && value.includes(':') && isIPv4(ip)
}

export function isValidCIDR(path: string, value: string): FieldError[] {
  const errors = checkCIDR(path, value, true)
  const prefix = parseCIDR(value)
  if (errors.length || !prefix) return errors
  return formatCIDR(prefix) === value ? [] : [field.invalid(path, value, `must be in canonical form (${quote(formatCIDR(prefix))})`)]
}

export function isValidCIDRForLegacyField(path: string, value: string, { strict = false, oldValues = [] }: LegacyOptions = {}): FieldError[] {
  return oldValues.includes(value) ? [] : checkCIDR(path, value, strict)
}

function checkCIDR(path: string, value: string, strict: boolean): FieldError[] {
  const prefix = parseCIDR(value)
  if (!prefix) return [field.invalid(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
  if (!strict) return []
  if (!isStrictCIDR(value)) return [field.invalid(path, value, 'must not have leading 0s in IP or prefix length')]
  if (isMapped(addressOf(value))) return [field.invalid(path, value, 'must not have an IPv4-mapped IPv6 address')]
  return sameIP(prefix.ip, prefix.network) ? [] : [field.invalid(path, value, 'must not have bits set beyond the prefix length')]
}

const addressOf = (cidr: string): string => cidr.slice(0, cidr.indexOf('/'))

function isStrictCIDR(value: string): boolean {
  return isStrictIP(addressOf(value)) && !/\/0[0-9]/.test(value)
}

export function warningsForIP(path: string, value: string): string[] {
  const ip = parseIP(value)
  if (!ip) return []
  const text = formatIP(ip)
  if (!isStrictIP(value) || isMapped(value)) return [`${path}: non-standard IP address ${quote(value)} is invalid: use ${quote(text)}`]
  if (!isIPv4(ip) && text !== value) return [`${path}: IPv6 address ${quote(value)} should be in RFC 5952 canonical format (${quote(text)})`]
  return []
}

export function warningsForCIDR(path: string, value: string): string[] {
  const prefix = parseCIDR(value)
  if (!prefix) return []
  const warnings: string[] = []
  const text = formatCIDR(prefix)
  if (!sameIP(prefix.ip, prefix.network)) {
    const single = `${formatIP(prefix.ip)}/${prefix.addressBits}`
    warnings.push(`${path}: CIDR value ${quote(value)} is ambiguous in this context (should be ${quote(text)} or ${quote(single)}?)`)
  }
  if (!isStrictCIDR(value) || isMapped(addressOf(value))) warnings.push(`${path}: non-standard CIDR value ${quote(value)} is invalid: use ${quote(text)}`)
  const written = `${formatIP(prefix.ip)}/${prefix.prefixLength}`
  if (warnings.length === 0 && prefix.addressBits === 128 && written !== value) {
    warnings.push(`${path}: IPv6 CIDR value ${quote(value)} should be in RFC 5952 canonical format (${quote(written)})`)
  }
  return warnings
}

/** An address with the length of its network, `10.9.8.7/24`. */
export function isValidInterfaceAddress(path: string, value: string): FieldError[] {
  const prefix = parseCIDR(value)
  if (!prefix) return [field.invalid(path, value, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')]
  const mapped = prefix.addressBits === 128 && isIPv4(prefix.ip)
  const length = mapped && prefix.prefixLength > 32 ? prefix.prefixLength - 96 : prefix.prefixLength
  const canonical = `${formatIP(prefix.ip)}/${length}`
  return canonical === value ? [] : [field.invalid(path, value, `must be in canonical form (${quote(canonical)})`)]
}
