/**
 * The codec between objects and the bytes that are stored and served. Bytes are made once, with the resourceVersion
 * inside, at the moment the store assigns the revision.
 */
import { cloneJSON, freezeJSON } from '../apimachinery/json.ts'
import type { Codec } from '../storage/entry.ts'
import type { KubeObject } from './kind.ts'

/** @param freeze freezes what is shared, so that a stray write throws (tests) */
export function objectCodec({ freeze = false } = {}): Codec<KubeObject> {
  const seal = freeze ? freezeJSON : <T>(value: T) => value
  return {
    encode: (object) => Buffer.from(JSON.stringify(object)),
    decode: (bytes) => seal(JSON.parse(bytes.toString()) as KubeObject),
    stamp: (object, revision) => {
      const copy = Object.isFrozen(object) ? cloneJSON(object) : object
      return seal({ ...copy, metadata: { ...copy.metadata, resourceVersion: String(revision) } })
    },
  }
}
