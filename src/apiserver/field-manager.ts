/** Keeps metadata.managedFields in step with every write. Models k8s.io/apimachinery/pkg/util/managedfields. */
import { notImplemented } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import type { ServedKind } from '../registry/scheme.ts'

/**
 * Records in `object.metadata.managedFields` which fields the context's field manager sets by an update.
 * @param live the object before, in the version of the request; undefined on create
 */
export function trackUpdate(_kind: ServedKind, live: KubeObject | undefined, object: KubeObject, _ctx: RequestContext, _subresource = ''): void {
  object.metadata.managedFields = live?.metadata.managedFields
}

/** The object that server-side apply makes of the live one and what is applied. */
export function applyObject(_kind: ServedKind, _live: KubeObject | undefined, _applied: Record<string, unknown>, _options: { ctx: RequestContext; force: boolean; subresource: string }): KubeObject {
  throw notImplemented('server-side apply')
}
