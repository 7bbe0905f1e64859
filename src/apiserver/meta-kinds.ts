/** Kinds that every group knows and none stores: options and reviews of subresources, decoded by their schema facts. */
import { parseJSON } from '../apimachinery/parse.ts'
import { isRecord } from '../apimachinery/json.ts'
import { typeNameFor } from '../../schemas/facts.ts'
import { factsCodec } from '../registry/facts-codec.ts'
import type { GroupVersionKind } from '../registry/kind.ts'
import { parseApiVersion } from '../registry/scheme.ts'
import type { Expected } from './body.ts'

/**
 * How to decode options of `kind`, which may be sent as of `v1`, `meta.k8s.io/v1` or any group: the body's own version
 * counts.
 */
export function metaKindFor(kind: string, body: Buffer): Expected {
  const sent = apiVersionIn(body)
  const known = sent !== undefined && typeNameFor(sent.group, sent.version, kind)
  const gv = known && sent ? sent : { group: '', version: 'v1' }
  return expectedFor({ ...gv, kind })
}

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

function apiVersionIn(body: Buffer): { group: string; version: string } | undefined {
  try {
    const { value } = parseJSON(body, { strict: false })
    return isRecord(value) && typeof value.apiVersion === 'string' ? parseApiVersion(value.apiVersion) : undefined
  } catch {
    // Whoever decodes the body will say what is wrong with it.
    return undefined
  }
}
