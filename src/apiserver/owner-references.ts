/** Owner references that appear twice are merged, with a warning. Models handlers/rest.go dedupOwnerReferencesAndAddWarning. */
import { equalJSON } from '../apimachinery/json.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'

export function dedupOwnerReferences({ metadata }: KubeObject, ctx: RequestContext): void {
  const refs = metadata.ownerReferences
  if (!refs || refs.length < 2) return
  const distinct = refs.filter((ref, i) => refs.findIndex((other) => equalJSON(other, ref)) === i)
  if (distinct.length === refs.length) return
  metadata.ownerReferences = distinct
  const uids = [...new Set(refs.filter((ref, i) => refs.findIndex((other) => equalJSON(other, ref)) !== i).map((ref) => ref.uid))]
  ctx.warn(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids.join(', ')}`,
  )
}
