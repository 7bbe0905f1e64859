/** What ANTLR says of a wrong syntax. Models the error strategy that cel-go's parser has. */
import type { Token } from './lexer.ts'
import type { Source } from './source.ts'

export function reportSyntaxErrors(source: Source, tokens: readonly Token[]): void {
  source.report(tokens.at(-1)?.offset ?? 0, 'Syntax error')
}
