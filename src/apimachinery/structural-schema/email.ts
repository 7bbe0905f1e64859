/** Email addresses as Go reads them: `a@b`, `"odd local part"@b`, `Some Name <a@b> (comment)`. Models net/mail.ParseAddress. */
import { isStrictIP } from '../ip-address.ts'

const ATEXT = String.raw`[^\x00-\x20\x7f()<>\[\]:;@\\,".]`
const DOT_ATOM = `${ATEXT}+(?:\\.${ATEXT}+)*`
const QUOTED = String.raw`"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x08\x0a-\x1f\x7f])*"`
const SPACE = '[ \\t]*'
const LITERAL = String.raw`\[[^\x00-\x20\x7f\[\]\\]*\]`
const ADDRESS = `${SPACE}(?!"")(?:${DOT_ATOM}|${QUOTED})@${SPACE}(${DOT_ATOM}|${LITERAL})`
const COMMENT = String.raw`\((?:[^()\\]|\\.)*\)`
const SKIPPED = `(?:[ \\t]|${COMMENT})*`
const PHRASE = `${SPACE}(?:(?:${ATEXT}|\\.)+|${QUOTED})(?:${SKIPPED}(?:(?:${ATEXT}|\\.)+|${QUOTED}))*`

const PLAIN = new RegExp(`^${ADDRESS}${SKIPPED}$`, 'u')
const NAMED = new RegExp(`^(?:${PHRASE})?${SPACE}<${ADDRESS}>${SKIPPED}$`, 'u')
/** Longer ones are no addresses, and could keep the patterns busy. */
const MAX_LENGTH = 998

export function isEmail(text: string): boolean {
  if (text.length > MAX_LENGTH) return false
  const domain = (PLAIN.exec(text) ?? NAMED.exec(text))?.[1]
  if (domain === undefined) return false
  return !domain.startsWith('[') || isStrictIP(domain.slice(1, -1))
}
