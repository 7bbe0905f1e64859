/** Warning headers of an answer. Models WithWarningRecorder (endpoints/filters/warning.go) and net.NewWarningHeader. */

/** What the texts of one answer may come to before each is cut. */
const MAX_TOTAL = 4096
const MAX_WHEN_CUT = 256

/** The values of the Warning headers, as bytes in the form of a string, since Node takes no other text. */
export function warningHeaders(texts: readonly string[]): string[] {
  const fits = texts.reduce((sum, text) => sum + text.length, 0) <= MAX_TOTAL
  let written = 0
  const headers: string[] = []
  for (const text of texts) {
    if (written >= MAX_TOTAL) break
    const shown = fits ? text : [...text].slice(0, MAX_WHEN_CUT).join('')
    // Upstream cannot send these either.
    if (/\p{Cc}/u.test(shown)) continue
    written += shown.length
    headers.push(Buffer.from(`299 - "${shown.replace(/[\\"]/g, '\\$&')}"`).toString('latin1'))
  }
  return headers
}
