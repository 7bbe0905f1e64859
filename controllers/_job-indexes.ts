/**
 * Sets of completion indexes as a Job's status writes them (`0-3,5,7`), kept as ordered intervals.
 * Models k8s.io/kubernetes/pkg/controller/job/indexed_job_utils.go.
 */
import type { Pod } from '../schemas/types.ts'

export const INDEX = 'batch.kubernetes.io/job-completion-index'

interface Interval {
  first: number
  last: number
}

export class Indexes {
  readonly #intervals: readonly Interval[]

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals
  }

  static readonly none = new Indexes([])

  /** Indexes from `completions` on are left out. */
  static parse(text: string | undefined, completions: number): Indexes {
    const intervals: Interval[] = []
    for (const part of (text ?? '').split(',')) {
      const [first = NaN, last = first] = part.split('-').map((n) => (/^\d+$/.test(n) ? Number(n) : NaN))
      if (Number.isNaN(first) || Number.isNaN(last)) continue
      if (first >= completions) break
      push(intervals, { first, last: Math.min(last, completions - 1) })
    }
    return new Indexes(intervals)
  }

  static of(indexes: Iterable<number>): Indexes {
    const intervals: Interval[] = []
    for (const i of [...indexes].sort((a, b) => a - b)) push(intervals, { first: i, last: i })
    return new Indexes(intervals)
  }

  get total(): number {
    return this.#intervals.reduce((n, { first, last }) => n + last - first + 1, 0)
  }

  has(index: number): boolean {
    return this.#intervals.some(({ first, last }) => first <= index && index <= last)
  }

  union(other: Indexes): Indexes {
    if (other.#intervals.length === 0) return this
    const intervals: Interval[] = []
    for (const interval of [...this.#intervals, ...other.#intervals].sort((a, b) => a.first - b.first)) push(intervals, { ...interval })
    return new Indexes(intervals)
  }

  /** How many indexes are in both. */
  overlap(other: Indexes): number {
    let n = 0
    for (const a of this.#intervals) for (const b of other.#intervals) n += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1)
    return n
  }

  /** The first `count` indexes below `completions` that are not in it. */
  missing(count: number, completions: number): number[] {
    const out: number[] = []
    let next = 0
    for (const { first, last } of [...this.#intervals, { first: completions, last: completions }]) {
      for (; next < Math.min(first, completions) && out.length < count; next++) out.push(next)
      next = Math.max(next, last + 1)
    }
    return out
  }

  toString(): string {
    return this.#intervals.map(({ first, last }) => (first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`)).join(',')
  }
}

/** Appends an interval that starts no earlier than those there, joining it with the last one where they touch. */
function push(intervals: Interval[], next: Interval): void {
  const last = intervals.at(-1)
  if (last && next.first <= last.last + 1) last.last = Math.max(last.last, next.last)
  else intervals.push(next)
}

/** The completion index of a pod; undefined when it has none. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

export function indexesOf(pods: readonly Pod[]): Indexes {
  return Indexes.of(pods.flatMap((pod) => indexOf(pod) ?? []))
}
