/** Expiry, forks, failure, close and restart. */
import { FakeClock } from '../../../src/clock.ts'
import { DELETE, type Outcome, UNCHANGED } from '../../../src/storage/store.ts'
import type { Cases } from '../contract.ts'
import { type Doc, doc, documents, show } from '../documents.ts'

export const expiring: Cases = {
  'an entry deletes itself when its time has come': async (t, { store, clock }) => {
    const seen: string[] = []
    store.watch('', { onEvents: (events) => seen.push(...events.map(show)) })
    await store.create('a', doc('x'), { expiresAt: clock.now() + 1000 })
    await store.create('b', doc('x'), { expiresAt: clock.now() + 500 })
    await store.create('c', doc('x'))
    await clock.step(499)
    t.equal(store.count(''), 3)
    await clock.step(1)
    await store.verify()
    t.equal(store.get('b'), undefined)
    t.ok(store.get('a'))
    await clock.step(500)
    await store.verify()
    t.equal(store.count(''), 1)
    t.same(seen.slice(3), ['DELETE b@5 x (x@3)', 'DELETE a@6 x (x@2)'])
  },
  'an update sets a new time or none': async (t, { store, clock }) => {
    const expiresAt = clock.now() + 1000
    for (const key of ['later', 'never', 'sooner']) await store.create(key, doc('x'), { expiresAt })
    await store.guaranteedUpdate('later', () => ({ value: doc('y'), expiresAt: expiresAt + 1000 }))
    await store.guaranteedUpdate('never', () => ({ value: doc('y') }))
    await store.guaranteedUpdate('sooner', () => ({ value: doc('y'), expiresAt: expiresAt - 500 }))
    const left = async (ms: number) => {
      await clock.step(ms)
      await store.verify()
      return store.list('').entries.map((e) => e.key)
    }
    t.same(await left(500), ['later', 'never'])
    t.same(await left(500), ['later', 'never'])
    t.same(await left(1000), ['never'])
  },
  'entries renewed many times expire once': async (t, { store, clock }) => {
    for (let i = 0; i < 500; i++) await store.guaranteedUpdate('lease', () => ({ value: doc(String(i)), expiresAt: clock.now() + 1000 + i }))
    await clock.step(1498)
    await store.verify()
    t.ok(store.get('lease'))
    await clock.step(1)
    await store.verify()
    t.equal(store.get('lease'), undefined)
    t.equal(store.revision, 502)
  },
}

export const forking: Cases = {
  'a fork begins with the same state and goes its own way': async (t, { store, clock }) => {
    for (let i = 0; i < 100; i++) await store.create(`k${String(i).padStart(3, '0')}`, doc('x'))
    await store.create('ttl', doc('x'), { expiresAt: clock.now() + 1000 })
    const own = new FakeClock(clock.now())
    const child = store.fork({ clock: own })
    t.equal(child.revision, store.revision)
    t.equal(child.get('k050'), store.get('k050'), 'entries are shared')
    await child.delete('k050')
    await child.create('new', doc('child'))
    await store.guaranteedUpdate('k050', () => ({ value: doc('parent') }))
    t.equal(child.get('k050'), undefined)
    t.equal(store.get('k050')?.value.text, 'parent')
    t.equal(store.get('new'), undefined)
    t.throws(() => child.list('', { revision: child.compactedRevision - 1 }), { code: 'COMPACTED' })
    await own.step(1000)
    await child.verify()
    t.equal(child.get('ttl'), undefined)
    t.ok(store.get('ttl'))
    await child.close()
    t.equal(own.pending, 0)
  },
}

