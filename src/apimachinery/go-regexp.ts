/** Regular expressions of users, in RE2 syntax: safe from backtracking, refused in Go's words. Models regexp.Compile. */
import { RE2JS, RE2JSSyntaxException } from 're2js'

export interface GoRegexp {
  /** Whether the expression is found anywhere in the text. */
  test(text: string): boolean
  /** What is found first, and its groups. */
  find(text: string): string[] | undefined
}

export function compileGoRegexp(source: string): GoRegexp | { error: string } {
  try {
    const compiled = RE2JS.compile(source)
    return {
      test: (text) => compiled.matcher(text).find(),
      find(text) {
        const matcher = compiled.matcher(text)
        return matcher.find() ? Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '') : undefined
      },
    }
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return { error: error.message }
    throw error
  }
}
