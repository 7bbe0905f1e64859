/** A file's bytes behave as one buffer does, whatever is written where. */
import t from 'tap'
import { FileBytes } from '../../../src/kubelet/sandbox/file-bytes.ts'

const BLOCK = 256 * 1024

/** The same in one buffer. */
function written(was: Buffer, at: number, bytes: Buffer): Buffer {
  const all = Buffer.alloc(Math.max(was.length, at + bytes.length))
  was.copy(all)
  bytes.copy(all, at)
  return all
}

const STEPS: readonly ([at: number, length: number] | [truncated: number])[] = [[0, 10], [10, BLOCK], [BLOCK - 3, 7], [3 * BLOCK + 5, 2 * BLOCK], [BLOCK + 1], [2 * BLOCK, 1], [5 * BLOCK], [4 * BLOCK - 1, 2], [3], [100, 4], [0], [7 * BLOCK, 3]]

t.test('as one buffer', (t) => {
  for (const isLookedAt of [false, true]) {
    const file = new FileBytes(Buffer.from('begin'))
    let same: Buffer = Buffer.from('begin')
    for (const [i, [at, length]] of STEPS.entries()) {
      const bytes = length === undefined ? Buffer.alloc(0) : Buffer.alloc(length, i + 1)
      if (length === undefined) file.truncate(at)
      else file.write(at, bytes)
      same = length === undefined ? Buffer.concat([same], at) : written(same, at, bytes)
      t.equal(file.size, same.length)
      t.ok(file.slice(0, Infinity).equals(same), `after step ${i}`)
      t.ok(file.slice(BLOCK - 5, BLOCK + 5).equals(same.subarray(BLOCK - 5, BLOCK + 5)), 'over the edge of a block')
      if (isLookedAt) t.ok(file.all().equals(same), 'all together')
    }
  }
  t.end()
})

t.test('bytes that others have stay theirs', (t) => {
  const shared = Buffer.alloc(2 * BLOCK, 'a')
  const [one, other] = [new FileBytes(shared), new FileBytes(shared)]
  one.write(BLOCK - 1, Buffer.from('xy'))
  t.equal(one.slice(BLOCK - 2, BLOCK + 2).toString(), 'axya')
  t.equal(other.slice(BLOCK - 2, BLOCK + 2).toString(), 'aaaa')
  t.end()
})

t.test('what was read stays as it was when its blocks are given back', (t) => {
  const file = new FileBytes(Buffer.alloc(0))
  file.write(0, Buffer.alloc(2 * BLOCK, 'a'))
  const read = file.upTo(0, 4)
  file.truncate(0)
  const next = new FileBytes(Buffer.alloc(0))
  next.write(0, Buffer.alloc(2 * BLOCK, 'b'))
  t.equal(read.toString(), 'aaaa')
  t.equal(next.slice(0, 2).toString(), 'bb')
  t.end()
})
