/** Dates as `date -d` reads them: absolute ones, and what is added to them. Models GNU date's relative items. */

const UNITS: Readonly<Record<string, number>> = { sec: 1, second: 1, min: 60, minute: 60, hour: 3600, day: 86_400, week: 604_800, fortnight: 1_209_600 }
const RELATIVE = /([-+]?\s*\d+|next|last|a|an)\s*(sec(?:ond)?|min(?:ute)?|hour|day|week|fortnight|month|year)s?(\s+ago)?/gi
const NAMED: Readonly<Record<string, number>> = { today: 0, now: 0, tomorrow: 1, yesterday: -1 }

/** In milliseconds; NaN for what is no date. */
export function parseDateText(text: string, nowMs: number): number {
  const given = text.trim()
  if (/^@-?\d+(?:\.\d+)?$/.test(given)) return Number(given.slice(1)) * 1000
  let left = given.replace(/\b(today|now|tomorrow|yesterday)\b/gi, '')
  const named = /\b(today|now|tomorrow|yesterday)\b/i.exec(given)?.[1]?.toLowerCase()
  const changes: { amount: number; unit: string }[] = named === undefined ? [] : [{ amount: NAMED[named] ?? 0, unit: 'day' }]
  left = left.replace(RELATIVE, (_, count: string, unit: string, ago: string | undefined) => {
    const amount = /^(?:next|an?)$/i.test(count) ? 1 : /^last$/i.test(count) ? -1 : Number(count.replace(/\s/g, ''))
    changes.push({ amount: ago ? -amount : amount, unit: unit.toLowerCase() })
    return ''
  })
  const base = absolute(left.trim(), nowMs)
  return changes.reduce((ms, { amount, unit }) => moved(ms, amount, unit), base)
}

function absolute(text: string, nowMs: number): number {
  if (text === '') return nowMs
  const time = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text)
  if (time) return Math.floor(nowMs / 86_400_000) * 86_400_000 + (Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3] ?? 0)) * 1000
  const hasZone = /[zZ]$|[-+]\d{2}:?\d{2}$|\b(?:UTC|GMT)\b/.test(text) && !/^\d{4}-\d{2}-\d{2}$/.test(text)
  const iso = text.replace(/\s+(?:UTC|GMT)$/, 'Z').replace(/^(\d{4}-\d{2}-\d{2})\s+(\d)/, '$1T$2')
  const parsed = Date.parse(hasZone ? iso : /^\d{4}-\d{2}-\d{2}$/.test(iso) ? iso : `${iso}${/^\d{4}/.test(iso) ? 'Z' : ' UTC'}`)
  return Number.isNaN(parsed) ? Date.parse(text) : parsed
}

function moved(ms: number, amount: number, unit: string): number {
  const seconds = UNITS[unit]
  if (seconds !== undefined) return ms + amount * seconds * 1000
  const date = new Date(ms)
  if (unit === 'month') date.setUTCMonth(date.getUTCMonth() + amount)
  else date.setUTCFullYear(date.getUTCFullYear() + amount)
  return date.getTime()
}
