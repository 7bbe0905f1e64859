/**
 * Controller owner references: who controls an object, and which objects an owner claims: those it already controls,
 * orphans it adopts because its selector matches, and those it lets go because the selector no longer does.
 * Models k8s.io/kubernetes/pkg/controller/controller_ref_manager.go.
 */
import type { OwnerReference } from '../../schemas/types.ts'
import type { KubeObject } from '../registry/kind.ts'
import { isStatusError } from '../errors.ts'
import { keyOf, type ControllerContext, type Key } from './controller.ts'

/** The reference of the controller of an object, if it has one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  const refs = object.metadata.ownerReferences
  if (refs) for (const ref of refs) if (ref.controller) return ref
  return undefined
}

export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid
}

/** `apps/v1/ReplicaSet` in its two parts, as objects carry them. */
export function splitKind(kind: string): { apiVersion: string; kind: string } {
  const slash = kind.lastIndexOf('/')
  return { apiVersion: kind.slice(0, slash), kind: kind.slice(slash + 1) }
}

/** @param kind the owner's kind as clients write it: `apps/v1/ReplicaSet` */
export function controllerRef(owner: KubeObject, kind: string): OwnerReference {
  const { name = '', uid = '' } = owner.metadata
  return { ...splitKind(kind), name, uid, controller: true, blockOwnerDeletion: true }
}

/** The group of an apiVersion; '' for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? '' : apiVersion.slice(0, slash)
}

/** The key of the controller of an object if that is of this kind (versions of the same group are the same kind). */
export function controllerKey(object: KubeObject, kind: string): Key | undefined {
  const ref = controllerOf(object)
  if (!ref) return undefined
  const wanted = splitKind(kind)
  if (ref.kind !== wanted.kind || groupOf(ref.apiVersion ?? '') !== groupOf(wanted.apiVersion)) return undefined
  return keyOf({ metadata: { namespace: object.metadata.namespace, name: ref.name } })
}

export interface Claims<T> {
  /** What the owner has after the writes: controlled and matching, or adopted. */
  claimed: T[]
  adopt: T[]
  release: T[]
}

export function planClaims<T extends KubeObject>(owner: KubeObject, candidates: readonly T[], matches: (object: T) => boolean): Claims<T> {
  const claims: Claims<T> = { claimed: [], adopt: [], release: [] }
  const ownerGoes = owner.metadata.deletionTimestamp !== undefined
  for (const object of candidates) {
    const ref = controllerOf(object)
    if (ref) {
      if (ref.uid !== owner.metadata.uid) continue
      if (matches(object)) claims.claimed.push(object)
      else if (!ownerGoes) claims.release.push(object)
    } else if (!ownerGoes && !object.metadata.deletionTimestamp && matches(object)) {
      claims.adopt.push(object)
      claims.claimed.push(object)
    }
  }
  return claims
}

export interface ClaimOptions {
  /** Kind of the owner. */
  ownerKind: string
  /** Kind of what is claimed. */
  kind: string
  /** Finalizers that come with adoption and go with release (jobs). */
  finalizers?: string[]
}

/** Writes adoptions and releases; answers what is claimed then, in the state after the writes. */
export async function applyClaims<T extends KubeObject>(ctx: ControllerContext, owner: KubeObject, claims: Claims<T>, options: ClaimOptions): Promise<T[]> {
  if (claims.adopt.length === 0 && claims.release.length === 0) return claims.claimed
  const gone = new Set<T>()
  const adopted = new Map<T, T>()
  const { kind, ownerKind, finalizers } = options
  for (const object of claims.adopt) {
    const metadata = { uid: object.metadata.uid, ownerReferences: [controllerRef(owner, ownerKind)], ...(finalizers ? { finalizers } : {}) }
    const after = await patchMetadata<T>(ctx, kind, { object, metadata })
    if (after) adopted.set(object, after)
    else gone.add(object)
  }
  for (const object of claims.release) {
    const ownerReferences = [{ $patch: 'delete', uid: owner.metadata.uid }]
    await patchMetadata<T>(ctx, kind, { object, metadata: { uid: object.metadata.uid, ownerReferences, ...(finalizers ? { '$deleteFromPrimitiveList/finalizers': finalizers } : {}) } })
  }
  return claims.claimed.filter((object) => !gone.has(object)).map((object) => adopted.get(object) ?? object)
}

/** Undefined when the object is gone, or is another one of the same name now (the uid in the patch no longer matches). */
async function patchMetadata<T extends KubeObject>(ctx: ControllerContext, kind: string, { object, metadata }: { object: T; metadata: object }): Promise<T | undefined> {
  try {
    return await ctx.client.patch<T>(kind, refOf(object), { metadata }, { type: 'strategic' })
  } catch (error) {
    if (isStatusError(error, 'NotFound') || isStatusError(error, 'Invalid')) return undefined
    throw error
  }
}

export function refOf(object: KubeObject): { namespace: string; name: string } {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '' }
}
