/** The grammar of label selectors. Models the lexer and parser in k8s.io/apimachinery/pkg/labels/selector.go. */
import { makeRequirement, labelKeyError, type Operator, type Requirement } from './labels-requirement.ts'
import { ParseError } from './parse-error.ts'

type Kind = 'end' | 'error' | 'identifier' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin'
interface Token {
  kind: Kind
  text: string
}

const KEYWORDS: ReadonlyMap<string, Kind> = new Map<string, Kind>(['(', ')', ',', '!', '=', '==', '!=', '>', '<', 'in', 'notin'].map((k) => [k, k as Kind]))
const INFIX: ReadonlyMap<Kind, Operator> = new Map<Kind, Operator>([['in', 'in'], ['notin', 'notin'], ['=', '='], ['==', '=='], ['!=', '!='], ['>', 'gt'], ['<', 'lt']])
const END: Token = { kind: 'end', text: '' }

/** @param path what errors about a key name as its place; upstream prints `<nil>` when there is none */
export function parseRequirements(text: string, path?: string): Requirement[] {
  const tokens = scan(text)
  let position = 0
  const peek = (): Token => tokens[position] ?? END
  const next = (): Token => tokens[position++] ?? END
  /** `in` and `notin` are operators only right after a key. */
  const word = (t: Token): Token => (t.kind === 'in' || t.kind === 'notin' ? { kind: 'identifier', text: t.text } : t)

  function parseKey(): { key: string; operator?: Operator } {
    let token = word(next())
    const negated = token.kind === '!'
    if (negated) token = word(next())
    if (token.kind !== 'identifier') throw new ParseError(`found '${token.text}', expected: identifier`)
    const wrong = labelKeyError(token.text, path ?? '<nil>')
    if (wrong) throw new ParseError(`${wrong.field}: ${wrong.body}`)
    if (negated) return { key: token.text, operator: '!' }
    const after = peek().kind
    return after === 'end' || after === ',' ? { key: token.text, operator: 'exists' } : { key: token.text }
  }

  function parseSet(): string[] {
    const open = next()
    if (open.kind !== '(') throw new ParseError(`found '${open.text}' expected: '('`)
    const first = word(peek())
    if (first.kind === ')') {
      next()
      return ['']
    }
    if (first.kind !== 'identifier' && first.kind !== ',') throw new ParseError(`found '${first.text}', expected: ',', ')' or identifier`)
    const values = parseList()
    next()
    return values
  }

  /** Up to, without, the closing parenthesis; an empty place between commas stands for the empty value. */
  function parseList(): string[] {
    const values = new Set<string>()
    for (;;) {
      const token = word(next())
      const after = word(peek())
      if (token.kind === 'identifier') {
        values.add(token.text)
        if (after.kind === ')') break
        if (after.kind !== ',') throw new ParseError(`found '${after.text}', expected: ',' or ')'`)
      } else if (token.kind === ',') {
        if (values.size === 0 || after.kind === ',' || after.kind === ')') values.add('')
        if (after.kind === ')') break
      } else {
        throw new ParseError(`found '${token.text}', expected: ',', or identifier`)
      }
    }
    return [...values].sort()
  }

  function parseExact(): string[] {
    const ahead = peek().kind
    if (ahead === 'end' || ahead === ',') return ['']
    const token = word(next())
    if (token.kind !== 'identifier') throw new ParseError(`found '${token.text}', expected: identifier`)
    return [token.text]
  }

  function parseRequirement(): Requirement {
    const { key, operator } = parseKey()
    if (operator) return makeRequirement(key, operator, [], path)
    const token = next()
    const infix = INFIX.get(token.kind)
    if (!infix) throw new ParseError(`found '${token.text}', expected: in, notin, =, ==, !=, gt, lt`)
    return makeRequirement(key, infix, infix === 'in' || infix === 'notin' ? parseSet() : parseExact(), path)
  }

  const requirements: Requirement[] = []
  const startsOne = (t: Token): boolean => t.kind === 'identifier' || t.kind === '!'
  for (;;) {
    const token = word(peek())
    if (token.kind === 'end') return requirements
    if (!startsOne(token)) throw new ParseError(`found '${token.text}', expected: !, identifier, or 'end of string'`)
    try {
      requirements.push(parseRequirement())
    } catch (error) {
      throw error instanceof ParseError ? new ParseError(`unable to parse requirement: ${error.message}`) : error
    }
    const separator = word(next())
    if (separator.kind === 'end') return requirements
    if (separator.kind !== ',') throw new ParseError(`found '${separator.text}', expected: ',' or 'end of string'`)
    const after = word(peek())
    if (!startsOne(after)) throw new ParseError(`found '${after.text}', expected: identifier after ','`)
  }
}

const isSpace = (c: string): boolean => c === ' ' || c === '\t' || c === '\r' || c === '\n'
const isSpecial = (c: string): boolean => c !== '' && '=!(),><'.includes(c)

function scan(text: string): Token[] {
  const tokens: Token[] = []
  let position = 0
  /** A NUL ends the text, as it does upstream. */
  const at = (i: number): string => (text[i] === '\0' ? '' : (text[i] ?? ''))
  for (;;) {
    while (isSpace(at(position))) position++
    const start = position
    if (at(position) === '') return tokens
    if (isSpecial(at(position))) {
      const token = longestOperator(text, start)
      position += token.length
      tokens.push(token)
    } else {
      while (at(position) !== '' && !isSpecial(at(position)) && !isSpace(at(position))) position++
      const word = text.slice(start, position)
      tokens.push({ kind: KEYWORDS.get(word) ?? 'identifier', text: word })
    }
  }
}

/** The longest operator at `start`; every special symbol begins one. */
function longestOperator(text: string, start: number): Token & { length: number } {
  const two = text.slice(start, start + 2)
  const found = KEYWORDS.get(two) ? two : text.slice(start, start + 1)
  return { kind: KEYWORDS.get(found) ?? 'error', text: found, length: found.length }
}
