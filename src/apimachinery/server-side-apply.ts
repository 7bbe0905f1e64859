/**
 * Server-side apply: what a request may say, first applies to objects that had no managers, conflicts as the answer
 * names them, and kubectl's annotation of client-side applies.
 * Models fieldmanager.go, skipnonapplied.go, lastappliedmanager.go and conflict.go of
 * k8s.io/apimachinery/pkg/util/managedfields/internal.
 */
import type { ManagedFieldsEntry } from '../../schemas/types.ts'
import { badRequest, goJSON, quote, StatusError, type StatusCause } from '../errors.ts'
import { byBytes } from './go-format.ts'
import { membersOf, subtractSet, type FieldSet } from './field-set.ts'
import { isRecord } from './json.ts'
import { decodeManagers, encodeManagers, type Manager, type Managers } from './managed-entries.ts'
import { applyConfiguration, checkForm, updateManagedFields, type Conflict, type FieldManagerContext, type ManagedObject } from './managed-fields.ts'
import { ParseError } from './parse-error.ts'
import { pathText } from './path-element.ts'
import { compareValues, fieldsOf } from './structured-compare.ts'
import { validateValue } from './structured-validate.ts'
import { byteLength } from './validation.ts'

export interface ApplyRequest {
  readonly live: ManagedObject
  /** The object of the type with nothing in it, as a create begins with. */
  readonly empty: ManagedObject
  readonly patch: Record<string, unknown>
  readonly force: boolean
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly context: FieldManagerContext
}

