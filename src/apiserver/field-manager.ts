/**
 * Keeps metadata.managedFields in step with every write, and makes the object of a server-side apply. The arithmetic is in
 * src/apimachinery; here it meets kinds, versions and requests. Models k8s.io/apimachinery/pkg/util/managedfields.
 */
import { LEAF, type FieldSet } from '../apimachinery/field-set.ts'
import { updateManagedFields, type FieldManagerContext } from '../apimachinery/managed-fields.ts'
import { serverSideApply } from '../apimachinery/server-side-apply.ts'
import { cloneJSON, isRecord } from '../apimachinery/json.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { isScaleSubresource, type KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { fromStorage, toStorage, type Scheme, type ServedKind } from '../registry/scheme.ts'
import { reportStrictErrors } from './body.ts'
import { StatusError } from '../errors.ts'
import type { ReplicasPaths } from '../apimachinery/managed-fields-scale.ts'

export interface FieldManaged {
  scheme: Scheme
  kind: ServedKind
  subresource: string
  ctx: RequestContext
}

/** Fields that a write of the main resource or of status cannot set. */
const STATUS: FieldSet = { 'f:status': LEAF }
const SPEC: FieldSet = { 'f:spec': LEAF }

function resetFields({ definition }: ServedKind, subresource: string): FieldSet | undefined {
  const own = definition.resetFields?.[subresource]
  if (own) return own
  if (!definition.subresources?.status) return undefined
  return subresource === '' ? STATUS : subresource === 'status' ? SPEC : undefined
}

/**
 * Records in `object.metadata.managedFields` which fields the context's field manager sets by an update.
 * @param live the object before, in the version of the request; undefined on create
 */
export function trackUpdate(managed: FieldManaged, live: KubeObject | undefined, object: KubeObject): void {
  const { kind } = managed
  object.metadata.managedFields = updateManagedFields(live ?? kind.codec.empty, kind.codec.normalizeRequested(object), contextOf(managed))
}

/** The object that server-side apply makes of the live one and what is applied, managed fields included. @throws StatusError */
export function applyObject(managed: FieldManaged, live: KubeObject | undefined, applied: Record<string, unknown>, force: boolean): KubeObject {
  const { kind, ctx } = managed
  const { group, version } = kind
  const { codec } = kind
  const merged = serverSideApply({ live: live ?? codec.empty, empty: codec.empty, patch: applied, force, group, version, kind: kind.kind, context: contextOf(managed) })
  if (!merged.object) return withManagers(cloneJSON(live ?? codec.empty), merged.managedFields)
  const { object, strictErrors } = decodeApplied(kind, merged.object, applied)
  reportStrictErrors(strictErrors, ctx, (why) => new StatusError({ code: 500, message: why }))
  return withManagers(object, merged.managedFields)
}

function decodeApplied({ codec, apiVersion, kind }: ServedKind, merged: Record<string, unknown>, applied: Record<string, unknown>): ReturnType<ServedKind['codec']['fromApplied']> {
  try {
    return codec.fromApplied(merged)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const { namespace = '', name = '' } = isRecord(applied.metadata) ? applied.metadata : {}
    const type = `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`
    throw new StatusError({ code: 500, message: `failed to convert new object (${String(namespace)}/${String(name)}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${error.message}`, cause: error })
  }
}

function withManagers(object: KubeObject, managedFields: KubeObject['metadata']['managedFields']): KubeObject {
  object.metadata = { ...object.metadata, managedFields }
  return object
}

export function contextOf({ scheme, kind, subresource, ctx }: FieldManaged): FieldManagerContext {
  const reset = resetFields(kind, subresource)
  return {
    type: kind.codec.mergeType,
    apiVersion: kind.apiVersion,
    manager: ctx.fieldManager,
    ...(subresource ? { subresource } : {}),
    nowMs: ctx.clock.now(),
    ...(reset ? { resetFields: reset } : {}),
    inVersion(value, apiVersion) {
      const other = scheme.byRef(`${apiVersion}/${kind.kind}`)
      if (!other || other.prefix !== kind.prefix) return undefined
      const otherReset = resetFields(other, subresource)
      const converted = other === kind ? value : other.codec.normalize(fromStorage(other, toStorage(kind, value as KubeObject)))
      return { type: other.codec.mergeType, value: converted, ...(otherReset ? { resetFields: otherReset } : {}) }
    },
  }
}

/** Where each served version of a kind has its replicas. */
export function replicasPaths(scheme: Scheme, kind: ServedKind): ReplicasPaths {
  return Object.fromEntries(scheme.versionsOf(kind.group, kind.kind).map((version) => {
    const scale = version.definition.subresources?.scale
    return [version.apiVersion, isScaleSubresource(scale) ? scale.specReplicasPath.split('.').filter(Boolean).map((name) => `f:${name}`) : null]
  }))
}
