/** POSIX regular expressions, basic and extended, as RE2 takes them: matching is linear whatever a guest writes. */
import { RE2JS } from 're2js'

/** `\(`, `\{`, `\|` have the meaning, `(`, `{`, `|`, `+`, `?` stand for themselves. */
export function basicToRe2(source: string): string {
  let out = ''
  for (let i = 0; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '\\') {
      const next = source.charAt(++i)
      if ('(){}|+?'.includes(next) && next !== '') out += next
      else out += `\\${next}`
    } else if (char === '[') {
      const end = endOfBracket(source, i)
      out += bracket(source.slice(i, end + 1))
      i = end
    } else if (char === '*' && (i === 0 || /(\\\(|\\\||^\^)$/.test(source.slice(0, i)))) out += '\\*'
    else if ('(){}|+?'.includes(char)) out += `\\${char}`
    else out += char
  }
  return words(out)
}

export function extendedToRe2(source: string): string {
  let out = ''
  for (let i = 0; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '\\') out += char + source.charAt(++i)
    else if (char === '[') {
      const end = endOfBracket(source, i)
      out += bracket(source.slice(i, end + 1))
      i = end
    } else out += char === '{' && !/^\{\d*,?\d*\}/.test(source.slice(i)) ? '\\{' : char
  }
  return words(out)
}

function words(source: string): string {
  return source.replace(/\\[<>]/g, '\\b')
}

function endOfBracket(source: string, start: number): number {
  let i = start + 1
  if (source.charAt(i) === '^') i++
  if (source.charAt(i) === ']') i++
  for (; i < source.length; i++) {
    if (source.startsWith('[:', i)) i = source.indexOf(':]', i) + 1
    else if (source.charAt(i) === ']') return i
  }
  return source.length - 1
}

/** In a bracket a backslash stands for itself, but not in front of `n` or `t`, as GNU and busybox have it. */
function bracket(text: string): string {
  return text.replace(/\\(?![ntrfv\]\\])/g, '\\\\').replace(/^(\[\^?)\]/, '$1\\]').replace(/(?!^)\[(?!:)/g, '\\[')
}

/** @throws Error of re2js for what is no expression */
export function compilePosix(source: string, { extended = false, ignoreCase = false, fixed = false }: { extended?: boolean; ignoreCase?: boolean; fixed?: boolean } = {}): RE2JS {
  const text = fixed ? RE2JS.quote(source) : extended ? extendedToRe2(source) : basicToRe2(source)
  return RE2JS.compile(text, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
}
