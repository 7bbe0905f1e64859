/**
 * What a field holds, parsed from the descriptors in schemas/data: `*[]string<v1.Verb>` is a pointer to a list of strings
 * whose Go type is v1.Verb. Go names appear in the texts of decoding errors.
 */

/** Scalars are Go's, and Kubernetes' types with a JSON form of their own. */
export type Scalar =
  | 'string' | 'bool' | 'int' | 'int32' | 'int64' | 'uint8' | 'uint32' | 'uint64' | 'float64' | 'bytes' | 'any'
  | SpecialScalar

export type SpecialScalar =
  | 'Time' | 'MicroTime' | 'Duration' | 'Quantity' | 'IntOrString' | 'RawExtension' | 'FieldsV1' | 'JSON'
  | 'JSONSchemaPropsOrBool' | 'JSONSchemaPropsOrArray' | 'JSONSchemaPropsOrStringArray'

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar; readonly goName: string }
  | { readonly kind: 'list'; readonly of: FieldType; readonly goName: string }
  | { readonly kind: 'map'; readonly of: FieldType; readonly goName: string }
  | { readonly kind: 'ref'; readonly name: string; readonly goName: string }

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.'

/** The OpenAPI names of the special scalars. */
export const scalarTypeNames: Readonly<Record<SpecialScalar, string>> = {
  Time: `${meta}Time`,
  MicroTime: `${meta}MicroTime`,
  Duration: `${meta}Duration`,
  FieldsV1: `${meta}FieldsV1`,
  Quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  RawExtension: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  JSON: `${apiextensions}JSON`,
  JSONSchemaPropsOrBool: `${apiextensions}JSONSchemaPropsOrBool`,
  JSONSchemaPropsOrArray: `${apiextensions}JSONSchemaPropsOrArray`,
  JSONSchemaPropsOrStringArray: `${apiextensions}JSONSchemaPropsOrStringArray`,
}

const plainScalars: Readonly<Record<Exclude<Scalar, SpecialScalar>, string>> = {
  string: 'string', bool: 'bool', int: 'int', int32: 'int32', int64: 'int64', uint8: 'uint8', uint32: 'uint32', uint64: 'uint64',
  float64: 'float64', bytes: '[]uint8', any: 'interface {}',
}

export function isSpecialScalar(name: string): name is SpecialScalar {
  return Object.hasOwn(scalarTypeNames, name)
}

function isPlainScalar(name: string): name is Exclude<Scalar, SpecialScalar> {
  return Object.hasOwn(plainScalars, name)
}

/** `v1.PodSpec` for io.k8s.api.core.v1.PodSpec: the package is the last but one label. */
export function goTypeName(openapiName: string): string {
  return openapiName.slice(openapiName.lastIndexOf('.', openapiName.lastIndexOf('.') - 1) + 1)
}

const parsed = new Map<string, FieldType>()

/** Parses a descriptor without its leading `*`. Equal descriptors give the same object. */
export function parseFieldType(descriptor: string): FieldType {
  let type = parsed.get(descriptor)
  if (type === undefined) {
    const reader = new DescriptorReader(descriptor)
    type = reader.type()
    parsed.set(descriptor, type)
  }
  return type
}

class DescriptorReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  type(): FieldType {
    if (this.#take('(')) {
      const inner = this.type()
      if (!this.#take(')')) throw new Error(`unbalanced type descriptor ${this.#text}`)
      return this.#named(inner)
    }
    if (this.#take('[]')) {
      const of = this.type()
      return { kind: 'list', of, goName: `[]${of.goName}` }
    }
    if (this.#take('map[')) {
      const key = this.type()
      this.#take(']')
      const of = this.type()
      return { kind: 'map', of, goName: `map[${key.goName}]${of.goName}` }
    }
    return this.#named(this.#simple())
  }

  #simple(): FieldType {
    const word = /^[^<>()[\]]+/.exec(this.#text.slice(this.#at))?.[0] ?? ''
    this.#at += word.length
    if (isPlainScalar(word)) return { kind: 'scalar', scalar: word, goName: plainScalars[word] }
    if (isSpecialScalar(word)) return { kind: 'scalar', scalar: word, goName: goTypeName(scalarTypeNames[word]) }
    if (!word.includes('.')) throw new Error(`unknown type ${word} in the descriptor ${this.#text}`)
    return { kind: 'ref', name: word, goName: goTypeName(word) }
  }

  #named(type: FieldType): FieldType {
    if (!this.#take('<')) return type
    const end = this.#text.indexOf('>', this.#at)
    const goName = this.#text.slice(this.#at, end)
    this.#at = end + 1
    return { ...type, goName }
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }
}
