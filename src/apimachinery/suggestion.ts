/** Finds the known word that a mistyped one was most likely meant to be. */

/** How many letters must be put in, taken out or replaced to turn one word into the other. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

/** ` (did you mean "port"?)`, or nothing when no known word is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = known.map((k) => ({ k, d: distance(word.toLowerCase(), k.toLowerCase()) })).filter(({ k, d }) => d <= Math.max(1, Math.floor(k.length / 2)))
  const best = near.sort((a, b) => a.d - b.d)[0]
  return best ? ` (did you mean "${best.k}"?)` : ''
}
