/** An answer that takes time which only a test's clock has: who is asked in vain is asked again after a while. */
import type { FakeClock } from '../../src/clock.ts'
import { eventually } from './cluster.ts'

export async function patiently<T>(clock: FakeClock, answer: Promise<T> | T): Promise<T> {
  let isOpen = true
  const settled = Promise.resolve(answer).finally(() => (isOpen = false))
  await eventually(async () => {
    await clock.step(2000)
    return !isOpen
  })
  return settled
}
