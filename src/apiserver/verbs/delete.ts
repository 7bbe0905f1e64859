/** DELETE of an object and of a collection. Models k8s.io/apiserver/pkg/endpoints/handlers/delete.go. */
import type { Status } from '../../errors.ts'
import { isStatusError } from '../../errors.ts'
import { deleteObject, type DeleteResult } from '../../registry/deletion.ts'
import type { DeleteOptions } from '../../registry/kind.ts'
import { whenReadable } from '../../registry/prepared-read.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { fromStorage, type ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { listObjects, whenListable, type ListQuery } from './list.ts'

export function removeObject(api: Api, kind: ServedKind, name: string, options: DeleteOptions, ctx: RequestContext): Promise<DeleteResult> {
  return remove({ api, kind, options, ctx }, { name, asked: name })
}

interface Removal {
  api: Api
  kind: ServedKind
  options: DeleteOptions
  ctx: RequestContext
}

/** @param asked the name that the request has, which is none where it is about a collection. @param admitted told when nobody objects */
function remove({ api, kind, options, ctx }: Removal, { name, asked, admitted }: { name: string; asked: string; admitted?: () => void }): Promise<DeleteResult> {
  return deleteObject(api.storageFor(kind), {
    name,
    ctx,
    options,
    async validate(stored) {
      const oldObject = fromStorage(kind, stored)
      const attributes = { operation: 'DELETE' as const, kind, subresource: '', namespace: ctx.namespace, name: asked, oldObject, deleteOptions: options, ctx }
      await api.admission.mutate(attributes)
      await api.admission.validate(attributes)
      admitted?.()
    },
  })
}

/** What a delete that removed the object answers, unless the kind answers the object itself. */
export function deletedStatus(kind: ServedKind, { object }: DeleteResult): Status {
  const { name, uid } = object.metadata
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...(name ? { name } : {}), ...(kind.group ? { group: kind.group } : {}), kind: kind.plural, ...(uid ? { uid } : {}) },
  }
}

/** How many deletes of a collection that were admitted wait for the store at a time. */
const PARALLEL_DELETES = 64

/** Deletes what the query selects and answers the entries that were there. One after the other is admitted; the first that is refused keeps those behind it. */
export async function removeCollection(api: Api, kind: ServedKind, query: ListQuery, options: DeleteOptions, ctx: RequestContext) {
  const listed = await whenListable(api, kind, query, (prepared) => listObjects(api, kind, prepared))
  await whenReadable(kind, listed.entries, () => undefined)
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  for (const { value } of listed.entries) {
    const { name = '', namespace = '' } = value.metadata
    const removal = { api, kind, options: { ...options }, ctx: ctx.inNamespace(namespace) }
    await new Promise<void>((admitted) => {
      const done: Promise<void> = remove(removal, { name, asked: '', admitted })
        .then(() => undefined, (error: unknown) => {
          if (!isStatusError(error, 'NotFound')) failure ??= { error }
        })
        .finally(() => {
          running.delete(done)
          admitted()
        })
      running.add(done)
    })
    if (running.size >= PARALLEL_DELETES) await Promise.race(running)
    if (failure) break
  }
  await Promise.all(running)
  if (failure) throw failure.error
  return listed
}
