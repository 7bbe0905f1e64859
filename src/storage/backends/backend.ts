/**
 * What the store asks of the place where entries are kept.
 *
 * This interface is for a backend that one store owns alone: the store's write queue orders the writes, gives them their
 * revisions, and the backend makes each batch durable, whole or not at all. LevelDB is one; memory is the same with nothing
 * to make durable.
 *
 * Where an engine with other writers (etcd) comes in: there the engine gives the revisions, a commit can lose a race, and other
 * servers' events arrive by its watch. Such an engine replaces `WriteQueue`, not `Backend`. All that the store needs of a
 * write queue is `head` (a guess at the newest version), `write` (on top of the version given, or CONFLICT; resolves when the write
 * has been published), `settled` and `close`; and the queue's only output is `publish(events, tree)`. On etcd, `write` is a Txn on
 * the key's mod_revision that resolves when the watch has brought the revision back, `head` is the published entry, a lost
 * race makes `guaranteedUpdate` run again, leases stand for `expiresAt`, and compaction follows the engine's own. Values are
 * stamped when they are read (`Codec.decode` gets the revision), as no one knows it beforehand. Index, history, watchers, snapshots
 * and forks are the same for both, and so is the contract suite.
 */
import type { StoredRecord } from '../entry.ts'

export interface Change {
  readonly type: 'PUT' | 'DELETE'
  readonly key: string
  readonly entry: StoredRecord
}

/** What the whole state looks like after a batch; it is written with the batch, and a state that does not fit it is refused. */
export interface StateSummary {
  /** The revision of the last write. */
  readonly revision: number
  readonly count: number
  /** The sum of all mod revisions: a lost or doubled record changes it. */
  readonly revisionSum: number
}

export const EMPTY_STATE: StateSummary = { revision: 1, count: 0, revisionSum: 0 }

export interface Backend {
  /** A commit has its price, so the writes of one turn of the event loop had better share it. */
  readonly gathersWrites: boolean
  /** Opens or creates; throws StorageError LOCKED, CORRUPT or FAILED. */
  open(): Promise<StateSummary>
  /** All records, in any order, some at a time; throws CORRUPT when they are not what the summary says. */
  load(): AsyncIterable<StoredRecord[]>
  /** Makes a batch durable, all of it or nothing. Never called again before it is done; nothing is returned when it is done at once. */
  commit(changes: readonly Change[], after: StateSummary): Promise<void> | undefined
  close(): Promise<void>
}
