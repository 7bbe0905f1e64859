import t from 'tap'
import { Workqueue } from '../../src/client/workqueue.ts'
import { FakeClock } from '../../src/clock.ts'

function takeAll(queue: Workqueue): string[] {
  const keys: string[] = []
  for (let key = queue.take(); key !== undefined; key = queue.take()) {
    keys.push(key)
    queue.done(key)
  }
  return keys
}

t.test('a key waits once, in the order of its first coming', (t) => {
  const queue = new Workqueue({ clock: new FakeClock() })
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
  t.equal(queue.length, 3)
  t.same(takeAll(queue), ['a', 'b', 'c'])
  t.equal(queue.idle, true)
  t.end()
})

t.test('a key that is worked on comes back afterwards, once', (t) => {
  const queue = new Workqueue({ clock: new FakeClock() })
  queue.add('a')
  t.equal(queue.take(), 'a')
  queue.add('a')
  queue.add('a')
  t.equal(queue.take(), undefined, 'nobody else gets it')
  t.equal(queue.idle, false)
  queue.done('a')
  t.same(takeAll(queue), ['a'])
  t.end()
})

t.test('delays', async (t) => {
  const clock = new FakeClock()
  const queue = new Workqueue({ clock })
  queue.addAfter('a', 1000)
  queue.addAfter('a', 5000)
  queue.addAfter('b', 5000)
  queue.addAfter('b', 2000)
  queue.addAfter('now', 0)
  t.same(takeAll(queue), ['now'])
  await clock.step(1000)
  t.same(takeAll(queue), ['a'])
  await clock.step(1000)
  t.same(takeAll(queue), ['b'], 'the earliest of several counts')
  await clock.step(10_000)
  t.same(takeAll(queue), [])
  t.equal(clock.pending, 0)
})

t.test('failures come back later and later', async (t) => {
  const clock = new FakeClock()
  const queue = new Workqueue({ clock, baseDelayMs: 5, maxDelayMs: 1000 })
  const delays: number[] = []
  for (let i = 0; i < 12; i++) {
    queue.addRateLimited('a')
    const begin = clock.now()
    const due = clock.nextDue ?? begin
    delays.push(due - begin)
    await clock.step(due - begin)
    t.same(takeAll(queue), ['a'])
  }
  t.same(delays, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000])
  t.equal(queue.retries('a'), 12)
  queue.forget('a')
  t.equal(queue.retries('a'), 0)
  queue.addRateLimited('a')
  t.equal((clock.nextDue ?? 0) - clock.now(), 5, 'success forgives')
})

t.test('whoever works is told', (t) => {
  const queue = new Workqueue({ clock: new FakeClock() })
  let told = 0
  queue.onReady(() => told++)
  queue.add('a')
  queue.add('a')
  t.equal(told, 1)
  queue.take()
  queue.add('a')
  t.equal(told, 1)
  queue.done('a')
  t.equal(told, 2)
  t.end()
})

t.test('many keys keep their order', (t) => {
  const queue = new Workqueue({ clock: new FakeClock() })
  const keys = Array.from({ length: 5000 }, (_, i) => `k${i}`)
  for (const key of keys) queue.add(key)
  t.same(takeAll(queue), keys)
  t.end()
})

t.test('a closed queue takes nothing and leaves no timer', async (t) => {
  const clock = new FakeClock()
  const queue = new Workqueue({ clock })
  queue.add('a')
  queue.addAfter('b', 1000)
  queue.close()
  t.equal(clock.pending, 0)
  queue.add('c')
  queue.addAfter('d', 10)
  queue.addRateLimited('e')
  await clock.step(10_000)
  t.same(takeAll(queue), [])
})
