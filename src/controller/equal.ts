/**
 * Deep equality of plain API values, by which controllers skip writes that change nothing. Absent, undefined and null
 * are the same, and so are absent and empty lists; models the use of apiequality.Semantic.DeepEqual.
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (isAbsent(a) && isAbsent(b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    for (let i = 0; i < a.length; i++) if (!semanticEqual(a[i], b[i])) return false
    return true
  }
  const left: Record<string, unknown> = { ...a }
  const right: Record<string, unknown> = { ...b }
  for (const key in left) if (!semanticEqual(left[key], right[key])) return false
  for (const key in right) if (!(key in left) && !isAbsent(right[key])) return false
  return true
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0)
}
