/** The text of an expression and the errors in it, as cel-go shows them. Models cel-go's common/error.go and errors.go. */

const MAX_ERRORS = 100
const MAX_SNIPPET = 16_384

export interface Issue {
  offset: number
  message: string
}

export class CelCompileError extends Error {
  readonly issues: readonly Issue[]
  constructor(text: string, issues: readonly Issue[]) {
    super(text)
    this.name = 'CelCompileError'
    this.issues = issues
  }
}

/** Collects errors of one expression. */
export class Source {
  readonly text: string
  readonly #issues: Issue[] = []
  #count = 0

  constructor(text: string) {
    this.text = text
  }

  /** An offset of -1 is no place at all. */
  report(offset: number, message: string): void {
    if (++this.#count <= MAX_ERRORS) this.#issues.push({ offset, message })
  }

  /** The errors of another source of the same text. */
  take(other: Source): void {
    for (const { offset, message } of other.#issues) this.report(offset, message)
  }

  get hasErrors(): boolean {
    return this.#count > 0
  }

  throwIfFailed(): void {
    if (this.#count) throw new CelCompileError(this.#display(), this.#issues)
  }

  #display(): string {
    const placed = this.#issues.map((issue) => ({ ...issue, ...this.#place(issue.offset) }))
    placed.sort((a, b) => a.line - b.line || a.column - b.column)
    const shown = placed.map(({ line, column, message }) => `ERROR: <input>:${line}:${column + 1}: ${message}${this.#snippet(line, column)}`)
    if (this.#count > MAX_ERRORS) shown.push(`${this.#count - MAX_ERRORS} more errors were truncated`)
    return shown.join('\n')
  }

  #place(offset: number): { line: number; column: number } {
    if (offset < 0) return { line: -1, column: -1 }
    // Upstream has no columns in an empty text.
    if (this.text === '') return { line: 1, column: -1 }
    const lines = this.text.slice(0, offset).split('\n')
    // Columns count code points.
    return { line: lines.length, column: [...(lines.at(-1) ?? '')].length }
  }

  #snippet(line: number, column: number): string {
    const text = line > 0 ? this.text.split('\n')[line - 1] : undefined
    if (text === undefined || (text === '' && this.text === '')) return ''
    if (Buffer.byteLength(text) > MAX_SNIPPET) return ''
    const shown = text.replaceAll('\t', ' ')
    const points = [...shown]
    const isWide = (point: string | undefined): boolean => point !== undefined && point > '\u007f'
    const dots = points.slice(0, column).map((point) => (isWide(point) ? '\uff0e' : '.'))
    return `\n | ${shown}\n | ${dots.join('')}${isWide(points[column]) ? '\uff3e' : '^'}`
  }
}
