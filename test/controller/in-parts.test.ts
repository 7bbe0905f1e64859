/** Bounded work on many objects. */
import t from 'tap'
import { inParts } from '../../src/controller/in-parts.ts'

t.test('everything is done, a part at a time', async (t) => {
  let running = 0
  let most = 0
  const done: number[] = []
  await inParts(Array.from({ length: 200 }, (_, i) => i), async (i) => {
    most = Math.max(most, ++running)
    await Promise.resolve()
    running--
    done.push(i)
  })
  t.equal(done.length, 200)
  t.equal(most, 64)
})

t.test('an error keeps what comes after it from being begun', async (t) => {
  const begun: number[] = []
  await t.rejects(inParts(Array.from({ length: 200 }, (_, i) => i), async (i) => {
    begun.push(i)
    if (i === 70) throw new Error('no')
  }), { message: 'no' })
  t.equal(begun.length, 128)
})
