/** Which texts name a time zone, as Go's time.LoadLocation finds them among the system's files: by exact case. */

let canonical: Map<string, string> | undefined

export function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true
  if (!/^[A-Z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
  canonical ??= new Map(Intl.supportedValuesOf('timeZone').map((zone) => [zone.toLowerCase(), zone]))
  const known = canonical.get(name.toLowerCase())
  return known === undefined ? isCasedAsZone(name) : known === name
}

/** Aliases are not listed, but all are cased alike: each part begins with a capital or is one of few small words. */
function isCasedAsZone(name: string): boolean {
  return name.split('/').every((part) => /^[A-Z0-9]/.test(part) && (part === part.toUpperCase() ? isAcronym(part) : true))
}

function isAcronym(part: string): boolean {
  return part.length <= 7 && !/^[A-Z]{5,}$/.test(part)
}
