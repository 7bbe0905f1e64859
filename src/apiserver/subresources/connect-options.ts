/** The options of a connection (PodExecOptions …), read from the query. Models the parameter codec of k8s.io/apimachinery/pkg/runtime. */
import { mustTypeFacts, typeNameFor, type FieldFacts } from '../../../schemas/facts.ts'
import type { GroupVersionKind, KubeObject } from '../../registry/kind.ts'
import { apiVersionOf } from '../../registry/scheme.ts'
import { isTrue } from '../write-options.ts'
import type { Query } from '../request-info.ts'

/** @param path what follows the subresource in the URL, for those that take one */
export function connectOptions(kind: GroupVersionKind, query: Query, path: readonly string[]): KubeObject {
  const typeName = typeNameFor(kind.group, kind.version, kind.kind)
  const options: Record<string, unknown> = { kind: kind.kind, apiVersion: apiVersionOf(kind) }
  if (!typeName) return options as unknown as KubeObject
  const { jsonFields } = mustTypeFacts(typeName)
  for (const [name, facts] of jsonFields) {
    const value = query.has(name) && name !== 'kind' && name !== 'apiVersion' ? valueOf(facts, name, query) : undefined
    if (value !== undefined) options[name] = value
  }
  if (jsonFields.has('path') && path.length > 0) options.path = `/${path.join('/')}`
  // Options have no metadata.
  return options as unknown as KubeObject
}

function valueOf({ type }: FieldFacts, name: string, query: Query): unknown {
  const text = query.get(name)
  if (type.kind === 'list') {
    const all = query.getAll(name)
    return type.of.kind === 'scalar' && type.of.scalar.startsWith('int') ? all.map(Number) : all
  }
  if (type.kind !== 'scalar') return undefined
  if (type.scalar === 'bool') return isTrue(text) || undefined
  if (type.scalar.startsWith('int')) return Number(text)
  return text || undefined
}
