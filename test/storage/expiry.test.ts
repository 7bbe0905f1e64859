import t from 'tap'
import { FakeClock, SeededRandom } from '../../src/clock.ts'
import { MemoryBackend } from '../../src/storage/backends/memory.ts'
import { Store } from '../../src/storage/store.ts'
import { doc, documents } from './documents.ts'
import { HeldBackend, settle } from './held-backend.ts'

for (const seed of [1, 2, 3]) {
  t.test(`entries go when they are due and not before, seed ${seed}`, async (t) => {
    const random = new SeededRandom(seed)
    const clock = new FakeClock()
    const store = await Store.open({ backend: new MemoryBackend(), codec: documents, clock })
    const due = new Map<string, number>()
    for (let round = 0; round < 100; round++) {
      for (let i = random.int(20); i > 0; i--) {
        const key = `k${random.int(60)}`
        const expiresAt = random.int(4) === 0 ? undefined : clock.now() + 1 + random.int(500)
        await store.guaranteedUpdate(key, () => ({ value: doc('x'), expiresAt }))
        due.set(key, expiresAt ?? Infinity)
      }
      await clock.step(random.int(60))
      await store.verify()
      for (const [key, at] of due) if (at <= clock.now()) due.delete(key)
      const keys = store.list('').entries.map((e) => e.key)
      if (keys.join() !== [...due.keys()].sort().join()) return t.fail(`round ${round}: ${keys.join()} are left of ${[...due.keys()].sort().join()}`)
      t.ok(clock.pending <= 2, 'one timer for all, one for compaction')
    }
    await store.close()
    t.equal(clock.pending, 0)
  })
}

t.test('thousands that are due at once all go', async (t) => {
  const clock = new FakeClock()
  const store = await Store.open({ backend: new MemoryBackend(), codec: documents, clock, queue: { maxQueuedWrites: 3000 } })
  const expiresAt = clock.now() + 1000
  for (let i = 0; i < 2000; i++) await store.create(`k${i}`, doc('x'), { expiresAt })
  await clock.step(1000)
  for (let i = 0; i < 20 && store.count('') > 0; i++) await clock.step(0)
  t.equal(store.count(''), 0)
  await store.close()
})

t.test('an expiry that cannot be written is tried again', async (t) => {
  const clock = new FakeClock()
  const backend = new HeldBackend()
  const store = await Store.open({ backend, codec: documents, clock, queue: { maxQueuedWrites: 1 } })
  const finish = async (commit: number) => {
    await settle()
    await backend.commits[commit]?.finish()
  }
  void store.create('a', doc('x'), { expiresAt: clock.now() + 1000 })
  await finish(0)
  void store.create('b', doc('x'))
  await clock.step(1000)
  t.equal(backend.commits.length, 2, 'the queue was full')
  await finish(1)
  await clock.step(999)
  t.equal(backend.commits.length, 2)
  await clock.step(1)
  await finish(2)
  t.same(store.list('').entries.map((e) => e.key), ['b'])
  await store.close()
})
