import t from 'tap'
import { FakeClock, SeededRandom, formatMicroTime, formatTime } from '../src/clock.ts'

t.test('timers fire in order of due time, and what they arm inside the step fires too', async (t) => {
  const clock = new FakeClock(0)
  const seen: string[] = []
  clock.after(20, () => seen.push(`b@${clock.now()}`))
  clock.after(10, () => {
    seen.push(`a@${clock.now()}`)
    clock.after(5, () => seen.push(`c@${clock.now()}`))
  })
  clock.after(10, () => seen.push('second of equals'))
  const cancelled = clock.after(12, () => seen.push('never'))
  cancelled.cancel()
  await clock.step(30)
  t.same(seen, ['a@10', 'second of equals', 'c@15', 'b@20'])
  t.equal(clock.now(), 30)
  t.equal(clock.pending, 0)
})

t.test('an aborted sleep rejects and leaves no timer', async (t) => {
  const clock = new FakeClock(0)
  const controller = new AbortController()
  const sleeping = clock.sleep(1000, controller.signal)
  controller.abort(new Error('stop'))
  await t.rejects(sleeping, { message: 'stop' })
  t.equal(clock.pending, 0)
})

t.test('a seed repeats a run', (t) => {
  const draw = (r: SeededRandom) => [r.uuid(), r.suffix(5), r.int(100)]
  t.same(draw(new SeededRandom(7)), draw(new SeededRandom(7)))
  t.notSame(draw(new SeededRandom(7)), draw(new SeededRandom(8)))
  t.match(new SeededRandom(1).uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.end()
})

t.test('times are written as Kubernetes writes them', (t) => {
  t.equal(formatTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), '2026-01-02T03:04:05Z')
  t.equal(formatMicroTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), '2026-01-02T03:04:05.678000Z')
  t.end()
})
