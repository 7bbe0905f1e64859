/**
 * The index of current entries: a persistent B+tree, ordered by key. A `Tree` never changes, so holding one is holding a
 * consistent snapshot; a `TreeDraft` edits in place the nodes it made since its last `seal` and copies all others, so a batch
 * of writes pays for each touched node once. Inner nodes know their size: counting a range takes two descents.
 */

export interface Keyed {
  readonly key: string
}

const CAPACITY = 32

/** Who may change a node in place: a draft between two seals. */
type Owner = object

class Leaf<T extends Keyed> {
  constructor(
    readonly owner: Owner,
    readonly items: T[],
  ) {}
}

/** `lows[i]` is at most every key of `children[i]` and above every key of `children[i - 1]`; `lows[0]` is never looked at. */
class Inner<T extends Keyed> {
  constructor(
    readonly owner: Owner,
    readonly lows: string[],
    readonly children: Node<T>[],
    public size = sumOf(children),
  ) {}
}

type Node<T extends Keyed> = Leaf<T> | Inner<T>

/** A range of keys: from `from` on, below `to`. */
export interface KeyRange {
  from: string
  to?: string | undefined
}

export class Tree<T extends Keyed> {
  readonly #root: Node<T>

  constructor(root: Node<T> = new Leaf<T>({}, [])) {
    this.#root = root
  }

