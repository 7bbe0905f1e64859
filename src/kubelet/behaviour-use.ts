/** The processors and the memory that a behaviour takes: all the time, over time, with every request. */
import { parseDuration } from '../apimachinery/go-duration.ts'
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'
import type { Behaviour, Use } from './images.ts'
import type { Claim } from './sandbox/claims.ts'
import type { Process } from './sandbox/process.ts'

const SECOND_MS = 1000
/** What a program holds of which nothing is told. */
const USUAL_BYTES = 2 * 1024 * 1024

export function durationMs(text: string): number {
  return Number(parseDuration(text)) / 1e6
}

function useOf(said: Behaviour['cpu']): Use {
  return typeof said === 'object' ? said : said === undefined ? {} : { base: said }
}

/** Memory at its start. */
export function baseBytes({ memory }: Behaviour): number {
  const { base } = useOf(memory)
  return base === undefined ? USUAL_BYTES : quantityValue(String(base))
}

export interface Using {
  requested(): void
  close(): void
}

/** Claims what the behaviour takes, until it is closed. */
export function use({ cpu, memory }: Behaviour, process: Process): Using {
  const { clock, sandbox } = process
  const [processors, bytes] = [useOf(cpu), useOf(memory)]
  const timers: { cancel(): void }[] = []
  const held: (() => void)[] = []
  const take = (claim: Claim) => {
    held.push(sandbox.claims.claim(claim))
    sandbox.checkMemory()
  }
  const along = ({ base, curve = [] }: Use, claimOf: (amount: string) => Claim) => {
    let release = sandbox.claims.claim(claimOf(String(base ?? 0)))
    held.push(() => release())
    for (const { after, use: amount } of curve) {
      timers.push(clock.after(durationMs(after), () => {
        release()
        release = sandbox.claims.claim(claimOf(String(amount)))
        sandbox.checkMemory()
      }))
    }
    sandbox.checkMemory()
  }
  along(processors, (amount) => ({ millicores: quantityMilliValue(amount) }))
  along(bytes, (amount) => ({ bytes: quantityValue(amount) }))
  const grow = () => {
    take({ bytes: quantityValue(String(bytes.perSecond)) })
    timers.push(clock.after(SECOND_MS, grow))
  }
  if (bytes.perSecond !== undefined) timers.push(clock.after(SECOND_MS, grow))
  return {
    requested() {
      if (processors.perRequest !== undefined) sandbox.claims.spend(durationMs(String(processors.perRequest)) * 1e6)
      if (bytes.perRequest !== undefined) take({ bytes: quantityValue(String(bytes.perRequest)) })
    },
    close() {
      for (const timer of timers) timer.cancel()
      for (const release of held) release()
    },
  }
}
