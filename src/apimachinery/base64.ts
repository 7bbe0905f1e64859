/** Bytes in JSON: base64 that is checked as Go's decoder checks it, and rewritten in canonical form. */
import { ParseError } from './parse-error.ts'

/** Throws ParseError. */
export function canonicalBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64')
  const canonical = bytes.toString('base64')
  if (canonical === text) return text
  const position = firstCorruptByte(Buffer.from(text))
  if (position !== undefined) throw new ParseError(`illegal base64 data at input byte ${position}`)
  return canonical
}

const isNewline = (byte: number | undefined): boolean => byte === 10 || byte === 13
const isDigit = (byte: number): boolean => (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === 43 || byte === 47
const PAD = 61

/** Where Go's base64.StdEncoding gives up, if it does; newlines are skipped. */
function firstCorruptByte(bytes: Uint8Array): number | undefined {
  let inGroup = 0
  let at = 0
  const skipNewlines = (): void => {
    while (isNewline(bytes[at])) at++
  }
  for (;;) {
    const byte = bytes[at]
    if (byte === undefined) return inGroup === 0 ? undefined : at - inGroup
    at++
    if (isNewline(byte)) continue
    if (isDigit(byte)) {
      inGroup = (inGroup + 1) % 4
      continue
    }
    if (byte !== PAD || inGroup < 2) return at - 1
    if (inGroup === 2) {
      skipNewlines()
      if (at === bytes.length) return at
      if (bytes[at] !== PAD) return at - 1
      at++
    }
    skipNewlines()
    return at < bytes.length ? at : undefined
  }
}
