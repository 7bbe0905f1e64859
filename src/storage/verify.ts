/** The consistency check: what is in memory is what would be read after a restart. */
import type { Backend, StateSummary } from './backends/backend.ts'
import { MemoryBackend } from './backends/memory.ts'
import type { Entry, StoredRecord } from './entry.ts'
import { StorageError } from './errors.ts'
import type { Tree } from './tree.ts'

export interface State<V extends object> {
  backend: Backend
  tree: Tree<Entry<V>>
  summary: StateSummary
  expiring: ReadonlySet<string>
}

export async function verifyState<V extends object>({ backend, tree, summary, expiring }: State<V>): Promise<void> {
  tree.check()
  let expected = 0
  tree.scan({ from: '' }, (entry) => {
    if ((entry.expiresAt !== undefined) !== expiring.has(entry.key)) fail(`the expiry of ${entry.key} is not followed`)
    if (entry.expiresAt !== undefined) expected++
    if (entry.modRevision > summary.revision) fail(`${entry.key} is newer than the store`)
  })
  if (expected !== expiring.size) fail(`${expiring.size} expiries are followed and ${expected} entries expire`)
  if (summary.count !== tree.size) fail(`the head counts ${summary.count} entries and the index ${tree.size}`)
  if (!(backend instanceof MemoryBackend)) await compareWithBackend(backend, tree)
}

async function compareWithBackend<V extends object>(backend: Backend, tree: Tree<Entry<V>>): Promise<void> {
  let count = 0
  for await (const records of backend.load()) {
    for (const record of records) {
      count++
      const entry = tree.get(record.key)
      if (!entry || !sameRecord(entry, record)) fail(`${record.key} differs from what the backend keeps`)
    }
  }
  if (count !== tree.size) fail(`the backend keeps ${count} entries and the index ${tree.size}`)
}

function sameRecord(a: StoredRecord, b: StoredRecord): boolean {
  return (
    a.createRevision === b.createRevision && a.modRevision === b.modRevision && a.version === b.version && a.expiresAt === b.expiresAt && a.bytes.equals(b.bytes)
  )
}

function fail(what: string): never {
  throw new StorageError('CORRUPT', `the store is inconsistent: ${what}`)
}
