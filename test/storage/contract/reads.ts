/** Lists, snapshots, watches, and how far back they reach. */
import type { Cases } from '../contract.ts'
import { doc, show } from '../documents.ts'

export const reading: Cases = {
  'a list gives a prefix in order': async (t, { store }) => {
    for (const key of ['b/2', 'a/1', 'b/10', 'c/1', 'b/1', 'b0']) await store.create(key, doc(key))
    const keys = (prefix: string) => store.list(prefix).entries.map((e) => e.key)
    t.same(keys('b/'), ['b/1', 'b/10', 'b/2'])
    t.same(keys(''), ['a/1', 'b/1', 'b/10', 'b/2', 'b0', 'c/1'])
    t.same(keys('b/1'), ['b/1', 'b/10'])
    t.same(keys('x'), [])
    t.equal(store.count('b/'), 3)
    t.equal(store.list('b/').revision, 7)
  },
  'pages give everything once, as it was at the first page': async (t, { store }) => {
    const all = Array.from({ length: 25 }, (_, i) => `p/${String(i).padStart(2, '0')}`)
    for (const key of all) await store.create(key, doc(key))
    const first = store.list('p/', { limit: 10 })
    t.equal(first.remaining, 15)
    const keys = first.entries.map((e) => e.key)
    for (let page = first; page.remaining > 0; ) {
      await store.create(`p/${keys.at(-1)}x`, doc('late'))
      await store.delete(keys.at(-1) ?? '')
      page = store.list('p/', { limit: 10, revision: first.revision, startKey: `${keys.at(-1)}\u0000` })
      t.equal(page.revision, first.revision)
      keys.push(...page.entries.map((e) => e.key))
    }
    t.same(keys, all)
    t.equal(store.list('p/', { limit: 25 }).remaining, 0)
    t.equal(store.list('p/', { limit: 24 }).remaining, 1)
  },
  'every revision of the window can be read': async (t, { store }) => {
    const expected: Record<string, string>[] = [{}, {}]
    for (let i = 0; i < 60; i++) {
      const key = `k${(i * 7) % 11}`
      const now = { ...expected.at(-1) }
      if (i % 3 === 2 && now[key]) {
        await store.delete(key)
        delete now[key]
      } else {
        await store.guaranteedUpdate(key, () => ({ value: doc(String(i)) }))
        now[key] = String(i)
      }
      expected.push(now)
    }
    for (let revision = store.revision; revision >= 1; revision--) {
      const listed = Object.fromEntries(store.list('', { revision }).entries.map((e) => [e.key, e.value.text]))
      t.same(listed, expected[revision], `revision ${revision}`)
    }
    t.throws(() => store.list('', { revision: store.revision + 1 }), { code: 'FUTURE_REVISION' })
  },
  'a snapshot stays as it is': async (t, { store }) => {
    await store.create('a', doc('1'))
    const snapshot = store.snapshot()
    await store.guaranteedUpdate('a', () => ({ value: doc('2') }))
    await store.create('b', doc('1'))
    t.equal(snapshot.get('a')?.value.text, '1')
    t.equal(snapshot.count(''), 1)
    const seen: string[] = []
    store.snapshot().scan('', ({ key }) => seen.push(key) < 1)
    t.same(seen, ['a'], 'a scan stops when it is told')
  },
  'an old version keeps its value after it was replaced': async (t, { store }) => {
    const old = await store.create('a', doc('1'))
    old.encodings.set('text/plain', Buffer.from('1'))
    await store.guaranteedUpdate('a', () => ({ value: doc('2') }))
    t.same(old.value, { text: '1', revision: 2 })
    t.equal(old.encodings.size, 0, 'what can be made again is not kept for history')
  },
}

