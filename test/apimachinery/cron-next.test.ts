import t from 'tap'
import { nextTime } from '../../src/apimachinery/cron-next.ts'
import { parseCron } from '../../src/apimachinery/cron.ts'

t.test('the next time', (t) => {
  const cases: [schedule: string, after: string, expect: string | undefined][] = [
    ['* * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z'],
    ['* * * * *', '2026-01-01T00:00:30Z', '2026-01-01T00:01:00Z'],
    ['*/15 * * * *', '2026-01-01T00:46:00Z', '2026-01-01T01:00:00Z'],
    ['0 5 * * *', '2026-01-01T05:00:00Z', '2026-01-02T05:00:00Z'],
    ['30 23 31 * *', '2026-02-01T00:00:00Z', '2026-03-31T23:30:00Z'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 30 2 *', '2026-01-01T00:00:00Z', undefined],
    ['0 0 * * 1', '2026-01-01T00:00:00Z', '2026-01-05T00:00:00Z'],
    ['0 0 13 * 5', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['0 12 1 1 *', '2026-01-01T12:00:00Z', '2027-01-01T12:00:00Z'],
    ['@every 90s', '2026-01-01T00:00:10Z', '2026-01-01T00:01:40Z'],
    ['@daily', '2026-12-31T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['TZ=America/New_York 0 9 * * *', '2026-01-01T00:00:00Z', '2026-01-01T14:00:00Z'],
    ['TZ=Asia/Kolkata 30 0 * * *', '2026-01-01T00:00:00Z', '2026-01-01T19:00:00Z'],
    // The hour from 2 to 3 does not exist that day: it fires the day after.
    ['TZ=America/New_York 30 2 * * *', '2026-03-08T00:00:00Z', '2026-03-09T06:30:00Z'],
    // The hour from 1 to 2 comes twice.
    ['TZ=America/New_York 30 1 * * *', '2026-11-01T05:00:00Z', '2026-11-01T05:30:00Z'],
    ['TZ=America/New_York 30 1 * * *', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00Z'],
  ]
  for (const [schedule, after, expect] of cases) {
    const next = nextTime(parseCron(schedule), Date.parse(after))
    t.equal(next === undefined ? undefined : new Date(next).toISOString().replace('.000', ''), expect, `${schedule} after ${after}`)
  }
  t.end()
})
