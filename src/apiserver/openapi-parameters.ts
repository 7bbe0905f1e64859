/**
 * Query and path parameters of operations. The query parameters are the fields of the options kinds, as AddObjectParams of
 * k8s.io/apiserver/pkg/endpoints/installer.go takes them.
 */
import { type FieldFacts, mustTypeFacts } from '../../schemas/facts.ts'

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly type: string
  /** The name of the shared definition that OpenAPI v2 refers to instead. It ends with a hash of upstream's description. */
  readonly shared?: string
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
export const optionTypes = {
  list: `${meta}ListOptions`,
  create: `${meta}CreateOptions`,
  update: `${meta}UpdateOptions`,
  patch: `${meta}PatchOptions`,
  delete: `${meta}DeleteOptions`,
} as const

export const prettyParameter: Parameter = { name: 'pretty', in: 'query', type: 'string', shared: 'pretty-tJGM1-ng' }
export const nameParameter: Parameter = { name: 'name', in: 'path', type: 'string' }
export const namespaceParameter: Parameter = { name: 'namespace', in: 'path', type: 'string', shared: 'namespace-vgWSWtn3' }
export const pathParameter: Parameter = { name: 'path', in: 'path', type: 'string', shared: 'path-z6Ciiujn' }

function parameterType(field: FieldFacts): string {
  const type = field.type.kind === 'list' ? field.type.of : field.type
  if (type.kind !== 'scalar') return 'string'
  if (type.scalar === 'bool') return 'boolean'
  return /^u?int/.test(type.scalar) ? 'integer' : 'string'
}

/** A struct is no parameter; a Time, which is one in Go, becomes one only through an oversight upstream and is left out too. */
function isParameter(field: FieldFacts): boolean {
  if (field.inline || field.type.kind === 'ref' || field.type.kind === 'map') return false
  return !(field.type.kind === 'scalar' && field.type.scalar === 'Time')
}

const byType = new Map<string, readonly Parameter[]>()

export function optionParameters(optionsType: string): readonly Parameter[] {
  let parameters = byType.get(optionsType)
  if (parameters === undefined) {
    parameters = mustTypeFacts(optionsType)
      .fields.filter(isParameter)
      .map((field) => ({ name: field.name, in: 'query', type: parameterType(field), ...(field.parameter === undefined ? {} : { shared: field.parameter }) }))
    byType.set(optionsType, parameters)
  }
  return parameters
}
