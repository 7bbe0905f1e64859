/** What YAML may be written with. Models the reader of go.yaml.in/yaml/v2 (readerc.go), which refuses what is none before anybody looks at its meaning. */
import { isUtf8 } from 'node:buffer'
import { ParseError } from './parse-error.ts'

const FORBIDDEN = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/** @param bytes as they came @throws ParseError */
export function checkYAMLBytes(bytes: Uint8Array, text: string): void {
  if (isUtf8(bytes)) return checkYAMLText(text)
  const { problem, at } = firstBadOctet(bytes)
  checkYAMLText(Buffer.from(bytes.buffer, bytes.byteOffset, at).toString())
  throw new ParseError(`yaml: ${problem}`)
}

function checkYAMLText(text: string): void {
  if (FORBIDDEN.test(text)) throw new ParseError('yaml: control characters are not allowed')
}

/** How many bytes a character has whose first is this one; 0 for none. */
function widthOf(octet: number): number {
  if (octet < 0x80) return 1
  if ((octet & 0xe0) === 0xc0) return 2
  if ((octet & 0xf0) === 0xe0) return 3
  return (octet & 0xf8) === 0xf0 ? 4 : 0
}

/** Of bytes that are no UTF-8. */
function firstBadOctet(bytes: Uint8Array): { problem: string; at: number } {
  let at = 0
  for (;;) {
    const width = widthOf(bytes[at] ?? 0)
    if (width === 0) return { problem: 'invalid leading UTF-8 octet', at }
    if (at + width > bytes.length) return { problem: 'incomplete UTF-8 octet sequence', at }
    for (let i = 1; i < width; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return { problem: 'invalid trailing UTF-8 octet', at }
    const value = codePoint(bytes, at, width)
    if (value < (SMALLEST[width] ?? 0)) return { problem: 'invalid length of a UTF-8 sequence', at }
    if ((value >= 0xd800 && value <= 0xdfff) || value > 0x10ffff) return { problem: 'invalid Unicode character', at }
    at += width
    if (at >= bytes.length) return { problem: 'incomplete UTF-8 octet sequence', at }
  }
}

/** What needs so many bytes. */
const SMALLEST: readonly number[] = [0, 0, 0x80, 0x800, 0x10000]

function codePoint(bytes: Uint8Array, at: number, width: number): number {
  const first = bytes[at] ?? 0
  let value = width === 1 ? first : first & (0xff >> (width + 1))
  for (let i = 1; i < width; i++) value = (value << 6) | ((bytes[at + i] ?? 0) & 0x3f)
  return value
}
