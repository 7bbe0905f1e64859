/**
 * What every storage backend must do, as a function of a factory. After each test the store is checked for consistency and
 * closed, and its clock must hold no timer.
 */
import type { Test } from 'tap'
import { FakeClock } from '../../src/clock.ts'
import type { Backend } from '../../src/storage/backends/backend.ts'
import { Store, type StoreOptions } from '../../src/storage/store.ts'
import { expiring, ending, forking, restarting } from './contract/lifetimes.ts'
import { forgetting, reading, watching } from './contract/reads.ts'
import { updating, writing } from './contract/writes.ts'
import { type Doc, documents } from './documents.ts'

/** Somewhere to keep state in; what is opened again there, still has it if it is persistent. */
export interface Place {
  persistent: boolean
  /** Called for each test; gives the function that opens the test's own place. */
  make(t: Test): () => Backend
}

interface Context {
  store: Store<Doc>
  clock: FakeClock
  persistent: boolean
  backend(): Backend
  /** Closes the store that is open and opens the same place again. */
  open(options?: Partial<StoreOptions<Doc>>): Promise<Store<Doc>>
}

export type Cases = Record<string, (t: Test, context: Context) => Promise<void>>

export function storeContract(t: Test, place: Place): void {
  const groups = [writing, updating, reading, watching, forgetting, expiring, forking, ending, ...(place.persistent ? [restarting] : [])]
  for (const cases of groups) for (const [name, body] of Object.entries(cases)) t.test(name, (t) => runCase(t, place, body))
}

async function runCase(t: Test, { make, persistent }: Place, body: Cases[string]): Promise<void> {
  const backend = make(t)
  const clock = new FakeClock()
  let store = await Store.open({ backend: backend(), codec: documents, clock })
  const open = async (options: Partial<StoreOptions<Doc>> = {}) => {
    await store.close()
    return (store = await Store.open({ backend: backend(), codec: documents, clock, ...options }))
  }
  try {
    await body(t, { store, clock, persistent, backend, open })
    await store.verify()
  } finally {
    await store.close()
  }
  t.equal(clock.pending, 0, 'no timer is left')
}
