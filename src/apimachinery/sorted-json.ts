/** JSON values with their members in order of their names, as Go writes maps; what is in order already is shared. */
import { byBytes } from './go-format.ts'

export function sortedJSON<T>(value: T): T {
  return sorted(value) as T
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return sortedItems(value)
  const members = value as Record<string, unknown>
  const keys = Object.keys(members)
  let isSame = true
  const values = new Array<unknown>(keys.length)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? ''
    const inner = members[key]
    const ordered = sorted(inner)
    values[i] = ordered
    if (isSame && (ordered !== inner || inner === undefined || (i > 0 && isAfter(keys[i - 1] ?? '', key)))) isSame = false
  }
  if (isSame) return value
  const order = keys.map((_, i) => i).sort((a, b) => byBytes(keys[a] ?? '', keys[b] ?? ''))
  const copy: Record<string, unknown> = {}
  for (const i of order) {
    const inner = values[i]
    if (inner !== undefined) setMember(copy, keys[i] ?? '', inner)
  }
  return copy
}

/** Names that are numbers come first in JavaScript, whatever one does. */
function isAfter(key: string, next: string): boolean {
  return byBytes(key, next) > 0 && !/^(?:0|[1-9]\d*)$/.test(key)
}

function sortedItems(items: readonly unknown[]): unknown {
  let copy: unknown[] | undefined
  for (let i = 0; i < items.length; i++) {
    const item = sorted(items[i])
    if (item === items[i]) continue
    copy ??= [...items]
    copy[i] = item
  }
  return copy ?? items
}

function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  else object[key] = value
}
