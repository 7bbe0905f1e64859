/** Counts the bytes of the files of a container or a volume, up to a bound. */
import { FsError, type Disk, type Ledger } from './sandbox/nodes.ts'

/** What the files of one may take, all together. */
const MAX_FILE_BYTES = 128 * 1024 * 1024

export class ByteLedger implements Ledger {
  /** What it was made for; none when it is bound by us alone. */
  readonly sizeBytes: number | undefined
  readonly #maxBytes: number
  bytes = 0

  constructor(maxBytes?: number) {
    this.sizeBytes = maxBytes
    this.#maxBytes = Math.min(maxBytes ?? MAX_FILE_BYTES, MAX_FILE_BYTES)
  }

  charge(bytes: number): void {
    if (bytes > 0 && this.bytes + bytes > this.#maxBytes) throw new FsError('ENOSPC')
    this.bytes = Math.max(0, this.bytes + bytes)
  }
}

/** Of a volume that goes with its pod. */
export class VolumeLedger extends ByteLedger implements Disk {
  /** Nobody keeps it. */
  changed(): void {}
}
