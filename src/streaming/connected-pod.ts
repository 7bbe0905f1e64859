/** The pod that a connection is for. */
import type { Pod } from '../../schemas/types.ts'
import type { Connection } from '../apiserver/subresources/create.ts'
import { notFound } from '../errors.ts'

/** @throws StatusError 404 for one that went meanwhile */
export function connectedPod({ ctx, info, kind }: Connection): Pod {
  const pod = ctx.system.get<Pod>('v1/Pod', info.namespace, info.name)
  if (!pod) throw notFound(kind.groupResource, info.name)
  return pod
}
