/** Ages as people read them. Models k8s.io/apimachinery/pkg/util/duration.HumanDuration. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `2m5s`, `3h`, `4d1h`, `2y10d`: two units at most, fewer as it grows. Never negative; up to 2 s of clock skew is 0s. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 60 * 2) return `${seconds}s`
  const minutes = Math.floor(ms / MINUTE)
  if (minutes < 10) return two(minutes, 'm', Math.floor(ms / SECOND) % 60, 's')
  if (minutes < 60 * 3) return `${minutes}m`
  const hours = Math.floor(ms / HOUR)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  if (hours < 24 * 8) return two(Math.floor(hours / 24), 'd', hours % 24, 'h')
  const days = Math.floor(ms / DAY)
  if (hours < 24 * 365 * 2) return `${days}d`
  if (hours < 24 * 365 * 8) return two(Math.floor(days / 365), 'y', days % 365, 'd')
  return `${Math.floor(days / 365)}y`
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`
}
