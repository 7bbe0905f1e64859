/** Email addresses as Go reads them: `a@b`, `"odd local part"@b`, `Some Name <a@b> (comment)`. Models net/mail.ParseAddress. */
import { compileGoRegexp } from '../go-regexp.ts'
import { isStrictIP, parseIP } from '../ip-address.ts'

const ATEXT = String.raw`[^\x00-\x20\x7f()<>\[\]:;@\\,".]`
const DOT_ATOM = `${ATEXT}+(?:\\.${ATEXT}+)*`
const QUOTED_CHAR = String.raw`(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])`
const SPACE = '[ \\t]*'
const LITERAL = String.raw`\[[^\x00-\x20\x7f\[\]\\]*\]`
const ADDRESS = `${SPACE}(?:${DOT_ATOM}|"${QUOTED_CHAR}+")@${SPACE}(?:${DOT_ATOM}|${LITERAL})`
const COMMENT = String.raw`\((?:[^()\\]|\\.)*\)`
const SKIPPED = `(?:[ \\t]|${COMMENT})*`
const WORD = `(?:(?:${ATEXT}|\\.)+|"${QUOTED_CHAR}*")`

/** Not JavaScript's: these patterns would let a hostile text keep it busy. */
const EMAIL = compileGoRegexp(`^(?:${ADDRESS}|(?:${SPACE}${WORD}(?:${SKIPPED}${WORD})*)?${SPACE}<${ADDRESS}>)${SKIPPED}$`)

export function isEmail(text: string): boolean {
  if ('error' in EMAIL || !EMAIL.test(text)) return false
  const literal = /@[ \t]*\[([^\]]*)\][^"]*$/.exec(text)?.[1]
  return literal === undefined || (parseIP(literal) !== undefined && isStrictIP(literal))
}
