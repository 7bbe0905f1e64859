/**
 * Paths into a schema, as rules (`fieldPath`) and selectable fields name them: `.spec.a['b.c']`.
 * Models ValidFieldPath of k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go.
 */
import { schemaOf, type Schema } from './schema.ts'

export interface FoundField {
  /** As field errors write it. */
  path: string
  schema: Schema | undefined
}

const NOT_A_FIELD = 'does not refer to a valid field'
const TOKEN = /\.|\[|\]|'(?:[^'\\]|\\[\s\S])*'|[^.[\]]+/g

export function findField(schema: Schema, path: string, { allowsBrackets = true }: { allowsBrackets?: boolean } = {}): FoundField | { error: string } {
  const tokens = path.match(TOKEN) ?? []
  let found: FoundField = { path: '', schema }
  for (let i = 0; i < tokens.length; ) {
    const delimiter = tokens[i]
    if (delimiter !== '.' && delimiter !== '[') return { error: `expected [ or . but got: ${delimiter}` }
    if (delimiter === '[' && !allowsBrackets) return { error: 'array notation is not allowed' }
    const token = tokens[i + 1]
    if (token === undefined) return { error: 'unexpected end of JSON path' }
    if (delimiter === '[' && !/^'[\s\S]*'$/.test(token)) return { error: `expected single quoted string but got ${token}` }
    const next = step(found, delimiter === '[' ? token.slice(1, -1).replace(/\\([\s\S])/g, '$1') : token)
    if (!next) return { error: NOT_A_FIELD }
    found = next
    i += 2
    if (delimiter === '.') continue
    if (tokens[i] === undefined) return { error: 'unexpected end of JSON path' }
    if (tokens[i] !== ']') return { error: `expected ] but got ${tokens[i]}` }
    i++
  }
  return found
}

function step({ path, schema }: FoundField, name: string): FoundField | undefined {
  if (schema?.properties) {
    const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    return property && { path: path ? `${path}.${name}` : name, schema: property }
  }
  if (schema?.additionalProperties === undefined) return undefined
  return { path: `${path}[${name}]`, schema: schemaOf(schema.additionalProperties) }
}
