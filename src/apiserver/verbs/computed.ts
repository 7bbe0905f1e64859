/** Objects that are worked out when somebody asks, not stored (ComponentStatus, metrics). */
import { notFound } from '../../errors.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { ephemeral, type ObjectEntry } from '../../registry/resource-storage.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import { matcher, type Selection } from '../list-options.ts'

function computedEntries({ definition, codec }: ServedKind, ctx: RequestContext): ObjectEntry[] {
  const all = (definition.computed?.(ctx) ?? []).map((object) => codec.normalize(object))
  return all.filter(({ metadata }) => ctx.namespace === '' || metadata.namespace === undefined || metadata.namespace === ctx.namespace).map(ephemeral)
}

/** @throws StatusError 404 */
export function getComputed(kind: ServedKind, name: string, ctx: RequestContext): ObjectEntry {
  const found = computedEntries(kind, ctx).find(({ value }) => value.metadata.name === name)
  if (!found) throw notFound(kind.groupResource, name)
  return found
}

export function listComputed(kind: ServedKind, selection: Selection, ctx: RequestContext): { entries: ObjectEntry[]; revision?: number } {
  const matches = matcher(kind, selection) ?? (() => true)
  return { entries: computedEntries(kind, ctx).filter(({ value }) => matches(value)) }
}
