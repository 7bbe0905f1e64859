/** Reads `metadata.ownerReferences[].kind` and `metadata.annotations["a.b/c"]` out of objects, as stage files name fields. */
import { isRecord } from '../apimachinery/json.ts'

const PART = /\["([^"]+)"\]|(\[\])|\.?([^.[\]]+)/gy

/** Throws on a path that cannot be read. The result answers all values there; absent ones are left out. */
export function compilePath(path: string): (object: unknown) => unknown[] {
  const parts: (string | undefined)[] = []
  PART.lastIndex = 0
  while (PART.lastIndex < path.length) {
    const at = PART.lastIndex
    const found = PART.exec(path)
    if (!found) throw new Error(`${path}: cannot read the path at ${at}`)
    parts.push(found[2] ? undefined : (found[1] ?? found[3]))
  }
  return (object) => valuesAt(object, parts, 0)
}

function valuesAt(value: unknown, parts: readonly (string | undefined)[], from: number): unknown[] {
  let current = value
  for (let i = from; i < parts.length; i++) {
    const part = parts[i]
    if (part === undefined) return Array.isArray(current) ? current.flatMap((item: unknown) => valuesAt(item, parts, i + 1)) : []
    if (!isRecord(current)) return []
    current = current[part]
  }
  return current === undefined || current === null ? [] : [current]
}