  get size(): number {
    return sizeOf(this.#root)
  }

  get(key: string): T | undefined {
    return find(this.#root, key)
  }

  /** How many keys are below `key`. */
  rank(key: string): number {
    let below = 0
    let node = this.#root
    while (node instanceof Inner) {
      const at = childIndex(node, key)
      for (let i = 0; i < at; i++) below += sizeOf(childAt(node, i))
      node = childAt(node, at)
    }
    return below + lowerBound(node.items, key)
  }

  count({ from, to }: KeyRange): number {
    return Math.max(0, (to === undefined ? this.size : this.rank(to)) - this.rank(from))
  }

  /** Visits a range in order until `visit` returns false. */
  scan(range: KeyRange, visit: (item: T) => boolean | void): void {
    scanNode(this.#root, range, visit)
  }

  /** The first `limit` items of a range. */
  collect(range: KeyRange, limit = Infinity): T[] {
    const out: T[] = []
    if (limit > 0) collectNode(this.#root, range, { out, limit })
    return out
  }

  edit(): TreeDraft<T> {
    return new TreeDraft(this.#root)
  }

  /** Throws when the tree's own rules are broken; for tests and `verify`. */
  check(): void {
    checkNode(this.#root, { root: true, low: '', high: undefined })
  }
}

export class TreeDraft<T extends Keyed> {
  #owner: Owner = {}
  #root: Node<T>

  constructor(root: Node<T>) {
    this.#root = root
  }

  get size(): number {
    return sizeOf(this.#root)
  }

  get(key: string): T | undefined {
    return find(this.#root, key)
  }

  set(item: T): void {
    const root = this.#own(this.#root)
    const right = this.#setIn(root, item)
    this.#root = right ? new Inner(this.#owner, ['', right.low], [root, right.node]) : root
  }

  delete(key: string): void {
    if (find(this.#root, key) === undefined) return
    const root = this.#own(this.#root)
    this.#deleteIn(root, key)
    this.#root = root
    while (this.#root instanceof Inner && this.#root.children.length === 1) this.#root = childAt(this.#root, 0)
    if (this.#root instanceof Inner && this.#root.children.length === 0) this.#root = new Leaf<T>(this.#owner, [])
  }

  /** What was written so far, fixed; later edits copy. */
  seal(): Tree<T> {
    this.#owner = {}
    return new Tree(this.#root)
  }

  #own<N extends Node<T>>(node: N): N
  #own(node: Node<T>): Node<T> {
    if (node.owner === this.#owner) return node
    if (node instanceof Leaf) return new Leaf(this.#owner, node.items.slice())
    return new Inner(this.#owner, node.lows.slice(), node.children.slice(), node.size)
  }

  /** Puts `item` below `node`, which is owned; returns the new right neighbour when the node had to be split. */
  #setIn(node: Node<T>, item: T): { low: string; node: Node<T> } | undefined {
    if (node instanceof Leaf) return this.#setInLeaf(node, item)
    const at = childIndex(node, item.key)
    const child = this.#own(childAt(node, at))
    node.children[at] = child
    const before = sizeOf(child)
    const right = this.#setIn(child, item)
    node.size += sizeOf(child) - before
    if (!right) return undefined
    node.lows.splice(at + 1, 0, right.low)
    node.children.splice(at + 1, 0, right.node)
    node.size += sizeOf(right.node)
    if (node.children.length <= CAPACITY) return undefined
    const half = splitPoint(node.children.length, at + 1)
    const split = new Inner(this.#owner, node.lows.splice(half), node.children.splice(half))
    node.size -= split.size
    return { low: split.lows[0] ?? '', node: split }
  }

  #setInLeaf({ items }: Leaf<T>, item: T): { low: string; node: Node<T> } | undefined {
    const at = lowerBound(items, item.key)
    if (items[at]?.key === item.key) {
      items[at] = item
      return undefined
    }
    if (at === items.length) items.push(item)
    else items.splice(at, 0, item)
    if (items.length <= CAPACITY) return undefined
    const split = new Leaf(this.#owner, items.splice(splitPoint(items.length, at)))
    return { low: split.items[0]?.key ?? '', node: split }
  }

  /** Takes the key, which is there, out of what is below `node`, which is owned. */
  #deleteIn(node: Node<T>, key: string): void {
    if (node instanceof Leaf) {
      node.items.splice(lowerBound(node.items, key), 1)
      return
    }
    const at = childIndex(node, key)
    const child = this.#own(childAt(node, at))
    node.children[at] = child
    this.#deleteIn(child, key)
    node.size--
    if (widthOf(child) === 0) {
      node.lows.splice(at, 1)
      node.children.splice(at, 1)
    } else if (widthOf(child) < CAPACITY / 4) this.#mergeAround(node, at)
  }

  /** Joins a narrow child with a neighbour when one node can hold both. */
  #mergeAround(node: Inner<T>, at: number): void {
    const fits = (i: number) => i >= 0 && i + 1 < node.children.length && widthOf(childAt(node, i)) + widthOf(childAt(node, i + 1)) <= CAPACITY
    const leftAt = fits(at - 1) ? at - 1 : fits(at) ? at : -1
    if (leftAt < 0) return
    const left = this.#own(childAt(node, leftAt))
    const right = childAt(node, leftAt + 1)
    if (left instanceof Leaf && right instanceof Leaf) left.items.push(...right.items)
    else if (left instanceof Inner && right instanceof Inner) {
      left.lows.push(node.lows[leftAt + 1] ?? '', ...right.lows.slice(1))
      left.children.push(...right.children)
      left.size += right.size
    }
    node.children.splice(leftAt, 2, left)
    node.lows.splice(leftAt + 1, 1)
  }
}

/** Halves, but a node that grew at its end keeps nearly all: keys often come in ascending order. */
function splitPoint(length: number, grewAt: number): number {
  return grewAt === length - 1 ? length - 1 : length >> 1
}

function sizeOf<T extends Keyed>(node: Node<T>): number {
  return node instanceof Leaf ? node.items.length : node.size
}

function sumOf<T extends Keyed>(nodes: readonly Node<T>[]): number {
  let sum = 0
  for (const node of nodes) sum += sizeOf(node)
  return sum
}

function widthOf<T extends Keyed>(node: Node<T>): number {
  return node instanceof Leaf ? node.items.length : node.children.length
}

function childAt<T extends Keyed>(node: Inner<T>, at: number): Node<T> {
  const child = node.children[at]
  if (!child) throw new RangeError(`the node has no child ${at}`)
  return child
}

/** The child that holds `key` if any does. */
function childIndex<T extends Keyed>({ lows }: Inner<T>, key: string): number {
  let low = 1
  let high = lows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((lows[middle] ?? '') <= key) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The index of the first item that is not below `key`. */
function lowerBound<T extends Keyed>(items: readonly T[], key: string): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((items[middle]?.key ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

function find<T extends Keyed>(root: Node<T>, key: string): T | undefined {
  let node = root
  while (node instanceof Inner) node = childAt(node, childIndex(node, key))
  const item = node.items[lowerBound(node.items, key)]
  return item?.key === key ? item : undefined
}

/** Returns false when the walk is over. */
function scanNode<T extends Keyed>(node: Node<T>, range: KeyRange, visit: (item: T) => boolean | void): boolean {
  const { from, to } = range
  if (node instanceof Leaf) {
    for (let i = lowerBound(node.items, from); i < node.items.length; i++) {
      const item = node.items[i]
      if (!item || (to !== undefined && item.key >= to) || visit(item) === false) return false
    }
    return true
  }
  for (let i = childIndex(node, from); i < node.children.length; i++) {
    if (!scanNode(childAt(node, i), range, visit)) return false
  }
  return true
}

/** As scanNode, but only the nodes at the ends of the range are compared with it; what lies between is taken whole. */
function collectNode<T extends Keyed>(node: Node<T>, { from, to }: Partial<KeyRange>, into: { out: T[]; limit: number }): void {
  const { out, limit } = into
  if (node instanceof Leaf) {
    const { items } = node
    const start = from === undefined ? 0 : lowerBound(items, from)
    const end = Math.min(to === undefined ? items.length : lowerBound(items, to), start + limit - out.length)
    for (let i = start; i < end; i++) {
      const item = items[i]
      if (item) out.push(item)
    }
    return
  }
  const start = from === undefined ? 0 : childIndex(node, from)
  const end = to === undefined ? node.children.length - 1 : childIndex(node, to)
  for (let i = start; i <= end && out.length < limit; i++) {
    collectNode(childAt(node, i), { from: i === start ? from : undefined, to: i === end ? to : undefined }, into)
  }
}

/** Returns the depth. */
function checkNode<T extends Keyed>(node: Node<T>, at: { root: boolean; low: string; high: string | undefined }): number {
  const fail = (what: string) => {
    throw new Error(`index: ${what}`)
  }
  if (widthOf(node) > CAPACITY) fail('a node is too wide')
  if (widthOf(node) === 0 && !at.root) fail('a node is empty')
  if (node instanceof Leaf) {
    node.items.forEach(({ key }, i) => {
      if (key < at.low || (at.high !== undefined && key >= at.high)) fail(`${key} lies outside its leaf`)
      if (i > 0 && key <= (node.items[i - 1]?.key ?? '')) fail(`${key} is out of order`)
    })
    return 1
  }
  let size = 0
  const depths = node.children.map((child, i) => {
    size += sizeOf(child)
    return checkNode(child, { root: false, low: i === 0 ? at.low : (node.lows[i] ?? ''), high: node.lows[i + 1] ?? at.high })
  })
  if (node.lows.length !== node.children.length) fail('keys and children differ in number')
  if (size !== node.size) fail(`a node says it holds ${node.size} items and holds ${size}`)
  if (new Set(depths).size > 1) fail('leaves lie at different depths')
  return 1 + (depths[0] ?? 0)
}
