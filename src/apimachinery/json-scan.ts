/** One fast pass over JSON text that finds out whether JSON.parse can be trusted with it. */

export interface JSONScan {
  /** No number is written with a fraction, an exponent or more digits than a double holds. */
  isPlain: boolean
  /** How deep objects and lists nest. */
  depth: number
  /** How many keys the objects in it have, repeated ones included. */
  keys: number
}

/** Go stops at 10,000. What real objects nest comes nowhere near either, and recursion is safe to here. */
export const MAX_DEPTH = 2_000
const QUOTE = 34
const BACKSLASH = 92
const MAX_EXACT_DIGITS = 15

export function scanJSON(text: string): JSONScan {
  let keys = 0
  let depth = 0
  let deepest = 0
  let isPlain = true
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      i = stringEnd(text, i + 1)
    } else if (c === 58) {
      keys++
    } else if (c === 123 || c === 91) {
      if (++depth > deepest) deepest = depth
    } else if (c === 125 || c === 93) {
      depth--
    } else if (c >= 48 && c <= 57) {
      if (++digits > MAX_EXACT_DIGITS) isPlain = false
      continue
    } else if (digits > 0 && (c === 46 || c === 101 || c === 69)) {
      isPlain = false
    } else if (c === 45) {
      // JavaScript knows a negative zero, Go's integers do not.
      if (text.charCodeAt(i + 1) === 48) isPlain = false
    }
    digits = 0
  }
  return { isPlain, depth: deepest, keys }
}

/** The index of the quote that ends the string which begins at `start`, or the text's length. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start); end >= 0; end = text.indexOf('"', end + 1)) {
    let back = end
    while (text.charCodeAt(back - 1) === BACKSLASH) back--
    if ((end - back) % 2 === 0 || back < start) return end
  }
  return text.length
}
