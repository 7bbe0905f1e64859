/** The codec of built-in kinds, backed by the generated schema facts. */
import { decodeObject } from '../apimachinery/decode.ts'
import { normalize } from '../apimachinery/normalize.ts'
import { typeNameFor } from '../../schemas/facts.ts'
import { apiVersionOf, type ObjectCodec } from './scheme.ts'
import type { GroupVersionKind, KindDefinition, KubeObject } from './kind.ts'

export function factsCodec(typeName: string, gvk: GroupVersionKind): ObjectCodec {
  const type = { kind: gvk.kind, apiVersion: apiVersionOf(gvk) }
  return {
    typeName,
    decode(json) {
      const { object, strictErrors } = decodeObject(typeName, json)
      return { object: { ...object, ...type } as unknown as KubeObject, strictErrors }
    },
    normalize: (object) => normalize(typeName, { ...object, ...type }),
  }
}

/** @throws Error for a kind of which there are no facts */
export function codecOf(definition: KindDefinition): ObjectCodec {
  const typeName = typeNameFor(definition.group, definition.version, definition.kind)
  if (!typeName) throw new Error(`there are no schema facts about ${apiVersionOf(definition)} ${definition.kind}`)
  return factsCodec(typeName, definition)
}
