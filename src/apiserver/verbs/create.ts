/** POST of a kind. Models k8s.io/apiserver/pkg/endpoints/handlers/create.go. */
import type { AdmissionAttributes } from '../../admission/chain.ts'
import { badRequest } from '../../errors.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import type { ObjectEntry } from '../../registry/resource-storage.ts'
import { fromStorage, toStorage, type ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { trackUpdate } from '../field-manager.ts'
import { dedupOwnerReferences } from '../owner-references.ts'

/**
 * Creates `object` (decoded, defaulted, owned by the callee), running admission and validation.
 * @throws StatusError
 */
export async function createObject(api: Api, kind: ServedKind, object: KubeObject, ctx: RequestContext): Promise<ObjectEntry> {
  ctx.requestGroup = kind.group
  prepareNewObject(kind, object, ctx.namespace)
  dedupOwnerReferences(object, ctx, 'sent')
  await trackUpdate({ scheme: api.scheme, kind, subresource: '', ctx }, undefined, object)
  const attributes = createAttributes(kind, object, ctx)
  await api.admission.mutate(attributes)
  dedupOwnerReferences(object, ctx, 'admitted')
  return api.storageFor(kind).create({
    object: toStorage(kind, object),
    ctx,
    validate: (ready) => api.admission.validate({ ...attributes, object: fromStorage(kind, ready), name: ready.metadata.name ?? '' }),
  })
}

export function createAttributes(kind: ServedKind, object: KubeObject, ctx: RequestContext): AdmissionAttributes {
  return { operation: 'CREATE', kind, subresource: '', namespace: ctx.namespace, name: object.metadata.name ?? '', object, ctx }
}

/** Drops what only the server sets and settles the namespace. */
export function prepareNewObject(kind: ServedKind, object: KubeObject, namespace: string): void {
  const { metadata } = object
  metadata.creationTimestamp = undefined
  metadata.uid = undefined
  metadata.deletionTimestamp = undefined
  metadata.deletionGracePeriodSeconds = undefined
  metadata.selfLink = undefined
  settleNamespace(kind, object, namespace)
}

/** Fills in the request's namespace, or refuses another one. */
export function settleNamespace(kind: ServedKind, object: KubeObject, namespace: string): void {
  const expected = kind.namespaced ? namespace : ''
  if (!object.metadata.namespace) object.metadata.namespace = expected || undefined
  else if (expected === '') delete object.metadata.namespace
  else if (object.metadata.namespace !== expected) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}
