/** Go's maps have no order and are written sorted, which shows wherever a value has gone through one: YAML is made JSON so. */
import { isRecord } from './json.ts'

/** Puts the members of all objects within in order, where they stand: what is known of an object is known by itself. */
export function sortMembers(value: unknown): void {
  if (Array.isArray(value)) return value.forEach(sortMembers)
  if (!isRecord(value)) return
  const keys = Object.keys(value)
  for (const key of keys) sortMembers(value[key])
  if (Object.hasOwn(value, '__proto__') || keys.every((key, i) => i === 0 || (keys[i - 1] ?? '') <= key)) return
  const members = keys.sort().map((key) => [key, value[key]] as const)
  for (const [key, member] of members) {
    delete value[key]
    value[key] = member
  }
}
