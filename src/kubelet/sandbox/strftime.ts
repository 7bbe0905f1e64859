/** strftime(3) in UTC and the C locale. */
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December']

export function strftime(format: string, ms: number): string {
  const date = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  const hour = date.getUTCHours()
  const day = DAYS[date.getUTCDay()] ?? ''
  const month = MONTHS[date.getUTCMonth()] ?? ''
  const yearStart = Date.UTC(date.getUTCFullYear(), 0, 1)
  const fields: Readonly<Record<string, string>> = {
    '%': '%',
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    B: month,
    c: '',
    C: two(Math.floor(date.getUTCFullYear() / 100)),
    d: two(date.getUTCDate()),
    e: String(date.getUTCDate()).padStart(2),
    H: two(hour),
    I: two(hour % 12 || 12),
    j: String(Math.floor((ms - yearStart) / 86_400_000) + 1).padStart(3, '0'),
    m: two(date.getUTCMonth() + 1),
    M: two(date.getUTCMinutes()),
    n: '\n',
    N: `${String(date.getUTCMilliseconds()).padStart(3, '0')}000000`,
    p: hour < 12 ? 'AM' : 'PM',
    s: String(Math.floor(ms / 1000)),
    S: two(date.getUTCSeconds()),
    t: '\t',
    u: String(date.getUTCDay() || 7),
    w: String(date.getUTCDay()),
    y: two(date.getUTCFullYear() % 100),
    Y: String(date.getUTCFullYear()),
    z: '+0000',
    Z: 'UTC',
  }
  const whole: Readonly<Record<string, string>> = { c: '%a %b %e %H:%M:%S %Y', D: '%m/%d/%y', F: '%Y-%m-%d', r: '%I:%M:%S %p', R: '%H:%M', T: '%H:%M:%S', x: '%m/%d/%y', X: '%H:%M:%S' }
  return format.replace(/%([cDFrRTxX])/g, (_, c: string) => whole[c] ?? '').replace(/%(\d)N/g, (_, digits: string) => (fields.N ?? '').slice(0, Number(digits))).replace(/%([-_]?)([A-Za-z%])/g, (all, flag: string, c: string) => padded(fields[c] ?? all, flag))
}

/** `-` leaves the padding away, `_` makes it of blanks. */
function padded(text: string, flag: string): string {
  const bare = text.replace(/^[0 ]+(?=\d)/, '')
  return flag === '' ? text : flag === '-' ? bare : bare.padStart(text.length)
}
