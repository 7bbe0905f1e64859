/** The parser's errors in the words of go-yaml, as far as the two agree on what is wrong. Models scannerc.go and parserc.go of go-yaml v2. */
import type { YAMLError } from 'yaml'
import { ParseError } from './parse-error.ts'

type Wording = { scanner: string } | { parser: string }

export function goYAMLError(errors: readonly YAMLError[], text: string): ParseError {
  const [first] = errors
  // A list that breaks off where an item should come.
  if (first && /sequence/i.test(first.message) && /[[,]\s*$/.test(text)) return new ParseError(`yaml: line ${Math.max(1, text.split('\n').length - (text.endsWith('\n') ? 1 : 0))}: did not find expected node content`)
  if (!first) return new ParseError('yaml: unknown problem parsing YAML content')
  if (errors.some(({ message }) => /block-seq-ind|A block sequence may not/.test(message))) return new ParseError(`yaml: line ${Math.max(1, (errors.find((e) => e.code === 'MULTILINE_IMPLICIT_KEY')?.linePos?.[0].line ?? 2) - 1)}: did not find expected key`)
  if (first.code === 'MULTILINE_IMPLICIT_KEY' || (first.code === 'MISSING_CHAR' && first.message.includes('Implicit'))) return new ParseError(`yaml: line ${lineAfter(text, first.pos[0])}: could not find expected ':'`)
  const wording = wordingOf(first, /[^\s:"'\]}|>-]\s*$/.test(text.slice(0, first.pos[0])))
  const at = first.linePos?.[0].line ?? 1
  const lines = text.split('\n')
  const atEnd = first.pos[0] >= text.trimEnd().length
  const multiline = errors.some((e) => e.code === 'MULTILINE_IMPLICIT_KEY')
  // The scanner counts lines from one, the parser from none, and the end of the text lies on a line of its own.
  const line = 'scanner' in wording ? at + (multiline ? 1 : 0) : atEnd ? Math.max(1, lines.length - (text.endsWith('\n') ? 1 : 0)) : at - 1
  const where = line > ('scanner' in wording ? 1 : 0) ? `line ${line}: ` : ''
  return new ParseError(`yaml: ${where}${'scanner' in wording ? wording.scanner : wording.parser}`)
}

/** The line of what follows a key that has no colon: the next that is no more of it, and not empty. */
function lineAfter(text: string, at: number): number {
  const column = at - (text.lastIndexOf('\n', at - 1) + 1)
  const lines = text.split('\n')
  let next = text.slice(0, at).split('\n').length
  while (next < lines.length - 1 && (/^\s*$/.test(lines[next] ?? '') || (/^ *(?=[^ #])/.exec(lines[next] ?? '')?.[0].length ?? 0) > column)) next++
  return next + 1
}

/** @param goesOn whether a plain value stands before, of which this would be more */
function wordingOf({ code, message }: YAMLError, goesOn: boolean): Wording {
  switch (code) {
    case 'TAB_AS_INDENT':
      return { scanner: goesOn ? 'found a tab character that violates indentation' : 'found character that cannot start any token' }
    case 'BAD_SCALAR_START':
      return { scanner: 'found character that cannot start any token' }
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return { scanner: 'mapping values are not allowed in this context' }
    case 'BAD_DQ_ESCAPE':
      return { scanner: 'found unknown escape character' }
    case 'MISSING_CHAR':
      if (message.includes('closing')) return { scanner: 'found unexpected end of stream' }
      return flowEnd(message)
    case 'BAD_INDENT':
      return flowEnd(message)
    case 'UNEXPECTED_TOKEN':
      return { parser: message.includes('flow-map-end') ? 'did not find expected node content' : message.includes('flow-seq-end') ? 'did not find expected key' : "did not find expected '-' indicator" }
    default:
      return { parser: 'did not find expected key' }
  }
}

function flowEnd(message: string): Wording {
  if (/sequence/i.test(message)) return { parser: "did not find expected ',' or ']'" }
  if (message.includes('Flow map must end')) return { parser: 'did not find expected node content' }
  return { parser: /flow map/i.test(message) ? "did not find expected ',' or '}'" : 'did not find expected key' }
}
