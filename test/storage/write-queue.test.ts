import t from 'tap'
import { FakeClock, nextTurn } from '../../src/clock.ts'
import { MemoryBackend } from '../../src/storage/backends/memory.ts'
import { Store, UNCHANGED } from '../../src/storage/store.ts'
import { doc, documents } from './documents.ts'
import { HeldBackend, settle } from './held-backend.ts'

async function hold() {
  const backend = new HeldBackend()
  const store = await Store.open({ backend, codec: documents, clock: new FakeClock() })
  return { backend, store }
}

t.test('writes that gather while the backend is busy share the next commit', async (t) => {
  const { backend, store } = await hold()
  const events: number[] = []
  store.watch('', { onEvents: (batch) => events.push(batch.length) })
  const first = store.create('first', doc('x'))
  await settle()
  t.equal(backend.commits.length, 1)
  const others = Array.from({ length: 50 }, (_, i) => store.create(`k${i}`, doc('x')))
  await settle()
  t.equal(backend.commits.length, 1)
  t.equal(store.revision, 1, 'nothing is visible before it is durable')
  await backend.commits[0]?.finish()
  t.equal((await first).modRevision, 2)
  t.equal(store.revision, 2)
  t.equal(backend.commits.length, 2)
  t.equal(backend.commits[1]?.changes.length, 50)
  t.same(backend.commits[1]?.after, { revision: 52, count: 51, revisionSum: (52 * 53) / 2 - 1 })
  t.equal(store.count(''), 1)
  await backend.commits[1]?.finish()
  await Promise.all(others)
  t.equal(store.count(''), 51)
  t.same(events, [1, 50])
  await store.close()
})

t.test('decisions on what is not durable yet are answered when it is', async (t) => {
  const { backend, store } = await hold()
  const answers: string[] = []
  const note = (name: string) => () => void answers.push(name)
  const create = store.create('k', doc('x')).then(note('created'))
  await settle()
  const rest = [
    store.create('k', doc('y')).catch(note('exists')),
    store.guaranteedUpdate('k', () => UNCHANGED).then(note('unchanged')),
    store.guaranteedUpdate('k', () => Promise.reject(new Error('refused'))).catch(note('refused')),
    store.commitIf('k', 0, doc('y')).catch(note('conflict')),
  ]
  const other = store.guaranteedUpdate('other', () => UNCHANGED).then(note('about another key'))
  await settle()
  t.same(answers, ['about another key'])
  await backend.commits[0]?.finish()
  await Promise.all([create, other, ...rest])
  t.same(answers.slice(0, 2), ['about another key', 'created'])
  t.same(answers.slice(2).sort(), ['conflict', 'exists', 'refused', 'unchanged'])
  await store.close()
})

t.test('a failed commit takes with it all that was built on it', async (t) => {
  const { backend, store } = await hold()
  const lost: Promise<unknown>[] = [store.create('a', doc('x'))]
  await settle()
  lost.push(store.create('b', doc('x')), store.guaranteedUpdate('a', () => ({ value: doc('y') })))
  const refused = t.rejects(store.create('a', doc('y')), { code: 'FAILED' }, 'not KEY_EXISTS: the key does not exist')
  const failures = Promise.allSettled(lost)
  await backend.commits[0]?.finish(new Error('disk on fire'))
  await refused
  t.same((await failures).map((r) => (r.status === 'rejected' ? r.reason.message : 'written')), lost.map(() => 'the store takes no more writes since one failed: disk on fire'))
  t.equal(backend.commits.length, 1)
  t.equal(store.count(''), 0)
  t.equal(store.revision, 1)
  await store.close()
})

t.test('close waits for the writes it accepted', async (t) => {
  const { backend, store } = await hold()
  const write = store.create('a', doc('x'))
  let closed = false
  const closing = store.close().then(() => (closed = true))
  await settle()
  t.equal(closed, false)
  await backend.commits[0]?.finish()
  await Promise.all([write, closing])
})

t.test('a batch does not grow without bound', async (t) => {
  const { backend, store } = await hold()
  const writes = Array.from({ length: 5 }, (_, i) => store.create(`k${i}`, doc('x'.repeat(5 << 20))))
  await settle()
  for (let i = 0; i < 3; i++) await backend.commits[i]?.finish()
  await Promise.all(writes)
  t.same(backend.commits.map((c) => c.changes.length), [2, 2, 1])
  t.same(backend.commits.map((c) => c.after.revision), [3, 5, 6])
  await store.close()
})

t.test('waiting bytes are bounded too', async (t) => {
  const store = await Store.open({ backend: new MemoryBackend(), codec: documents, clock: new FakeClock(), queue: { maxQueuedBytes: 1000 } })
  const results = await Promise.allSettled(Array.from({ length: 4 }, (_, i) => store.create(`k${i}`, doc('x'.repeat(600)))))
  t.same(results.map((r) => r.status), ['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  await store.close()
})

t.test('endless writing in memory leaves others their turn', async (t) => {
  const store = await Store.open({ backend: new MemoryBackend(), codec: documents, clock: new FakeClock() })
  let stop = false
  void nextTurn().then(nextTurn).then(() => (stop = true))
  let writes = 0
  for (; !stop && writes < 100_000; writes++) await store.guaranteedUpdate('k', () => ({ value: doc('x') }))
  t.ok(writes < 1000, `${writes} writes`)
  await store.close()
})