export const watching: Cases = {
  'a write resolves after its watchers were called': async (t, { store }) => {
    const seen: string[] = []
    store.watch('a/', { onEvents: (events) => seen.push(...events.map(show)) })
    await store.create('a/1', doc('one'))
    t.same(seen, ['PUT a/1@2 one'])
    await store.guaranteedUpdate('a/1', () => ({ value: doc('uno') }))
    await store.create('b/1', doc('not watched'))
    await store.delete('a/1')
    t.same(seen, ['PUT a/1@2 one', 'PUT a/1@3 uno (one@2)', 'DELETE a/1@5 uno (uno@3)'])
  },
  'a prefix is a folder, a key or everything': async (t, { store }) => {
    const seen: Record<string, string[]> = {}
    for (const prefix of ['', '/', '/r/', '/r/pods/', '/r/pods/default/', '/r/pods/default/a', '/r/pod', '/r/podsx/', 'r/']) {
      const keys: string[] = (seen[prefix] = [])
      store.watch(prefix, { onEvents: (events) => keys.push(...events.map((e) => e.key)) })
    }
    for (const key of ['/r/pods/default/a', '/r/pods/default/ab', '/r/pods/other/a', '/r/nodes/n', 'plain']) await store.create(key, doc('x'))
    const count = Object.fromEntries(Object.entries(seen).map(([prefix, keys]) => [prefix, keys.length]))
    t.same(count, { '': 5, '/': 4, '/r/': 4, '/r/pods/': 3, '/r/pods/default/': 2, '/r/pods/default/a': 1, '/r/pod': 0, '/r/podsx/': 0, 'r/': 0 })
  },
  'the past comes first, then the present, nothing twice': async (t, { store }) => {
    for (let i = 1; i <= 5; i++) await store.create(`a/${i}`, doc('x'))
    for (const fromRevision of [1, 3, 6]) {
      const seen: number[] = []
      const handle = store.watch('a/', { fromRevision, onEvents: (events) => seen.push(...events.map((e) => e.revision)) })
      t.same(seen, [], 'not before watch returns')
      t.equal(handle.revision, fromRevision)
      const before = store.revision
      await store.create(`a/${store.revision}x`, doc('x'))
      t.same(seen, range(fromRevision + 1, before + 1))
      t.equal(handle.revision, store.revision)
      handle.close()
    }
  },
  'the past comes without a new write': async (t, { store }) => {
    await store.create('a/1', doc('x'))
    await store.create('a', doc('x'))
    const seen: string[] = []
    store.watch('a', { fromRevision: 1, onEvents: (events) => seen.push(...events.map(show)) })
    await Promise.resolve()
    t.same(seen, ['PUT a@3 x'], 'and a key is not a prefix')
  },
  'a batch comes whole and in order': async (t, { store }) => {
    const seen: number[] = []
    store.watch('', { onEvents: (events) => seen.push(...events.map((e) => e.revision)) })
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.create(`k${i}`, doc('x'))))
    t.same(seen, range(2, 101))
  },
  'a revision to come cannot be watched from': async (t, { store }) => {
    t.throws(() => store.watch('', { fromRevision: 2, onEvents: () => {} }), { code: 'FUTURE_REVISION' })
  },
  'who throws is closed, the others go on': async (t, { store }) => {
    const seen: string[] = []
    const closed: unknown[] = []
    const onEvents = () => {
      throw new Error('broken')
    }
    store.watch('', { onEvents, onClose: (error) => closed.push(error) })
    store.watch('', { onEvents: (events) => seen.push(...events.map((e) => e.key)) })
    await store.create('a', doc('x'))
    await store.create('b', doc('x'))
    t.same(seen, ['a', 'b'])
    t.match(closed, [{ message: 'broken' }])
    t.equal(closed.length, 1)
    t.equal(store.watchers, 1)
  },
  'a watcher may close itself and others, watch and write while it is called': async (t, { store }) => {
    const seen: string[] = []
    const victim = { close: () => {} }
    const handle = store.watch('', {
      onEvents(events) {
        seen.push(`first ${events.map((e) => e.key).join()}`)
        handle.close()
        victim.close()
        store.watch('', { onEvents: (events) => seen.push(...events.map((e) => `nested ${e.key}`)) })
        void store.create('b', doc('x'))
      },
    })
    victim.close = store.watch('', { onEvents: () => seen.push('victim') }).close
    await store.create('a', doc('x'))
    await store.create('c', doc('x'))
    t.same(seen, ['first a', 'nested b', 'nested c'])
    t.equal(store.watchers, 1)
  },
}

export const forgetting: Cases = {
  'what is compacted can be neither listed nor watched from': async (t, { store }) => {
    for (let i = 0; i < 5; i++) await store.create(`k${i}`, doc('x'))
    store.compact(4)
    t.equal(store.compactedRevision, 4)
    t.throws(() => store.list('', { revision: 3 }), { code: 'COMPACTED' })
    t.throws(() => store.watch('', { fromRevision: 3, onEvents: () => {} }), { code: 'COMPACTED' })
    t.throws(() => store.compact(3), { code: 'COMPACTED' })
    t.throws(() => store.compact(7), { code: 'FUTURE_REVISION' })
    t.equal(store.list('', { revision: 4 }).entries.length, 3)
    const seen: number[] = []
    store.watch('', { fromRevision: 4, onEvents: (events) => seen.push(...events.map((e) => e.revision)) })
    await Promise.resolve()
    t.same(seen, [5, 6])
  },
  'a compaction that overtakes a backlog closes the watch': async (t, { store }) => {
    for (let i = 0; i < 5; i++) await store.create(`k${i}`, doc('x'))
    const closed: unknown[] = []
    store.watch('', { fromRevision: 2, onEvents: () => t.fail('no events'), onClose: (error) => closed.push(error) })
    store.compact(5)
    await Promise.resolve()
    t.match(closed, [{ code: 'COMPACTED' }])
    t.equal(store.watchers, 0)
  },
  'time compacts and keeps a window': async (t, { store, clock }) => {
    await store.create('a', doc('x'))
    await clock.step(4 * 60_000)
    await store.create('b', doc('x'))
    await clock.step(2 * 60_000)
    t.equal(store.compactedRevision, 1, 'five minutes after the first write nothing is forgotten yet')
    await store.create('c', doc('x'))
    await clock.step(5 * 60_000)
    t.equal(store.compactedRevision, 3, 'five minutes later, what was there then')
    await clock.step(5 * 60_000)
    t.equal(store.compactedRevision, 4)
    t.equal(clock.pending, 0, 'without history no timer runs')
  },
  'the window is bounded in events and bytes': async (t, { open }) => {
    const few = await open({ history: { maxEvents: 10 } })
    for (let i = 0; i < 30; i++) await few.create(`k${i}`, doc('x'))
    t.equal(few.compactedRevision, few.revision - 10)
    t.equal(few.list('', { revision: few.compactedRevision }).entries.length, 20)
    const small = await open({ history: { maxBytes: 10_000 } })
    const before = small.revision
    for (let i = 0; i < 30; i++) await small.create(`big${i}`, doc('x'.repeat(1000)))
    t.ok(small.compactedRevision > before + 15 && small.compactedRevision < before + 25, `compacted to ${small.compactedRevision - before} of 30`)
  },
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}
