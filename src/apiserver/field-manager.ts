/**
 * Keeps metadata.managedFields in step with every write, and makes the object of a server-side apply. The arithmetic is in
 * src/apimachinery; here it meets kinds, versions and requests. Models k8s.io/apimachinery/pkg/util/managedfields.
 */
import { LEAF, type FieldSet } from '../apimachinery/field-set.ts'
import { updateManagedFields, type FieldManagerContext } from '../apimachinery/managed-fields.ts'
import { serverSideApply } from '../apimachinery/server-side-apply.ts'
import { cloneJSON, isRecord } from '../apimachinery/json.ts'
import { ConversionError, ParseError } from '../apimachinery/parse-error.ts'
import { isScaleSubresource, type KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { apiVersionOf, fromStorage, toStorage, type Scheme, type ServedKind } from '../registry/scheme.ts'
import { reportStrictErrors, type Expected } from './body.ts'
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
export async function trackUpdate(managed: FieldManaged, live: KubeObject | undefined, object: KubeObject): Promise<void> {
  const { codec } = managed.kind
  const normal = codec.normalizeRequested(object)
  object.metadata.managedFields = await withConversions(managed, (context) => updateManagedFields(live ?? codec.empty, normal, context), () => undefined)
}

/** Records the same of a body that is posted to a subresource, and is of a kind of its own. */
export function trackPosted({ group, version, codec }: Expected, subresource: string, { body, ctx }: { body: KubeObject; ctx: RequestContext }): void {
  const context = { type: codec.mergeType, apiVersion: apiVersionOf({ group, version }), manager: ctx.fieldManager, subresource, nowMs: ctx.clock.now() }
  body.metadata.managedFields = updateManagedFields(codec.empty, codec.normalizeRequested(body), context)
}

/** The object that server-side apply makes of the live one and what is applied, managed fields included. @throws StatusError */
export async function applyObject(managed: FieldManaged, live: KubeObject | undefined, applied: Record<string, unknown>, force: boolean): Promise<KubeObject> {
  const { kind, ctx } = managed
  const { group, version } = kind
  const { codec } = kind
  const merged = await withConversions(managed, (context) => serverSideApply({ live: live ?? codec.empty, empty: codec.empty, patch: applied, force, group, version, kind: kind.kind, context }))
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
    if (error instanceof ConversionError) throw new StatusError({ code: 500, message: `failed to convert to unversioned (${String(namespace)}/${String(name)}; ${type}): ${error.message}`, cause: error })
    throw new StatusError({ code: 500, message: `failed to convert new object (${String(namespace)}/${String(name)}; ${type}) to proper version: unable to convert unstructured object to ${type}: ${error.message}`, cause: error })
  }
}

function withManagers(object: KubeObject, managedFields: KubeObject['metadata']['managedFields']): KubeObject {
  object.metadata = { ...object.metadata, managedFields }
  return object
}

/** Thrown where a version of an object is needed that has to be waited for. */
class Unconverted {
  constructor(
    readonly key: string,
    readonly pending: Promise<KubeObject>,
  ) {}
}

/**
 * Who holds what is worked out without waiting; where a webhook converts, it is begun anew with each version that came.
 * @param orElse what is taken when a webhook fails; without it, its error is thrown
 */
async function withConversions<T>(managed: FieldManaged, attempt: (context: FieldManagerContext) => T, orElse?: () => T): Promise<T> {
  const converted = new Map<string, KubeObject>()
  const context = contextOf(managed, converted)
  for (;;) {
    try {
      return attempt(context)
    } catch (error) {
      if (!(error instanceof Unconverted)) throw error
      try {
        converted.set(error.key, await error.pending)
      } catch (failed) {
        if (orElse) return orElse()
        throw failed
      }
    }
  }
}

function contextOf(managed: FieldManaged, converted: ReadonlyMap<string, KubeObject>): FieldManagerContext {
  const { kind, subresource, ctx } = managed
  const reset = resetFields(kind, subresource)
  return {
    type: kind.codec.mergeType,
    isChecked: kind.definition.stored !== undefined,
    apiVersion: kind.apiVersion,
    manager: ctx.fieldManager,
    ...(subresource ? { subresource } : {}),
    nowMs: ctx.clock.now(),
    ...(reset ? { resetFields: reset } : {}),
    inVersion: (value, apiVersion) => inVersion(managed, { value: value as KubeObject, apiVersion }, converted),
  }
}

type InVersion = ReturnType<NonNullable<FieldManagerContext['inVersion']>>

function inVersion({ scheme, kind, subresource }: FieldManaged, { value, apiVersion }: { value: KubeObject; apiVersion: string }, converted: ReadonlyMap<string, KubeObject>): InVersion {
  const other = scheme.byRef(`${apiVersion}/${kind.kind}`)
  const reset = other && resetFields(other, subresource)
  const { stored } = kind.definition
  if (!stored) {
    if (!other || other.prefix !== kind.prefix) return undefined
    const shown = other === kind ? value : other.codec.normalize(fromStorage(other, toStorage(kind, value)))
    return { type: other.codec.mergeType, value: shown, ...(reset ? { resetFields: reset } : {}) }
  }
  const type = stored.mergeTypeOf(apiVersion)
  if (!type) throw new ParseError(`request to convert CR to an invalid group/version: ${apiVersion}`)
  return { type, value: value.apiVersion === apiVersion ? value : convertedBy(stored, { value, apiVersion }, converted), ...(reset ? { resetFields: reset } : {}) }
}

function convertedBy(stored: NonNullable<ServedKind['definition']['stored']>, { value, apiVersion }: { value: KubeObject; apiVersion: string }, converted: ReadonlyMap<string, KubeObject>): KubeObject {
  const key = stored.isPrepared ? `${apiVersion} ${JSON.stringify(value)}` : ''
  const known = converted.get(key)
  if (known) return known
  const made = stored.convert(value, apiVersion)
  if (made instanceof Promise) throw new Unconverted(key, made)
  return made
}

/** Where each served version of a kind has its replicas. */
export function replicasPaths(scheme: Scheme, kind: ServedKind): ReplicasPaths {
  return Object.fromEntries(scheme.versionsOf(kind.group, kind.kind).map((version) => {
    const scale = version.definition.subresources?.scale
    return [version.apiVersion, isScaleSubresource(scale) ? scale.specReplicasPath.split('.').filter(Boolean).map((name) => `f:${name}`) : null]
  }))
}
