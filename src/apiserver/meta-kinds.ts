/** Kinds that every group knows and none stores: options and reviews of subresources, decoded by their schema facts. */
import { typeNameFor } from '../../schemas/facts.ts'
import { factsCodec } from '../registry/facts-codec.ts'
import type { GroupVersionKind } from '../registry/kind.ts'
import type { Expected } from './body.ts'

const codecs = new Map<string, Expected>()

/** @throws Error for a kind without facts, which is a mistake of the programmer */
export function expectedFor({ group, version, kind }: GroupVersionKind): Expected {
  const key = `${group}/${version}/${kind}`
  let expected = codecs.get(key)
  if (!expected) {
    const typeName = typeNameFor(group, version, kind)
    if (!typeName) throw new Error(`there are no facts about ${key}`)
    codecs.set(key, (expected = { group, version, kind, codec: factsCodec(typeName, { group, version, kind }) }))
  }
  return expected
}
