/** The codec of built-in kinds, backed by the generated schema facts. */
import { decodeObject, type Decoded } from '../apimachinery/decode.ts'
import { fromUnstructured } from '../apimachinery/from-unstructured.ts'
import { freezeJSON } from '../apimachinery/json.ts'
import { mergeTypeOf, type MergeType } from '../apimachinery/merge-type.ts'
import { normalize } from '../apimachinery/normalize.ts'
import { ConversionError } from '../apimachinery/parse-error.ts'
import { typeNameFor } from '../../schemas/facts.ts'
import { apiVersionOf, type ObjectCodec } from './scheme.ts'
import type { GroupVersionKind, KindDefinition, KubeObject } from './kind.ts'

/** @param whyNotConverted of the definition */
export function factsCodec(typeName: string, gvk: GroupVersionKind, whyNotConverted?: KindDefinition['whyNotConverted']): ObjectCodec {
  const type = { kind: gvk.kind, apiVersion: apiVersionOf(gvk) }
  const typed = ({ object, strictErrors }: Decoded) => {
    const made = { ...object, ...type } as unknown as KubeObject
    const why = whyNotConverted?.(made)
    if (why !== undefined) throw new ConversionError(why)
    return { object: made, strictErrors }
  }
  let mergeType: MergeType | undefined
  let empty: KubeObject | undefined
  const codec: ObjectCodec = {
    typeName,
    decode: (json) => typed(decodeObject(typeName, json)),
    fromApplied: (json) => typed(fromUnstructured(typeName, json)),
    // Made when first asked for: most kinds are never written.
    get mergeType() {
      return (mergeType ??= mergeTypeOf(typeName))
    },
    get empty() {
      return (empty ??= freezeJSON(codec.normalize(codec.decode(type).object)))
    },
    normalize: (object) => normalize(typeName, { ...object, ...type }),
    normalizeRequested: (object) => normalize(typeName, { ...object, ...type }, false),
  }
  return codec
}

/** @throws Error for a kind of which there are no facts */
export function codecOf(definition: KindDefinition): ObjectCodec {
  const typeName = typeNameFor(definition.group, definition.version, definition.kind)
  if (!typeName) throw new Error(`there are no schema facts about ${apiVersionOf(definition)} ${definition.kind}`)
  return factsCodec(typeName, definition, definition.whyNotConverted)
}