export interface Applied {
  /** In the request's version, not yet decoded, nulls where a container lost all it had; undefined where nothing but managers changed. */
  readonly object: Record<string, unknown> | undefined
  readonly managedFields: ManagedFieldsEntry[] | undefined
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const MAX_ANNOTATIONS_BYTES = 256 * 1024

/** Throws StatusError: 400 for a patch that is not of the kind, 409 for conflicts, 500 for one that does not fit its type. */
export function serverSideApply(request: ApplyRequest): Applied {
  const { live, patch, context } = request
  checkHeader(request)
  const { managedFields, ...metadata } = live.metadata
  const bare: ManagedObject = { ...live, metadata }
  // Where nobody manages anything yet, what the object holds is looked at first.
  const isManaged = (managedFields ?? []).length > 0
  if (!isManaged) checkLive(request, bare, isManaged)
  checkPatch(request)
  if (isManaged) checkLive(request, bare, isManaged)
  const result = orInternal(() => attempt(request, bare, managedFields))
  if (result.conflicts.length > 0) throw conflictError(result.conflicts)
  const { object, managers } = result
  const known = object ?? (context.manager === 'kubectl' ? toRecord(bare) : undefined)
  const annotated = context.manager === 'kubectl' && known ? withLastApplied(known, patch) : known
  return { object: annotated === undefined || (object === undefined && annotated === known) ? object : annotated, managedFields: encodeManagers(managers) }
}

function toRecord(object: ManagedObject): Record<string, unknown> {
  return { ...object }
}

function attempt(request: ApplyRequest, bare: ManagedObject, entries: ManagedFieldsEntry[] | undefined): ReturnType<typeof applyConfiguration> {
  const { patch, force, context } = request
  const apply = (forced: boolean) => applyConfiguration(bare, patch, { managers: managersBefore(request, bare, entries), force: forced, context })
  const result = apply(force)
  if (result.conflicts.length === 0 || context.manager !== 'kubectl') return result
  const allowed = fieldsLastApplied(bare, context)
  if (!allowed) return result
  const left = result.conflicts.map(({ manager, fields }) => ({ manager, fields: subtractSet(fields, allowed) })).filter(({ fields }) => membersOf(fields).length > 0)
  return left.length > 0 ? { ...result, conflicts: left } : apply(true)
}

/** What an object holds that nobody has been tracked for is recorded as an update before the first apply. */
function managersBefore({ empty, context }: ApplyRequest, bare: ManagedObject, entries: ManagedFieldsEntry[] | undefined): Managers {
  try {
    const managers = decodeManagers(entries, { trusted: true })
    if (managers.size > 0) return managers
    return decodeManagers(updateManagedFields(empty, bare, { ...context, manager: 'before-first-apply' }), { trusted: true })
  } catch (error) {
    throw error instanceof ParseError ? internal(`failed to decode managed fields: ${error.message}`) : error
  }
}

const internal = (message: string): StatusError => new StatusError({ code: 500, message })

function checkHeader({ patch, group, version, kind }: ApplyRequest): void {
  const apiVersion = typeof patch.apiVersion === 'string' ? patch.apiVersion : ''
  const slash = apiVersion.indexOf('/')
  const given = { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind: typeof patch.kind === 'string' ? patch.kind : '' }
  if (given.group !== group || given.version !== version || given.kind !== kind) throw badRequest(`invalid object type: ${kindText(given)}`)
  const metadata = patch.metadata
  if (isRecord(metadata) && metadata.managedFields !== undefined && metadata.managedFields !== null) throw badRequest('metadata.managedFields must be nil')
}

const kindText = ({ group, version, kind }: { group: string; version: string; kind: string }): string => `${group}/${version}, Kind=${kind}`

function checkPatch({ patch, group, version, kind, context }: ApplyRequest): void {
  try {
    validateValue(context.type, patch)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const metadata = isRecord(patch.metadata) ? patch.metadata : {}
    const text = (name: string): string => (typeof metadata[name] === 'string' ? metadata[name] : '')
    throw internal(`failed to create typed patch object (${text('namespace')}/${text('name')}; ${kindText({ group, version, kind })}): ${error.message}`)
  }
}

function checkLive({ group, version, kind, context }: ApplyRequest, live: ManagedObject, isManaged: boolean): void {
  try {
    checkForm(live, context)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const { namespace = '', name = '' } = live.metadata
    const what = `(${namespace}/${name}; ${kindText({ group, version, kind })})`
    throw internal(isManaged ? `failed to create typed live object ${what}: ${error.message}` : `failed to create manager for existing fields: failed to convert new object ${what} to smd typed: ${error.message}`)
  }
}

function orInternal<T>(attempt: () => T): T {
  try {
    return attempt()
  } catch (error) {
    throw error instanceof ParseError ? internal(error.message) : error
  }
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const found = [...conflicts].sort((a, b) => byBytes(a.manager.id, b.manager.id)).map(({ manager, fields }) => ({ name: managerText(manager), paths: membersOf(fields).map(pathText) }))
  const causes: StatusCause[] = found.flatMap(({ name, paths }) => paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${name}`, field })))
  const lines = found.flatMap(({ name, paths }) => [`conflicts with ${name}:`, ...paths.map((path) => `- ${path}`)])
  const [only] = causes
  const message = causes.length === 1 ? `Apply failed with 1 conflict: ${only?.message ?? ''}: ${only?.field ?? ''}` : `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`
  return new StatusError({ code: 409, reason: 'Conflict', message, details: { causes } })
}

function managerText({ manager, subresource, operation, apiVersion }: Manager): string {
  const name = quote(manager) + (subresource ? ` with subresource ${quote(subresource)}` : '')
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}

/** The fields that a client-side apply has set and nobody changed since: kubectl may take these over without force. */
function fieldsLastApplied(live: ManagedObject, { type, apiVersion }: FieldManagerContext): FieldSet | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED]
  if (!text) return undefined
  try {
    const applied: unknown = JSON.parse(text)
    if (!isRecord(applied) || applied.apiVersion !== apiVersion) return undefined
    validateValue(type, applied)
    const { modified, added, removed } = compareValues(type, applied, live)
    return [modified, added, removed].reduce(subtractSet, fieldsOf(type, applied))
  } catch (error) {
    if (error instanceof ParseError || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Keeps the annotation of client-side applies in step, where an object has it. */
function withLastApplied(object: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const metadata = isRecord(object.metadata) ? object.metadata : {}
  const annotations = isRecord(metadata.annotations) ? metadata.annotations : {}
  if (!annotations[LAST_APPLIED]) return object
  const changed: Record<string, unknown> = { ...annotations, [LAST_APPLIED]: lastAppliedText(patch) }
  const size = Object.entries(changed).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(String(value)), 0)
  if (size > MAX_ANNOTATIONS_BYTES) delete changed[LAST_APPLIED]
  return { ...object, metadata: { ...metadata, annotations: changed } }
}

function lastAppliedText(patch: Record<string, unknown>): string {
  const metadata = isRecord(patch.metadata) ? patch.metadata : undefined
  const annotations = metadata && isRecord(metadata.annotations) ? metadata.annotations : undefined
  if (!annotations) return `${goJSON(sorted(patch))}\n`
  const { [LAST_APPLIED]: _, ...others } = annotations
  return `${goJSON(sorted({ ...patch, metadata: { ...metadata, annotations: others } }))}\n`
}

/** Go writes maps in the order of their keys. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.keys(value).sort(byBytes).map((key) => [key, sorted(value[key])]))
}
