import t from 'tap'
import { type CronFields, parseCron } from '../../src/apimachinery/cron.ts'
import { isTimeZone } from '../../src/apimachinery/time-zone.ts'

type Field = 'minute' | 'hour' | 'dayOfMonth' | 'month' | 'dayOfWeek'

function values(schedule: string, field: Field): number[] {
  const bits = (parseCron(schedule) as CronFields)[field]
  return Array.from({ length: 60 }, (_, n) => n).filter((n) => bits & (1n << BigInt(n)))
}

t.test('fields', (t) => {
  const cases: [schedule: string, field: Field, expect: number[]][] = [
    ['5 * * * *', 'minute', [5]],
    ['1,3-5 * * * *', 'minute', [1, 3, 4, 5]],
    ['*/20 * * * *', 'minute', [0, 20, 40]],
    ['50/4 * * * *', 'minute', [50, 54, 58]],
    ['0 9-17/4 * * *', 'hour', [9, 13, 17]],
    ['0 0 1 JAN,dec *', 'month', [1, 12]],
    ['0 0 * * mon-WED', 'dayOfWeek', [1, 2, 3]],
    ['0 0 ? * *', 'dayOfMonth', Array.from({ length: 31 }, (_, i) => i + 1)],
    ['@weekly', 'dayOfWeek', [0]],
    ['@yearly', 'month', [1]],
  ]
  for (const [schedule, field, expect] of cases) t.same(values(schedule, field), expect, schedule)
  t.match(parseCron('0 0 */2 * *'), { anyDayOfMonth: false, anyDayOfWeek: true })
  t.match(parseCron('CRON_TZ=Europe/Berlin 0 0 * * *'), { timeZone: 'Europe/Berlin' })
  t.same(parseCron('@every 1h30m'), { kind: 'every', everyMs: 5_400_000 })
  t.end()
})

t.test('what is none', (t) => {
  const cases: [schedule: string, message: string][] = [
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['*/2/3 * * * *', 'too many slashes: */2/3'],
    ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ['@never', 'unrecognized descriptor: @never'],
    ['TZ=Nowhere * * * * *', 'provided bad location Nowhere: unknown time zone Nowhere'],
  ]
  for (const [schedule, message] of cases) t.throws(() => parseCron(schedule), { message }, schedule)
  t.end()
})

t.test('time zones', (t) => {
  for (const name of ['UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia']) t.ok(isTimeZone(name), name)
  for (const name of ['Mars/Olympus', 'europe/berlin', '+01:00']) t.notOk(isTimeZone(name), name)
  t.end()
})