export const ending: Cases = {
  'close finishes the writes under way': async (t, { store, persistent, open }) => {
    const writes = Array.from({ length: 100 }, (_, i) => store.create(`k${i}`, doc('x')))
    const closing = store.close()
    const late = t.rejects(store.create('late', doc('x')), { code: 'CLOSED' })
    await Promise.all([...writes, closing, late])
    const again = await open()
    t.equal(again.count(''), persistent ? 100 : 0)
  },
  'after close everything refuses': async (t, { store, open }) => {
    const closed: unknown[] = []
    store.watch('', { onEvents: () => {}, onClose: (error) => closed.push(error) })
    await store.create('a', doc('x'))
    await Promise.all([store.close(), store.close()])
    t.match(closed, [{ code: 'CLOSED' }])
    for (const call of [() => store.get('a'), () => store.list(''), () => store.count(''), () => store.compact(1), () => store.fork()]) t.throws(call, { code: 'CLOSED' })
    t.throws(() => store.watch('', { onEvents: () => {} }), { code: 'CLOSED' })
    await t.rejects(store.create('b', doc('x')), { code: 'CLOSED' })
    await t.rejects(store.delete('a'), { code: 'CLOSED' })
    await t.rejects(store.guaranteedUpdate('a', () => UNCHANGED), { code: 'CLOSED' })
    await t.rejects(store.guaranteedUpdate('a', async (): Promise<Outcome<Doc>> => DELETE), { code: 'CLOSED' })
    await open()
  },
  'too many waiting writes are refused': async (t, { open }) => {
    const store = await open({ queue: { maxQueuedWrites: 5 } })
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => store.create(`k${i}`, doc('x'))))
    t.same(results.map((r) => (r.status === 'rejected' ? r.reason.code : 'written')), [...Array.from({ length: 5 }, () => 'written'), 'QUEUE_FULL', 'QUEUE_FULL', 'QUEUE_FULL'])
    await store.create('k6', doc('x'))
    t.equal(store.count(''), 6)
  },
  'a store whose backend failed reads and does not write': async (t, { backend: makeBackend, persistent, open }) => {
    const backend = makeBackend()
    const store = await open({ backend })
    await store.create('a', doc('x'))
    const commit = backend.commit.bind(backend)
    backend.commit = () => Promise.reject(new Error('no space left'))
    const failing = [store.create('b', doc('x')), store.guaranteedUpdate('b', () => UNCHANGED), store.create('b', doc('y'))]
    for (const write of failing) await t.rejects(write, { code: 'FAILED', cause: { message: 'no space left' } })
    backend.commit = commit
    await t.rejects(store.create('c', doc('x')), { code: 'FAILED' })
    t.equal(store.get('b'), undefined)
    t.equal(store.get('a')?.value.text, 'x')
    t.equal((await open()).count(''), persistent ? 1 : 0)
  },
}

export const restarting: Cases = {
  'everything is there again': async (t, { store, open, clock }) => {
    for (let i = 0; i < 2500; i++) void store.create(`k${i}`, doc(`text ${i}`))
    await store.create('ttl', doc('x'), { expiresAt: clock.now() + 60_000 })
    await store.guaranteedUpdate('k7', () => ({ value: doc('changed') }))
    const before = store.list('').entries.map(({ key, createRevision, modRevision, version, expiresAt, bytes }) => ({ key, createRevision, modRevision, version, expiresAt, bytes: bytes.toString() }))
    const { revision } = store
    const again = await open()
    t.equal(again.revision, revision)
    t.same(again.list('').entries.map(({ key, createRevision, modRevision, version, expiresAt, bytes }) => ({ key, createRevision, modRevision, version, expiresAt, bytes: bytes.toString() })), before)
    t.same(again.get('k7')?.value, { text: 'changed', revision })
  },
  'the revision survives deletes': async (t, { store, open }) => {
    await store.create('a', doc('x'))
    await store.delete('a')
    const again = await open()
    t.equal(again.revision, 3)
    t.equal((await again.create('b', doc('x'))).modRevision, 4)
  },
  'history before a restart is compacted': async (t, { store, open }) => {
    await store.create('a', doc('x'))
    await store.create('b', doc('x'))
    const again = await open()
    t.equal(again.compactedRevision, 3)
    t.throws(() => again.watch('', { fromRevision: 2, onEvents: () => {} }), { code: 'COMPACTED' })
    t.throws(() => again.list('', { revision: 2 }), { code: 'COMPACTED' })
    t.doesNotThrow(() => again.watch('', { fromRevision: 3, onEvents: () => {} }))
  },
  'what expired meanwhile goes after the start': async (t, { store, open, clock }) => {
    await store.create('a', doc('x'), { expiresAt: clock.now() + 1000 })
    await store.close()
    await clock.step(5000)
    const again = await open()
    const gone = new Promise<string>((resolve) => again.watch('', { onEvents: (events) => resolve(events.map(show).join()) }))
    await clock.step(0)
    t.equal(await gone, 'DELETE a@3 x (x@2)')
  },
  'a value is decoded when it is first used': async (t, { store, open }) => {
    await store.create('a', doc('x'))
    let decoded = 0
    const again = await open({ codec: { ...documents, decode: (bytes, revision) => (decoded++, documents.decode(bytes, revision)) } })
    const entry = again.get('a')
    t.equal(decoded, 0)
    t.equal(entry?.value, entry?.value)
    t.equal(decoded, 1)
  },
}
