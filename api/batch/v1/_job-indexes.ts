/** Index lists of indexed jobs: "1,3-5,7". Models validateIndexesFormat of k8s.io/kubernetes/pkg/apis/batch/validation/validation.go. */
import { quote } from '../../../src/errors.ts'

type Interval = readonly [from: number, to: number]

/** How many indexes the text lists, or what is wrong with it. */
export function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0
  let total = 0
  let last: number | undefined
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions)
    if (typeof interval === 'string') return interval
    const [from, to] = interval
    if (last !== undefined && last >= from) return `non-increasing order, previous: ${last}, current: ${from}`
    total += to - from + 1
    last = to
  }
  return total
}

function parseInterval(text: string, completions: number): Interval | string {
  const parts = text.split('-')
  if (parts.length > 2) return `the fragment ${quote(text)} violates the requirement that an index interval can have at most two parts separated by '-'`
  const bounds: number[] = []
  for (const part of parts) {
    if (!/^[+-]?\d+$/.test(part)) return `cannot convert string to integer for index: ${quote(part)}`
    if (Number(part) >= completions) return `too large index: ${quote(part)}`
    bounds.push(Number(part))
  }
  const [from = 0, to = from] = bounds
  return parts.length === 2 && from >= to ? `non-increasing order, previous: ${from}, current: ${to}` : [from, to]
}

/** The first index that both lists have; parts that cannot be read are passed over. */
export function firstOverlap(a: string, b: string, completions: number): number | undefined {
  if (!a || !b) return undefined
  const intervals = (text: string) => text.split(',').map((part) => parseInterval(part, completions)).filter((i): i is Interval => typeof i !== 'string')
  const [left, right] = [intervals(a), intervals(b)]
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const [x, y] = [left[i] ?? [0, 0], right[j] ?? [0, 0]]
    if (x[0] <= y[1] && y[0] <= x[1]) return Math.max(x[0], y[0])
    if (x[0] <= y[0]) i++
    else j++
  }
  return undefined
}
