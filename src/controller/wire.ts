/**
 * Statuses as Go writes them: fields with `omitempty` are left out when zero, so that what a controller makes equals
 * what comes back from the store.
 */
export function omitZero<T extends object>(object: T): T {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(object)) if (value !== 0 && value !== '' && value !== false && value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) out[key] = value
  return out as T
}
