/** DELETE of an object and of a collection. Models k8s.io/apiserver/pkg/endpoints/handlers/delete.go. */
import type { Status } from '../../errors.ts'
import { isStatusError } from '../../errors.ts'
import { deleteObject, type DeleteResult } from '../../registry/deletion.ts'
import type { DeleteOptions } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { fromStorage, type ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { listObjects, prepareList, type ListQuery } from './list.ts'

export function removeObject(api: Api, kind: ServedKind, name: string, options: DeleteOptions, ctx: RequestContext): Promise<DeleteResult> {
  return deleteObject(api.storageFor(kind), {
    name,
    ctx,
    options,
    async validate(stored) {
      const oldObject = fromStorage(kind, stored)
      const attributes = { operation: 'DELETE' as const, kind, subresource: '', namespace: ctx.namespace, name, oldObject, deleteOptions: options, ctx }
      await api.admission.mutate(attributes)
      await api.admission.validate(attributes)
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

/** How many deletes of a collection wait for the store at a time. */
const PARALLEL_DELETES = 64

/** Deletes what the query selects and answers the entries that were there. */
export async function removeCollection(api: Api, kind: ServedKind, query: ListQuery, options: DeleteOptions, ctx: RequestContext) {
  await prepareList(api, kind, query)
  const listed = listObjects(api, kind, query)
  await kind.definition.stored?.prepareRead?.(listed.entries.map(({ value }) => value))
  const deleteOne = async (object: { namespace: string; name: string }) => {
    try {
      await removeObject(api, kind, object.name, { ...options }, ctx.inNamespace(object.namespace))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
  for (let i = 0; i < listed.entries.length; i += PARALLEL_DELETES) {
    const batch = listed.entries.slice(i, i + PARALLEL_DELETES)
    await Promise.all(batch.map(({ value }) => deleteOne({ namespace: value.metadata.namespace ?? '', name: value.metadata.name ?? '' })))
  }
  return listed
}
