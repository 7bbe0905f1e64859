/**
 * One version of one key, immutable. Its bytes are made once, when it is written, and serve the disk and every reader;
 * its value is decoded from them at first use after a restart.
 */

/** How values become bytes. The store knows nothing else about them. */
export interface Codec<V extends object> {
  /** The bytes that are persisted and later served; called once for each version. Must not keep or reuse the buffer. */
  encode(value: V): Buffer
  decode(bytes: Buffer, modRevision: number): V
  /** A value that carries `modRevision`; it may share parts with `value` but must leave it as it is. */
  stamp(value: V, modRevision: number): V
}

/** What a backend keeps of an entry. */
export interface StoredRecord {
  readonly key: string
  readonly createRevision: number
  readonly modRevision: number
  /** How many times the key was written since it was created. */
  readonly version: number
  /** When the entry is deleted by itself, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined
  readonly bytes: Buffer
}

type Origin<V extends object> = { bytes: Buffer; value?: V } | { deleted: Entry<V> }

export class Entry<V extends object> implements StoredRecord {
  readonly key: string
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly expiresAt: number | undefined
  readonly #codec: Codec<V>
  readonly #deleted: Entry<V> | undefined
  #bytes: Buffer | undefined
  #value: V | undefined
  #encodings: Map<string, Buffer> | undefined

  private constructor(record: Omit<StoredRecord, 'bytes'>, codec: Codec<V>, origin: Origin<V>) {
    this.key = record.key
    this.createRevision = record.createRevision
    this.modRevision = record.modRevision
    this.version = record.version
    this.expiresAt = record.expiresAt
    this.#codec = codec
    const deletes = 'deleted' in origin
    this.#deleted = deletes ? origin.deleted : undefined
    this.#bytes = deletes ? undefined : origin.bytes
    this.#value = deletes ? undefined : origin.value
    this.#encodings = undefined
  }

  /** A version about to be committed. */
  static written<V extends object>(meta: Omit<StoredRecord, 'bytes'>, codec: Codec<V>, value: V): Entry<V> {
    const stamped = codec.stamp(value, meta.modRevision)
    return new Entry(meta, codec, { bytes: codec.encode(stamped), value: stamped })
  }

  static loaded<V extends object>(record: StoredRecord, codec: Codec<V>): Entry<V> {
    return new Entry(record, codec, record)
  }

  /** The last state of a deleted entry, carrying the revision of its deletion; value and bytes are made when asked for. */
  static tombstone<V extends object>(deleted: Entry<V>, revision: number): Entry<V> {
    const { key, createRevision, version } = deleted
    return new Entry({ key, createRevision, modRevision: revision, version, expiresAt: undefined }, deleted.#codec, { deleted })
  }

  get bytes(): Buffer {
    return (this.#bytes ??= this.#codec.encode(this.value))
  }

  get value(): V {
    return (this.#value ??= this.#deleted
      ? this.#codec.stamp(this.#deleted.value, this.modRevision)
      : this.#codec.decode(this.bytes, this.modRevision))
  }

  /** The same version in other encodings, kept by whoever makes them, by media type. */
  get encodings(): Map<string, Buffer> {
    return (this.#encodings ??= new Map())
  }

  /**
   * Small buffers are slices of a pool and one slice keeps its whole 8 KB; a version that turns out to live long moves to
   * memory of its own. Most versions do not live long, and allocating is dear.
   */
  settle(): void {
    const bytes = this.#bytes
    if (!bytes || bytes.buffer.byteLength < 2 * bytes.byteLength) return
    this.#bytes = Buffer.allocUnsafeSlow(bytes.byteLength)
    this.#bytes.set(bytes)
  }

  /** Takes back a value that it had, for a reader to whom it must be the same one. */
  hold(value: V): void {
    this.#value = value
  }

  /** Forgets what can be made again from the bytes; for versions that only the history still holds. */
  release(): void {
    this.#encodings = undefined
    if (this.#bytes) this.#value = undefined
  }
}
