/** expr: arithmetic, comparison and matching of strings. Models XCU expr. */
import { RE2JS } from 're2js'
import type { Process, Program } from '../process.ts'
import { basicToRe2 } from '../regexp.ts'

const LEVELS: readonly (readonly string[])[] = [['|'], ['&'], ['=', '!=', '<', '>', '<=', '>='], ['+', '-'], ['*', '/', '%'], [':']]

class Syntax extends Error {}

async function expr(process: Process): Promise<number> {
  const words = [...process.args]
  try {
    const value = parse(words, 0)
    if (words.length > 0) throw new Syntax('syntax error')
    await process.out(`${value}\n`)
    return value === '' || value === '0' ? 1 : 0
  } catch (error) {
    if (!(error instanceof Syntax)) throw error
    await process.err(`expr: ${error.message}\n`)
    return 2
  }
}

function parse(words: string[], level: number): string {
  if (level === LEVELS.length) return primary(words)
  let left = parse(words, level + 1)
  while (words[0] !== undefined && LEVELS[level]?.includes(words[0])) {
    const operator = words.shift() ?? ''
    left = apply(operator, left, parse(words, level + 1))
  }
  return left
}

function primary(words: string[]): string {
  const word = words.shift()
  if (word === undefined) throw new Syntax('syntax error')
  if (word === '(') {
    const value = parse(words, 0)
    if (words.shift() !== ')') throw new Syntax('syntax error')
    return value
  }
  if (word === 'length') return String((words.shift() ?? '').length)
  if (word === 'substr') {
    const [text = '', from = '1', length = '0'] = words.splice(0, 3)
    return text.slice(Number(from) - 1, Number(from) - 1 + Number(length))
  }
  if (word === 'index') {
    const [text = '', chars = ''] = words.splice(0, 2)
    return String([...text].findIndex((c) => chars.includes(c)) + 1)
  }
  if (word === 'match') {
    const [text = '', pattern = ''] = words.splice(0, 2)
    return match(text, pattern)
  }
  return word
}

function apply(operator: string, left: string, right: string): string {
  const isTrue = (text: string) => text !== '' && text !== '0'
  if (operator === '|') return isTrue(left) ? left : right
  if (operator === '&') return isTrue(left) && isTrue(right) ? left : '0'
  if (operator === ':') return match(left, right)
  const isNumeric = /^-?\d+$/.test(left) && /^-?\d+$/.test(right)
  if (LEVELS[2]?.includes(operator)) {
    const order = isNumeric ? Number(BigInt(left) > BigInt(right)) - Number(BigInt(left) < BigInt(right)) : left < right ? -1 : left > right ? 1 : 0
    const holds = { '=': order === 0, '!=': order !== 0, '<': order < 0, '>': order > 0, '<=': order <= 0, '>=': order >= 0 }[operator] ?? false
    return holds ? '1' : '0'
  }
  if (!isNumeric) throw new Syntax('non-numeric argument')
  const [a, b] = [BigInt(left), BigInt(right)]
  if ((operator === '/' || operator === '%') && b === 0n) throw new Syntax('division by zero')
  return String(operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : operator === '/' ? a / b : a % b)
}

/** The first group, or how many characters match from the beginning. */
function match(text: string, pattern: string): string {
  const matcher = RE2JS.compile(`^(?:${basicToRe2(pattern)})`).matcher(text)
  if (!matcher.find()) return pattern.includes('\\(') ? '' : '0'
  return matcher.groupCount() > 0 ? (matcher.group(1) ?? '') : String((matcher.group() ?? '').length)
}

export default { expr } satisfies Record<string, Program>
