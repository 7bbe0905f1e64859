/** WebSockets come by GET, but are no reading. Models k8s.io/kubernetes/pkg/registry/core/pod/rest/authorize.go. */
import type { Connection } from '../apiserver/subresources/create.ts'
import { attributesOf } from '../apiserver/authorization.ts'
import { forbidden } from '../errors.ts'

/** @throws StatusError 403 for who may get, but not create the subresource */
export async function authorizeCreate({ info, request, ctx, kind }: Connection): Promise<void> {
  if (info.verb === 'create') return
  const verdict = await ctx.system.authorizer?.authorize(attributesOf(request.user, { ...info, verb: 'create' }, new URLSearchParams()))
  if (verdict && verdict.decision !== 'Allow') throw forbidden(kind.groupResource, info.name, verdict.reason)
}
