/** Owner references that appear twice are merged, with a warning. Models handlers/rest.go dedupOwnerReferencesAndAddWarning. */
import { equalJSON } from '../apimachinery/json.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'

/** @param when they were found: in what was sent, or in what mutating admission left */
export function dedupOwnerReferences({ metadata }: KubeObject, ctx: RequestContext, when: 'sent' | 'admitted'): void {
  const refs = metadata.ownerReferences
  if (!refs || refs.length < 2) return
  const isRepeated = (ref: (typeof refs)[number], i: number) => refs.findIndex((other) => equalJSON(other, ref)) !== i
  const uids = refs.filter(isRepeated).map((ref) => ref.uid)
  if (uids.length === 0) return
  metadata.ownerReferences = refs.filter((ref, i) => !isRepeated(ref, i))
  const since = when === 'admitted' ? ' after mutating admission happens' : ''
  ctx.warn(
    `.metadata.ownerReferences contains duplicate entries${since}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids.join(', ')}`,
  )
}
