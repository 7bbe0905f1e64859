import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { Entry } from '../../src/storage/entry.ts'
import { History, type StorageEvent } from '../../src/storage/history.ts'
import { Tree } from '../../src/storage/tree.ts'
import { type Doc, doc, documents } from './documents.ts'

/** Writes at random, in batches, and keeps every state there was. */
class Writer {
  readonly states = new Map<number, readonly Entry<Doc>[]>([[1, []]])
  readonly history: History<Doc>
  readonly #random: SeededRandom
  #draft = new Tree<Entry<Doc>>().edit()
  #revision = 1

  constructor(seed: number, limits: { maxEvents: number; maxBytes: number }) {
    this.#random = new SeededRandom(seed)
    this.history = new History(limits, { revision: 1, tree: this.#draft.seal() })
  }

  writeBatch(): void {
    const events: StorageEvent<Doc>[] = []
    for (let i = this.#random.int(40); i >= 0; i--) {
      const revision = ++this.#revision
      const key = `k${this.#random.int(100)}`
      const previous = this.#draft.get(key)
      if (previous && this.#random.int(3) === 0) {
        this.#draft.delete(key)
        events.push({ type: 'DELETE', key, revision, entry: Entry.tombstone(previous, revision), previous })
      } else {
        const entry = Entry.written({ key, createRevision: revision, modRevision: revision, version: 1, expiresAt: undefined }, documents, doc('x'))
        this.#draft.set(entry)
        events.push({ type: 'PUT', key, revision, entry, previous })
      }
      this.states.set(revision, this.#draft.seal().collect({ from: '' }))
    }
    this.history.append(events, this.#draft.seal())
  }
}

function agrees(writer: Writer, revision: number): boolean {
  const entries = writer.history.treeAt(revision).collect({ from: '' })
  const expected = writer.states.get(revision)
  return entries.length === expected?.length && entries.every((entry, i) => entry === expected[i])
}

t.test('every state of the window is found again', (t) => {
  const random = new SeededRandom(1)
  const writer = new Writer(1, { maxEvents: 3000, maxBytes: Infinity })
  const { history } = writer
  for (let batch = 0; batch < 400; batch++) {
    writer.writeBatch()
    const revision = history.compacted + random.int(history.revision - history.compacted + 1)
    if (!agrees(writer, revision)) return t.fail(`revision ${revision} of ${history.compacted}..${history.revision} differs`)
  }
  t.equal(history.length, 3000)
  t.equal(history.compacted, history.revision - 3000)
  for (let revision = history.compacted; revision <= history.revision; revision += 37) t.ok(agrees(writer, revision), `revision ${revision}`)
  t.throws(() => history.treeAt(history.compacted - 1), { code: 'COMPACTED' })
  t.equal(history.after(history.compacted, '').length, 3000)
  history.compact(history.revision - 10)
  t.ok(agrees(writer, history.revision - 10))
  t.equal(history.length, 10)
  t.end()
})

t.test('what was asked for is kept, what is compacted is not', (t) => {
  const writer = new Writer(2, { maxEvents: 3000, maxBytes: Infinity })
  for (let batch = 0; batch < 30; batch++) writer.writeBatch()
  const { history } = writer
  const tree = history.treeAt(100)
  t.equal(history.treeAt(100), tree)
  for (let revision = 101; revision < 120; revision++) history.treeAt(revision)
  t.not(history.treeAt(100), tree, 'a few are kept, not all')
  history.compact(110)
  t.throws(() => history.treeAt(109), { code: 'COMPACTED' })
  t.ok(agrees(writer, 110))
  t.end()
})

t.test('events after a revision are found by prefix', (t) => {
  const writer = new Writer(3, { maxEvents: 3000, maxBytes: Infinity })
  for (let batch = 0; batch < 30; batch++) writer.writeBatch()
  const { history } = writer
  const all = history.after(1, '')
  t.same(all.map((e) => e.revision), Array.from({ length: history.revision - 1 }, (_, i) => i + 2))
  t.same(history.after(50, 'k1'), all.filter((e) => e.revision > 50 && e.key.startsWith('k1')))
  t.same(history.after(history.revision, ''), [])
  t.end()
})
