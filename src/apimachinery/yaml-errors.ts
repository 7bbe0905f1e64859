/** The parser's errors in the words of go-yaml, as far as the two agree on what is wrong. Models scannerc.go and parserc.go of go-yaml v2. */
import type { YAMLError } from 'yaml'
import { ParseError } from './parse-error.ts'

type Wording = { scanner: string } | { parser: string }

export function goYAMLError(errors: readonly YAMLError[], text: string): ParseError {
  const [first] = errors
  // A list that breaks off where an item should come.
  if (first && /sequence/i.test(first.message) && /[[,]\s*$/.test(text)) return new ParseError(`yaml: line ${Math.max(1, text.split('\n').length - (text.endsWith('\n') ? 1 : 0))}: did not find expected node content`)
  if (!first) return new ParseError('yaml: unknown problem parsing YAML content')
  const wording = wordingOf(first)
  const at = first.linePos?.[0].line ?? 1
  const lines = text.split('\n')
  const atEnd = first.pos[0] >= text.trimEnd().length
  const multiline = errors.some((e) => e.code === 'MULTILINE_IMPLICIT_KEY')
  // The scanner counts lines from one, the parser from none, and the end of the text lies on a line of its own.
  const line = 'scanner' in wording ? at + (multiline || wording.scanner.startsWith('could not') ? 1 : 0) : atEnd ? Math.max(1, lines.length - (text.endsWith('\n') ? 1 : 0)) : at - 1
  const where = line > ('scanner' in wording ? 1 : 0) ? `line ${line}: ` : ''
  return new ParseError(`yaml: ${where}${'scanner' in wording ? wording.scanner : wording.parser}`)
}

function wordingOf({ code, message }: YAMLError): Wording {
  switch (code) {
    case 'BAD_SCALAR_START':
    case 'TAB_AS_INDENT':
      return { scanner: 'found character that cannot start any token' }
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return { scanner: 'mapping values are not allowed in this context' }
    case 'BAD_DQ_ESCAPE':
      return { scanner: 'found unknown escape character' }
    case 'MISSING_CHAR':
      if (message.includes('closing')) return { scanner: 'found unexpected end of stream' }
      if (message.includes('Implicit')) return { scanner: "could not find expected ':'" }
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
