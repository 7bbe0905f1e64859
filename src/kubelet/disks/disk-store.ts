/** Where disks are kept beyond the process, as they see it. */
export interface BlobChange {
  readonly key: string
  /** Undefined removes it. */
  readonly bytes: Buffer | undefined
}

export interface DiskStore {
  /** All there are, in the order of their keys. */
  load(): AsyncIterable<[string, Buffer][]>
  /** All changes or, after a crash, none. */
  write(changes: readonly BlobChange[]): Promise<void>
  close(): Promise<void>
}
