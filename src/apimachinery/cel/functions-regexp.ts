/** Regular expressions in expressions: RE2's syntax, remembered once compiled. Models matches of cel-go and k8s.io/apiserver/pkg/cel/library/regex.go. */
import { RE2JS, RE2JSSyntaxException } from 're2js'
import { CelError, NativeList, type Value } from './values.ts'

const MAX_REMEMBERED = 1000
const remembered = new Map<string, RE2JS | { error: string }>()

function compile(pattern: string): RE2JS | { error: string } {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return { error: error.message }
    throw error
  }
}

export function compileRegexp(pattern: string): RE2JS | { error: string } {
  const found = remembered.get(pattern)
  if (found) return found
  const compiled = compile(pattern)
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(pattern, compiled)
  return compiled
}

export function matches(text: string, pattern: string): Value {
  const compiled = compileRegexp(pattern)
  return 'error' in compiled ? new CelError(compiled.error) : compiled.matcher(text).find()
}

export function find(text: string, pattern: string): Value {
  const compiled = compileRegexp(pattern)
  if ('error' in compiled) return new CelError(`Illegal regex: ${compiled.error}`)
  const matcher = compiled.matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}

/** A negative limit is none. */
export function findAll(text: string, pattern: string, limit = -1n): Value {
  const compiled = compileRegexp(pattern)
  if ('error' in compiled) return new CelError(`Illegal regex: ${compiled.error}`)
  const matcher = compiled.matcher(text)
  const found: Value[] = []
  let lastEnd = -1
  while ((limit < 0n || BigInt(found.length) < limit) && matcher.find()) {
    // As Go does: an empty match right after the one before does not count.
    const isEmptyAfter = matcher.start() === matcher.end() && matcher.start() === lastEnd
    lastEnd = matcher.end()
    if (!isEmptyAfter) found.push(matcher.group() ?? '')
  }
  return new NativeList(found)
}
