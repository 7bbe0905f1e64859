/**
 * Fields that hold a number or a percentage of something. Models k8s.io/apimachinery/pkg/util/intstr.
 */
export type IntOrString = number | string

/** The number that `value` stands for; undefined for a text that is no percentage. */
export function scaled(value: IntOrString | undefined, total: number, round: 'up' | 'down'): number | undefined {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  if (!/^[+-]?\d+%$/.test(value)) return undefined
  const part = (Number.parseInt(value, 10) * total) / 100
  return round === 'up' ? Math.ceil(part) : Math.floor(part)
}

/** How many pods a rolling update may have above and below the wanted number; never both 0, or nothing could move. */
export function resolveFenceposts(maxSurge: IntOrString | undefined, maxUnavailable: IntOrString | undefined, desired: number): { surge: number; unavailable: number } {
  const surge = scaled(maxSurge, desired, 'up') ?? 0
  const unavailable = scaled(maxUnavailable, desired, 'down') ?? 0
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}
