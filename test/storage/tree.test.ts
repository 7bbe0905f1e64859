import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { type KeyRange, Tree } from '../../src/storage/tree.ts'

interface Item {
  key: string
  n: number
}

/** The same as a tree, in the plainest way. */
class SortedArray {
  constructor(readonly items: Item[] = []) {}

  set(item: Item): void {
    const at = this.items.findIndex(({ key }) => key >= item.key)
    if (at < 0) this.items.push(item)
    else this.items.splice(at, this.items[at]?.key === item.key ? 1 : 0, item)
  }

  delete(key: string): void {
    const at = this.items.findIndex((item) => item.key === key)
    if (at >= 0) this.items.splice(at, 1)
  }

  range({ from, to }: KeyRange): Item[] {
    return this.items.filter(({ key }) => key >= from && (to === undefined || key < to))
  }
}

function randomKey(random: SeededRandom, spread: number): string {
  return `${'abc'[random.int(3)]}/${random.int(spread)}`
}

function compare(tree: Tree<Item>, model: SortedArray, random: SeededRandom): string | undefined {
  tree.check()
  const same = (a: readonly Item[], b: readonly Item[]) => a.length === b.length && a.every((item, i) => item === b[i])
  if (tree.size !== model.items.length || !same(tree.collect({ from: '' }), model.items)) return 'contents differ'
  for (let i = 0; i < 5; i++) {
    const [a, b] = [randomKey(random, 300), randomKey(random, 300)]
    const range = { from: a, to: random.int(4) === 0 ? undefined : b }
    const expected = model.range(range)
    const limit = random.int(40)
    const scanned: Item[] = []
    tree.scan(range, (item) => scanned.push(item) < limit)
    if (!same(tree.collect(range), expected)) return `range ${a}..${b} differs`
    if (!same(tree.collect(range, limit), expected.slice(0, limit))) return `first ${limit} of ${a}..${b} differ`
    if (!same(scanned, expected.slice(0, Math.max(1, limit)))) return `scan of ${a}..${b} differs`
    if (tree.count(range) !== expected.length) return `count of ${a}..${b} differs`
    if (tree.get(a) !== model.items.find(({ key }) => key === a)) return `get ${a} differs`
    if (tree.rank(a) !== model.items.filter(({ key }) => key < a).length) return `rank of ${a} differs`
  }
  return undefined
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  t.test(`random edits agree with a sorted array, seed ${seed}`, (t) => {
    const random = new SeededRandom(seed)
    const spread = [5, 50, 300, 1000, 3000, 3000][seed - 1] ?? 100
    let draft = new Tree<Item>().edit()
    const model = new SortedArray()
    const kept: { tree: Tree<Item>; model: SortedArray }[] = []
    for (let round = 0; round < 60; round++) {
      const grows = round % 20 < 12
      for (let i = random.int(200); i > 0; i--) {
        const key = randomKey(random, spread)
        if (random.int(10) < (grows ? 8 : 1)) {
          const item = { key, n: i }
          draft.set(item)
          model.set(item)
        } else {
          draft.delete(key)
          model.delete(key)
        }
        if (draft.size !== model.items.length) return t.fail(`size ${draft.size} for ${model.items.length}`)
      }
      const tree = draft.seal()
      kept.push({ tree, model: new SortedArray([...model.items]) })
      if (random.int(5) === 0) draft = tree.edit()
    }
    for (const { tree, model } of kept) {
      const difference = compare(tree, model, random)
      if (difference) return t.fail(difference)
    }
    t.pass(`${kept.length} sealed trees are as they were when they were sealed`)
    t.end()
  })
}

for (const [order, keyOf] of Object.entries({ ascending: (i: number) => i, descending: (i: number) => 99_999 - i, interleaved: (i: number) => (i * 7919) % 5000 })) {
  t.test(`${order} keys, added and taken away`, (t) => {
    const draft = new Tree<Item>().edit()
    const keys = Array.from({ length: 5000 }, (_, i) => `k/${String(keyOf(i)).padStart(5, '0')}`)
    for (const key of keys) draft.set({ key, n: 0 })
    const full = draft.seal()
    full.check()
    t.equal(full.size, 5000)
    t.same(full.collect({ from: '' }).map(({ key }) => key), keys.toSorted())
    for (const key of keys) draft.delete(key)
    const empty = draft.seal()
    empty.check()
    t.equal(empty.size, 0)
    t.same(empty.collect({ from: '' }), [])
    t.equal(full.size, 5000)
    full.check()
    t.end()
  })
}

t.test('a broken tree is found', (t) => {
  const draft = new Tree<Item>().edit()
  const items = Array.from({ length: 100 }, (_, i) => ({ key: `k${String(i).padStart(3, '0')}`, n: i }))
  for (const item of items) draft.set(item)
  const first = items[50]
  if (first) first.key = 'zzz'
  t.throws(() => draft.seal().check(), /out of order|outside its leaf/)
  t.end()
})
