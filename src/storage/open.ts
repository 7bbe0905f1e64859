/** Opens a store on disk, or in memory where no directory is given. */
import type { Clock } from '../clock.ts'
import { LevelBackend } from './backends/level.ts'
import { MemoryBackend } from './backends/memory.ts'
import type { Codec } from './entry.ts'
import { Store } from './store.ts'

/** Rejects with a StorageError: LOCKED when another process has the directory, CORRUPT when it cannot be read. */
export function openStore<V extends object>({ dataDir, codec, clock }: { dataDir: string | undefined; codec: Codec<V>; clock: Clock }): Promise<Store<V>> {
  return Store.open({ backend: dataDir ? new LevelBackend({ directory: dataDir }) : new MemoryBackend(), codec, clock })
}
