/** The formats of texts that custom resources are checked against. Models k8s.io/kube-openapi/pkg/validation/strfmt. */
import { parseDuration } from '../go-duration.ts'
import { parseGoURL } from '../go-url.ts'
import { parseCIDR, parseIP } from '../ip-address.ts'

const HOSTNAME =
  /^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([-a-zA-Z0-9\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$/u
const MAX_HOSTNAME = 255
const MAX_LABEL = 63
const MAX_LONG_NAME = 253
const CARD = /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/
const BYTE_COLOR = String.raw`(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])`
const RGB = new RegExp(String.raw`^rgb\(\s*${BYTE_COLOR}\s*,\s*${BYTE_COLOR}\s*,\s*${BYTE_COLOR}\s*\)$`)
const TIME = /^(\d{2}):(\d{2}):(\d{2})(.\d+)?(z|([+-]\d{2}:\d{2}))$/
const MAC = /^([\da-f]{2}([:-]))(?:[\da-f]{2}\2)*[\da-f]{2}$|^[\da-f]{4}(?:\.[\da-f]{4})+$/i
const MAC_BYTES = [6, 8, 20]
/** Units as a Scala duration writes them; a unit that begins with the last of its line will do. */
const UNITS = ['ns nano', 'us µs micro', 'ms milli', 's sec', 'm min', 'h hr hour', 'd day', 'w wk week'].map((line) => line.split(' '))

const uuid = (version: string, variant: string): RegExp => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}-?${variant}-?[0-9a-f]{12}$`, 'i')
const HEX4 = '[0-9a-f]{4}'
const VARIANT = '[89ab][0-9a-f]{3}'
const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text)

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matches(/^[0-9a-f]{24}$/i),
  uri: isRequestURI,
  email: isEmail,
  hostname: (text) => HOSTNAME.test(text) && Buffer.byteLength(text) <= MAX_HOSTNAME && text.split('.').every((label) => Buffer.byteLength(label) <= MAX_LABEL),
  ipv4: (text) => text.includes('.') && parseIP(text) !== undefined,
  ipv6: (text) => text.includes(':') && parseIP(text) !== undefined,
  cidr: (text) => parseCIDR(text) !== undefined,
  mac: (text) => MAC.test(text) && MAC_BYTES.includes(text.replace(/[:.-]/g, '').length / 2),
  uuid: matches(uuid(HEX4, HEX4)),
  uuid3: matches(uuid('3[0-9a-f]{3}', HEX4)),
  uuid4: matches(uuid('4[0-9a-f]{3}', VARIANT)),
  uuid5: matches(uuid('5[0-9a-f]{3}', VARIANT)),
  isbn: (text) => isISBN10(text) || isISBN13(text),
  isbn10: isISBN10,
  isbn13: isISBN13,
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]\d{2}[- ]\d{4}$/),
  hexcolor: matches(/^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: matches(RGB),
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  datetime: isDateTime,
  duration: isDuration,
  k8sshortname: (text) => text.length <= MAX_LABEL && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  k8slongname: (text) => text.length <= MAX_LONG_NAME && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
}

/** @param format a known one; dashes do not count */
export function hasFormat(format: string, text: string): boolean {
  return FORMATS[format.replaceAll('-', '')]?.(text) ?? true
}

function isRequestURI(text: string): boolean {
  if (text === '') return false
  // a fragment is no part of what requests name
  const url = parseGoURL(text.replaceAll('#', '%23'))
  return !('error' in url) && (url.scheme !== '' || text.startsWith('/') || text === '*')
}

/** An address as headers of mails have it: `a@b.c`, `Name <a@b.c>`. */
function isEmail(text: string): boolean {
  const address = /^\s*(?:(?:"(?:[^"\\]|\\.)*"|[^<>"@,;:\\[\]()]*)\s*<([^<>]*)>|([^<>]*))\s*$/.exec(text)
  const spec = (address?.[1] ?? address?.[2] ?? '').trim()
  const atom = String.raw`[^\s()<>\[\]:;@\\,."\x00-\x1f\x7f]+`
  return new RegExp(String.raw`^(?:${atom}(?:\.${atom})*|"(?:[^"\\]|\\.)*")@(?:${atom}(?:\.${atom})*|\[[^\[\]\\]*\])$`).test(spec)
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!match) return false
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number]
  const date = new Date(Date.UTC(2000, 0, 1))
  date.setUTCFullYear(year, month - 1, day)
  return month >= 1 && month <= 12 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && day > 0
}

function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.toLowerCase().split('t')
  if (!isDate(date)) return false
  const [, hours = '99', minutes = '99', seconds = '99'] = TIME.exec(time) ?? []
  return hours <= '23' && minutes <= '59' && seconds <= '59'
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text)
    return true
  } catch {
    return [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, unit = '']) => isUnit(unit.toLowerCase()))
  }
}

const isUnit = (unit: string): boolean => UNITS.some((names) => names.includes(unit) || unit.startsWith(names.at(-1) ?? ''))

function isISBN10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^(?:\d{9}X|\d{10})$/.test(digits)) return false
  return [...digits].reduce((sum, d, i) => sum + (i + 1) * (d === 'X' ? 10 : Number(d)), 0) % 11 === 0
}

function isISBN13(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  return /^\d{13}$/.test(digits) && [...digits].reduce((sum, d, i) => sum + (i % 2 ? 3 : 1) * Number(d), 0) % 10 === 0
}

/** A number of a known issuer whose check digit is right. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/\D+/g, '')
  if (!CARD.test(digits)) return false
  const doubled = (n: number): number => (n > 4 ? n * 2 - 9 : n * 2)
  return [...digits].reverse().reduce((sum, d, i) => sum + (i % 2 ? doubled(Number(d)) : Number(d)), 0) % 10 === 0
}
