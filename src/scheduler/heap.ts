/** A binary heap whose items can be removed from anywhere. Models pkg/scheduler/backend/heap. */
export class Heap<T extends object> {
  readonly #less: (a: T, b: T) => boolean
  readonly #items: T[] = []
  readonly #at = new Map<T, number>()

  constructor(less: (a: T, b: T) => boolean) {
    this.#less = less
  }

  get size(): number {
    return this.#items.length
  }

  has(item: T): boolean {
    return this.#at.has(item)
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  /** An item that is there already finds its place anew. */
  push(item: T): void {
    let i = this.#at.get(item)
    if (i === undefined) {
      i = this.#items.length
      this.#put(i, item)
    }
    this.#up(i)
    this.#down(this.#at.get(item) ?? 0)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first) this.delete(first)
    return first
  }

  delete(item: T): boolean {
    const i = this.#at.get(item)
    if (i === undefined) return false
    this.#at.delete(item)
    const last = this.#items.pop()
    if (last && last !== item) {
      this.#put(i, last)
      this.#up(i)
      this.#down(this.#at.get(last) ?? 0)
    }
    return true
  }

  clear(): void {
    this.#items.length = 0
    this.#at.clear()
  }

  #put(i: number, item: T): void {
    this.#items[i] = item
    this.#at.set(item, i)
  }

  #up(from: number): void {
    let i = from
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!this.#swapIfLess(i, parent)) return
      i = parent
    }
  }

  #down(from: number): void {
    let i = from
    for (;;) {
      const left = 2 * i + 1
      let child = left
      const a = this.#items[left]
      const b = this.#items[left + 1]
      if (!a) return
      if (b && this.#less(b, a)) child = left + 1
      if (!this.#swapIfLess(child, i)) return
      i = child
    }
  }

  #swapIfLess(i: number, j: number): boolean {
    const a = this.#items[i]
    const b = this.#items[j]
    if (!a || !b || !this.#less(a, b)) return false
    this.#put(j, a)
    this.#put(i, b)
    return true
  }
}
