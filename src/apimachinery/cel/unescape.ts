/** The values of string and bytes literals. Models cel-go's parser/unescape.go. */

const SIMPLE: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
const encoder = new TextEncoder()

function contentOf(literal: string): { content: string; isRaw: boolean } {
  const text = literal.replace(/\r\n?/g, '\n')
  const isRaw = /^[rR]/.test(text)
  const quoted = isRaw ? text.slice(1) : text
  const quotes = quoted.length >= 6 && /^("""|''')/.test(quoted) ? 3 : 1
  return { content: quoted.slice(quotes, -quotes), isRaw }
}

/** Pieces between escapes, and what each escape stands for. */
function unescapeParts(content: string, take: { text(text: string): void; code(code: number, isByte: boolean): void }): void {
  const pattern = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))|[^\\]+/gsu
  for (const [whole, x, u, U, octal, simple] of content.matchAll(pattern)) {
    if (x !== undefined) take.code(Number.parseInt(x, 16), true)
    else if (octal !== undefined) take.code(Number.parseInt(octal, 8), true)
    else if (u !== undefined || U !== undefined) take.code(Number.parseInt(u ?? U ?? '', 16), false)
    else take.text(simple === undefined ? whole : (SIMPLE[simple] ?? simple))
  }
}

export function unescapeString(literal: string): string | { error: string } {
  const { content, isRaw } = contentOf(literal)
  if (isRaw || !content.includes('\\')) return content
  let value = ''
  let isValid = true
  unescapeParts(content, {
    text: (text) => void (value += text),
    code(code) {
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) isValid = false
      else value += String.fromCodePoint(code)
    },
  })
  return isValid ? value : { error: 'invalid unicode code point' }
}

/** `literal` without its leading b. */
export function unescapeBytes(literal: string): Uint8Array | { error: string } {
  const { content, isRaw } = contentOf(literal)
  if (isRaw) return encoder.encode(content)
  const bytes: number[] = []
  let isValid = true
  unescapeParts(content, {
    text: (text) => void bytes.push(...encoder.encode(text)),
    code(code, isByte) {
      if (isByte) bytes.push(code)
      else isValid = false
    },
  })
  return isValid ? Uint8Array.from(bytes) : { error: 'unable to unescape string' }
}
