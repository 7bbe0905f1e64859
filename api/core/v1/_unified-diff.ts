/**
 * Two values as indented JSON, and what differs between them, as refusals of a changed spec show it.
 * Models k8s.io/apimachinery/pkg/util/diff and github.com/pmezard/go-difflib, whose choice of lines must be met.
 */

/** Lines of context around a change. */
const CONTEXT = 3
/** From so many lines on, lines that make up more than a hundredth of the text are no anchors for a match. */
const POPULAR_FROM = 200

interface Match {
  a: number
  b: number
  size: number
}

interface OpCode {
  isEqual: boolean
  aFrom: number
  aTo: number
  bFrom: number
  bTo: number
}

export function diffJSON(a: unknown, b: unknown): string {
  const [from, to] = [linesOf(a), linesOf(b)]
  return groups(opCodes(matchingBlocks(from, to))).map((group) => hunk(group, from, to)).join('')
}

function linesOf(value: unknown): string[] {
  return JSON.stringify(value, null, 1).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).split('\n')
}

function hunk(group: readonly OpCode[], a: readonly string[], b: readonly string[]): string {
  const first = group[0]
  const last = group.at(-1)
  if (!first || !last) return ''
  const out = [`@@ -${range(first.aFrom, last.aTo)} +${range(first.bFrom, last.bTo)} @@`]
  for (const code of group) {
    const removed = a.slice(code.aFrom, code.aTo)
    if (code.isEqual) out.push(...removed.map((line) => ` ${line}`))
    else out.push(...removed.map((line) => `-${line}`), ...b.slice(code.bFrom, code.bTo).map((line) => `+${line}`))
  }
  return `${out.join('\n')}\n`
}

function range(from: number, to: number): string {
  const length = to - from
  if (length === 1) return String(from + 1)
  return `${length === 0 ? from : from + 1},${length}`
}

function matchingBlocks(a: readonly string[], b: readonly string[]): Match[] {
  const positions = anchors(b)
  const found: Match[] = []
  const search = (aFrom: number, aTo: number, bFrom: number, bTo: number): void => {
    const match = longestMatch({ a, b, positions }, { aFrom, aTo, bFrom, bTo })
    if (match.size === 0) return
    if (aFrom < match.a && bFrom < match.b) search(aFrom, match.a, bFrom, match.b)
    found.push(match)
    if (match.a + match.size < aTo && match.b + match.size < bTo) search(match.a + match.size, aTo, match.b + match.size, bTo)
  }
  search(0, a.length, 0, b.length)
  const merged: Match[] = []
  for (const match of found) {
    const last = merged.at(-1)
    if (last && last.a + last.size === match.a && last.b + last.size === match.b) last.size += match.size
    else merged.push({ ...match })
  }
  return [...merged, { a: a.length, b: b.length, size: 0 }]
}

function anchors(b: readonly string[]): Map<string, number[]> {
  const positions = new Map<string, number[]>()
  for (const [i, line] of b.entries()) {
    const list = positions.get(line)
    if (list) list.push(i)
    else positions.set(line, [i])
  }
  const limit = Math.floor(b.length / 100) + 1
  if (b.length >= POPULAR_FROM) for (const [line, list] of positions) if (list.length > limit) positions.delete(line)
  return positions
}

type Texts = { a: readonly string[]; b: readonly string[]; positions: ReadonlyMap<string, number[]> }
type Ranges = { aFrom: number; aTo: number; bFrom: number; bTo: number }

function longestMatch({ a, b, positions }: Texts, { aFrom, aTo, bFrom, bTo }: Ranges): Match {
  const best: Match = { a: aFrom, b: bFrom, size: 0 }
  let lengths = new Map<number, number>()
  for (let i = aFrom; i < aTo; i++) {
    const next = new Map<number, number>()
    for (const j of positions.get(a[i] ?? '') ?? []) {
      if (j < bFrom) continue
      if (j >= bTo) break
      const size = (lengths.get(j - 1) ?? 0) + 1
      next.set(j, size)
      if (size > best.size) Object.assign(best, { a: i - size + 1, b: j - size + 1, size })
    }
    lengths = next
  }
  while (best.a > aFrom && best.b > bFrom && a[best.a - 1] === b[best.b - 1]) {
    best.a--
    best.b--
    best.size++
  }
  while (best.a + best.size < aTo && best.b + best.size < bTo && a[best.a + best.size] === b[best.b + best.size]) best.size++
  return best
}

function opCodes(blocks: readonly Match[]): OpCode[] {
  const codes: OpCode[] = []
  let i = 0
  let j = 0
  for (const { a, b, size } of blocks) {
    if (i < a || j < b) codes.push({ isEqual: false, aFrom: i, aTo: a, bFrom: j, bTo: b })
    if (size > 0) codes.push({ isEqual: true, aFrom: a, aTo: a + size, bFrom: b, bTo: b + size })
    i = a + size
    j = b + size
  }
  return codes
}

/** Changes with their context; a long stretch without changes parts two groups. */
function groups(codes: readonly OpCode[]): OpCode[][] {
  const out: OpCode[][] = []
  let group: OpCode[] = []
  for (const [i, code] of codes.entries()) {
    if (!code.isEqual) {
      group.push(code)
      continue
    }
    const { aFrom, aTo, bFrom, bTo } = code
    const head = { ...code, aTo: Math.min(aTo, aFrom + CONTEXT), bTo: Math.min(bTo, bFrom + CONTEXT) }
    const tail = { ...code, aFrom: Math.max(aFrom, aTo - CONTEXT), bFrom: Math.max(bFrom, bTo - CONTEXT) }
    if (i === 0) group.push(tail)
    else if (i === codes.length - 1) group.push(head)
    else if (aTo - aFrom > 2 * CONTEXT) {
      out.push([...group, head])
      group = [tail]
    } else group.push(code)
  }
  if (group.some((c) => !c.isEqual)) out.push(group)
  return out
}
