/**
 * Differences of two values, line by line of their JSON, as error texts show them.
 * Models k8s.io/apimachinery/pkg/util/diff and the SequenceMatcher (of Python's difflib) it stands on.
 */

interface OpCode {
  tag: 'equal' | 'replace' | 'delete' | 'insert'
  a: readonly [number, number]
  b: readonly [number, number]
}

interface Match {
  a: number
  b: number
  size: number
}

/** Lines seen in more than one of a hundred are no anchors in texts this long. */
const POPULAR_FROM_LINES = 200

/** Unified diff of two values in upstream's field names, '' when they are equal. */
export function jsonDiff(a: unknown, b: unknown): string {
  return unifiedDiff(prettyJSON(a), prettyJSON(b))
}

function prettyJSON(value: unknown): string {
  return JSON.stringify(value ?? null, null, 1).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export function unifiedDiff(a: string, b: string, context = 3): string {
  const before = a.split('\n')
  const after = b.split('\n')
  let text = ''
  for (const group of groupedOpCodes(opCodes(before, after), context)) {
    const first = group[0]
    const last = group.at(-1)
    if (!first || !last) continue
    text += `@@ -${range(first.a[0], last.a[1])} +${range(first.b[0], last.b[1])} @@\n`
    for (const { tag, a: left, b: right } of group) {
      if (tag === 'equal') for (const line of before.slice(...left)) text += ` ${line}\n`
      if (tag === 'replace' || tag === 'delete') for (const line of before.slice(...left)) text += `-${line}\n`
      if (tag === 'replace' || tag === 'insert') for (const line of after.slice(...right)) text += `+${line}\n`
    }
  }
  return text
}

function range(start: number, end: number): string {
  const length = end - start
  if (length === 1) return String(start + 1)
  return `${length === 0 ? start : start + 1},${length}`
}

/** Where each line of `b` stands, popular lines left out. */
function positions(b: readonly string[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  b.forEach((line, i) => {
    const at = found.get(line)
    if (at) at.push(i)
    else found.set(line, [i])
  })
  if (b.length >= POPULAR_FROM_LINES) {
    const most = Math.floor(b.length / 100) + 1
    for (const [line, at] of found) if (at.length > most) found.delete(line)
  }
  return found
}

type Bounds = readonly [aLow: number, aHigh: number, bLow: number, bHigh: number]

/** The longest run of equal lines inside the bounds, the earliest of several. */
function longestMatch(a: readonly string[], b: readonly string[], where: { at: Map<string, number[]>; bounds: Bounds }): Match {
  const [aLow, aHigh, bLow, bHigh] = where.bounds
  let best: Match = { a: aLow, b: bLow, size: 0 }
  let lengths = new Map<number, number>()
  for (let i = aLow; i < aHigh; i++) {
    const next = new Map<number, number>()
    for (const j of where.at.get(a[i] ?? '') ?? []) {
      if (j < bLow) continue
      if (j >= bHigh) break
      const size = (lengths.get(j - 1) ?? 0) + 1
      next.set(j, size)
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size }
    }
    lengths = next
  }
  while (best.a > aLow && best.b > bLow && a[best.a - 1] === b[best.b - 1]) best = { a: best.a - 1, b: best.b - 1, size: best.size + 1 }
  while (best.a + best.size < aHigh && best.b + best.size < bHigh && a[best.a + best.size] === b[best.b + best.size]) best.size++
  return best
}

function matches(a: readonly string[], b: readonly string[]): Match[] {
  const at = positions(b)
  const found: Match[] = []
  const pending: Bounds[] = [[0, a.length, 0, b.length]]
  for (let bounds = pending.pop(); bounds; bounds = pending.pop()) {
    const match = longestMatch(a, b, { at, bounds })
    if (match.size === 0) continue
    const [aLow, aHigh, bLow, bHigh] = bounds
    found.push(match)
    pending.push([aLow, match.a, bLow, match.b], [match.a + match.size, aHigh, match.b + match.size, bHigh])
  }
  found.sort((x, y) => x.a - y.a || x.b - y.b)
  const joined: Match[] = []
  for (const match of found) {
    const last = joined.at(-1)
    if (last && last.a + last.size === match.a && last.b + last.size === match.b) last.size += match.size
    else joined.push({ ...match })
  }
  return joined
}

function opCodes(a: readonly string[], b: readonly string[]): OpCode[] {
  const codes: OpCode[] = []
  let [i, j] = [0, 0]
  for (const match of [...matches(a, b), { a: a.length, b: b.length, size: 0 }]) {
    const gap = { a: [i, match.a] as const, b: [j, match.b] as const }
    if (i < match.a && j < match.b) codes.push({ tag: 'replace', ...gap })
    else if (i < match.a) codes.push({ tag: 'delete', ...gap })
    else if (j < match.b) codes.push({ tag: 'insert', ...gap })
    ;[i, j] = [match.a + match.size, match.b + match.size]
    if (match.size > 0) codes.push({ tag: 'equal', a: [match.a, i], b: [match.b, j] })
  }
  return codes
}

/** Changes with `context` equal lines around, near ones together. */
function groupedOpCodes(codes: readonly OpCode[], context: number): OpCode[][] {
  const groups: OpCode[][] = []
  let group: OpCode[] = []
  codes.forEach((code, index) => {
    const isFirst = index === 0
    const isLast = index === codes.length - 1
    if (code.tag !== 'equal') return void group.push(code)
    const [aStart, aEnd] = code.a
    const [bStart, bEnd] = code.b
    if (isFirst) return void group.push({ tag: 'equal', a: [Math.max(aStart, aEnd - context), aEnd], b: [Math.max(bStart, bEnd - context), bEnd] })
    const head: OpCode = { tag: 'equal', a: [aStart, Math.min(aEnd, aStart + context)], b: [bStart, Math.min(bEnd, bStart + context)] }
    if (isLast) return void group.push(head)
    if (aEnd - aStart <= 2 * context) return void group.push(code)
    group.push(head)
    groups.push(group)
    group = [{ tag: 'equal', a: [aEnd - context, aEnd], b: [bEnd - context, bEnd] }]
  })
  if (group.some((code) => code.tag !== 'equal')) groups.push(group)
  return groups
}
