/**
 * How numbers stood in the text they were parsed from, where JavaScript would write them otherwise: Go takes `1.0` for
 * no integer, and a quantity keeps `1e3` as it is. Remembered beside the parsed objects and lists, for as long as they live.
 */
const literals = new WeakMap<object, Map<string | number, string>>()

export function rememberLiteral(holder: object, key: string | number, literal: string): void {
  const known = literals.get(holder)
  if (known) known.set(key, literal)
  else literals.set(holder, new Map([[key, literal]]))
}

/** The number's text: as it stood, or as JavaScript writes it. */
export function numberText(value: number, holder: object, key: string | number): string {
  return literals.get(holder)?.get(key) ?? String(value)
}
