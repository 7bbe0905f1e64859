/**
 * When a schedule fires next. In an hour that summer time skips or repeats it does what the Go library does.
 * Models SpecSchedule.Next of github.com/robfig/cron/v3.
 */
import type { CronFields, CronSchedule } from './cron.ts'

/** Years after which a schedule that never fits is given up. */
const HORIZON_YEARS = 5
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** A time on the clock of a zone. */
interface Local {
  year: number
  /** 1 to 12 */
  month: number
  day: number
  hour: number
  minute: number
}

/** The first time after `afterMs` that fits; undefined when there is none. */
export function nextTime(schedule: CronSchedule, afterMs: number): number | undefined {
  if (schedule.kind === 'every') return Math.floor(afterMs / 1000) * 1000 + schedule.everyMs
  return new Search(schedule).after(afterMs)
}

class Search {
  readonly #schedule: CronFields
  readonly #zone: string
  #ms = 0
  #at: Local = { year: 0, month: 1, day: 1, hour: 0, minute: 0 }
  /** Whether the smaller fields start from zero already. */
  #advanced = false

  constructor(schedule: CronFields) {
    this.#schedule = schedule
    this.#zone = schedule.timeZone ?? 'UTC'
  }

  after(afterMs: number): number | undefined {
    // Seconds are always zero: the next whole minute at the earliest.
    this.#moveTo(Math.floor(afterMs / 1000) * 1000 + 1000)
    const last = this.#at.year + HORIZON_YEARS
    while (this.#at.year <= last) if (this.#month() && this.#day() && this.#hour() && this.#minute()) return this.#ms
    return undefined
  }

  #moveTo(ms: number): void {
    this.#ms = ms
    this.#at = localOf(ms, this.#zone)
  }

  #advance(from: Partial<Local>): void {
    if (this.#advanced) return
    this.#advanced = true
    this.#moveTo(fromLocal({ ...this.#at, ...from }, this.#zone))
  }

  /** Each answers false when it ran over into the next larger field, from which the search starts again. */
  #month(): boolean {
    while (!has(this.#schedule.month, this.#at.month)) {
      this.#advance({ day: 1, hour: 0, minute: 0 })
      this.#moveTo(fromLocal({ ...this.#at, month: this.#at.month + 1 }, this.#zone))
      if (this.#at.month === 1) return false
    }
    return true
  }

  #day(): boolean {
    while (!this.#dayFits()) {
      this.#advance({ hour: 0, minute: 0 })
      this.#moveTo(fromLocal({ ...this.#at, day: this.#at.day + 1 }, this.#zone))
      // Midnight may not exist.
      const { hour } = this.#at
      if (hour !== 0) this.#moveTo(this.#ms + (hour > 12 ? 24 - hour : -hour) * HOUR_MS)
      if (this.#at.day === 1) return false
    }
    return true
  }

  #dayFits(): boolean {
    const { dayOfMonth, dayOfWeek, anyDayOfMonth, anyDayOfWeek } = this.#schedule
    const { year, month, day } = this.#at
    const byMonth = has(dayOfMonth, day)
    const byWeek = has(dayOfWeek, new Date(Date.UTC(year, month - 1, day)).getUTCDay())
    return anyDayOfMonth || anyDayOfWeek ? byMonth && byWeek : byMonth || byWeek
  }

  #hour(): boolean {
    while (!has(this.#schedule.hour, this.#at.hour)) {
      this.#advance({ minute: 0 })
      this.#moveTo(this.#ms + HOUR_MS)
      if (this.#at.hour === 0) return false
    }
    return true
  }

  #minute(): boolean {
    const toWhole = (MINUTE_MS - (this.#ms % MINUTE_MS)) % MINUTE_MS
    if (toWhole > 0) {
      this.#advanced = true
      this.#moveTo(this.#ms + toWhole)
      if (this.#at.minute === 0) return false
    }
    while (!has(this.#schedule.minute, this.#at.minute)) {
      this.#advanced = true
      this.#moveTo(this.#ms + MINUTE_MS)
      if (this.#at.minute === 0) return false
    }
    return true
  }
}

function has(bits: bigint, value: number): boolean {
  return ((bits >> BigInt(value)) & 1n) === 1n
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** How far the zone's clock is ahead of UTC at that time. */
export function offsetMs(ms: number, zone: string): number {
  if (zone === 'UTC') return 0
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
    formats.set(zone, format)
  }
  const part: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
}

function localOf(ms: number, zone: string): Local {
  const d = new Date(ms + offsetMs(ms, zone))
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours(), minute: d.getUTCMinutes() }
}

/** As Go's time.Date: of a time that comes twice one of both, of one that is skipped a time beside the gap. */
function fromLocal({ year, month, day, hour, minute }: Local, zone: string): number {
  const utc = Date.UTC(year, month - 1, day, hour, minute)
  const first = offsetMs(utc, zone)
  const guess = utc - first
  const second = offsetMs(guess, zone)
  return first === second ? guess : utc - second
}
