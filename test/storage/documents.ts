/** Small values for storage tests: documents that carry their revision, encoded as JSON. */
import type { Codec, StorageEvent } from '../../src/storage/store.ts'

export interface Doc {
  text: string
  revision?: number
  padding?: string
}

export const documents: Codec<Doc> = {
  encode: (doc) => Buffer.from(JSON.stringify(doc)),
  decode: (bytes, revision) => ({ ...JSON.parse(bytes.toString()), revision }),
  stamp: (doc, revision) => ({ ...doc, revision }),
}

export function doc(text: string): Doc {
  return { text }
}

/** An event in one line, such as `PUT a/b@3 text`; a previous version follows in brackets. */
export function show({ type, key, revision, entry, previous }: StorageEvent<Doc>): string {
  return `${type} ${key}@${revision} ${entry.value.text}${previous ? ` (${previous.value.text}@${previous.modRevision})` : ''}`
}
