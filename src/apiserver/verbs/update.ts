/** PUT of a kind or one of its update subresources. Models k8s.io/apiserver/pkg/endpoints/handlers/update.go. */
import { cloneJSON } from '../../apimachinery/json.ts'
import { badRequest, conflict } from '../../errors.ts'
import type { GroupVersionKind, KubeObject } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import type { ObjectEntry } from '../../registry/resource-storage.ts'
import { fromStorage, toStorage, type ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { trackUpdate } from '../field-manager.ts'
import { dedupOwnerReferences } from '../owner-references.ts'
import { prepareNewObject, settleNamespace } from './create.ts'

export interface Target {
  kind: ServedKind
  name: string
  /** '' for the object itself */
  subresource: string
}

/** What admission sees where that is not the object itself: the scale of a deployment. `transform` lets it be mutated. */
export interface AdmissionView {
  kind: GroupVersionKind
  of(object: KubeObject): KubeObject
}

export interface WriteOptions {
  transform(live: KubeObject | undefined): KubeObject | Promise<KubeObject>
  tracksFields?: boolean
  allowCreate?: boolean
  uid?: string | undefined
  authorizeCreate?(): void | Promise<void>
  view?: AdmissionView
}

/** What happened to the object that was written. */
export interface Written {
  entry: ObjectEntry
  created: boolean
}

/** Settles the namespace of what was sent, and refuses another name than the URL's. @throws StatusError 400 */
export function checkName(kind: ServedKind, object: KubeObject, url: { name: string; namespace: string }): void {
  settleNamespace(kind, object, url.namespace)
  const { name } = object.metadata
  if (!name) throw badRequest(`the name of the object (${url.name} based on URL) was undeterminable: name must be provided`)
  if (name !== url.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${url.name})`)
}

/** Replaces an object by `object` (decoded and defaulted), which is the write's from now on. */
export function updateObject(api: Api, target: Target, object: KubeObject, ctx: RequestContext): Promise<Written> {
  checkName(target.kind, object, { name: target.name, namespace: ctx.namespace })
  dedupOwnerReferences(object, ctx, 'sent')
  // One that is made of a version is written at the first attempt or refused: only what goes over any version is needed again.
  const isConditional = Number(object.metadata.resourceVersion ?? 0) > 0
  return writeObject(api, target, ctx, { transform: () => (isConditional ? object : cloneJSON(object)), uid: object.metadata.uid })
}

/**
 * The shared half of update and patch: makes the new object from the live one, tracks its fields, admits and stores it.
 * `transform` gets the live object in the version of the request and gives a fresh, defaulted one.
 */
export function writeObject(api: Api, { kind, name, subresource }: Target, ctx: RequestContext, options: WriteOptions): Promise<Written> {
  const { view } = options
  const base = { kind, subresource, namespace: ctx.namespace, name, ctx, ...(view ? { objectKind: view.kind } : {}) }
  const seen = (stored: KubeObject) => (view ? view.of(fromStorage(kind, stored)) : fromStorage(kind, stored))
  ctx.requestGroup = kind.group
  return api.storageFor(kind).update({
    name,
    ctx,
    ...(subresource ? { subresource } : {}),
    ...(options.uid ? { uid: options.uid } : {}),
    ...(options.allowCreate === undefined ? {} : { allowCreate: options.allowCreate }),
    async transform(current) {
      const live = current && fromStorage(kind, current)
      const object = await options.transform(live)
      if (!live) {
        const { uid } = object.metadata
        if (uid) throw conflict(kind.groupResource, name, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`)
        await options.authorizeCreate?.()
        prepareNewObject(kind, object, ctx.namespace)
      }
      if (options.tracksFields !== false) await trackUpdate({ scheme: api.scheme, kind, subresource, ctx }, live, object)
      if (!view) await api.admission.mutate(live ? { ...base, operation: 'UPDATE', object, oldObject: live } : { ...base, operation: 'CREATE', object })
      dedupOwnerReferences(object, ctx, 'admitted')
      return toStorage(kind, object)
    },
    validate(stored, current) {
      const object = seen(stored)
      return api.admission.validate(current ? { ...base, operation: 'UPDATE', object, oldObject: seen(current) } : { ...base, operation: 'CREATE', object })
    },
  })
}
