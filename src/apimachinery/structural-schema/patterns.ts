/** Patterns of schemas, compiled once. */
import { compileGoRegexp } from '../go-regexp.ts'

type Compiled = ReturnType<typeof compileGoRegexp>

const MAX_PATTERNS = 2000
const compiled = new Map<string, Compiled>()

export function compiledPattern(pattern: string): Compiled {
  let found = compiled.get(pattern)
  if (!found) {
    if (compiled.size >= MAX_PATTERNS) compiled.clear()
    compiled.set(pattern, (found = compileGoRegexp(pattern)))
  }
  return found
}
