/** What the facts of a type say about merging. Models LookupPatchMeta of k8s.io/apimachinery/pkg/util/strategicpatch/meta.go. */
import { mustTypeFacts } from '../../schemas/facts.ts'
import type { FieldType } from '../../schemas/field-type.ts'
import { quote } from '../errors.ts'
import { StrategicMergeError } from './strategic-merge-error.ts'

export interface PatchField {
  /** Of the field's struct, or of the items of its list. */
  readonly schema: PatchSchema
  readonly strategy: '' | 'merge' | 'replace'
  readonly mergeKey: string
}

export interface PatchSchema {
  /** `struct`, as an error about it says. */
  readonly name: string
  struct(key: string): PatchField
  list(key: string): PatchField
}

/** @param typeName an OpenAPI name that there are facts about */
export function patchSchema(typeName: string): PatchSchema {
  return schemaOf({ kind: 'ref', name: typeName, goName: '' })
}

function schemaOf(type: FieldType): PatchSchema {
  const lookup = (key: string): { type: FieldType; strategy: PatchField['strategy']; mergeKey: string } => {
    const isStruct = type.kind === 'ref' || (type.kind === 'scalar' && /^[A-Z]/.test(type.scalar))
    if (!isStruct) throw new StrategicMergeError(`merging an object in json but data type is not struct, instead is: ${kindOf(type)}`)
    const facts = type.kind === 'ref' ? mustTypeFacts(type.name) : undefined
    const field = facts?.jsonFields.get(key)
    if (!field) {
      const structName = (facts?.goName ?? type.goName).replace(/^.*\./, '')
      throw new StrategicMergeError(`unable to find api field in struct ${structName} for the json field ${quote(key)}`)
    }
    const [strategy] = field.patchStrategy.filter((s) => s !== 'retainKeys')
    return { type: field.type, strategy: strategy === 'merge' || strategy === 'replace' ? strategy : '', mergeKey: field.patchMergeKey ?? '' }
  }
  return {
    name: kindOf(type),
    struct: (key) => {
      const { type: member, strategy, mergeKey } = lookup(key)
      return { schema: schemaOf(member), strategy, mergeKey }
    },
    list: (key) => {
      const { type: member, strategy, mergeKey } = lookup(key)
      if (member.kind !== 'list') throw new StrategicMergeError(`expected slice or array type, but got: ${kindOf(type)}`)
      return { schema: schemaOf(member.of), strategy, mergeKey }
    },
  }
}

function kindOf(type: FieldType): string {
  if (type.kind === 'ref') return 'struct'
  if (type.kind === 'list') return 'slice'
  if (type.kind === 'map') return 'map'
  return /^[A-Z]/.test(type.scalar) ? 'struct' : type.scalar
}
