/**
 * Who holds which field: kept in step with every update, and the ground on which server-side apply merges, refuses
 * conflicts and removes what an applier no longer names.
 * Models k8s.io/apimachinery/pkg/util/managedfields/internal and sigs.k8s.io/structured-merge-diff/merge/update.go.
 */
import type { ManagedFieldsEntry, ObjectMeta } from '../../schemas/types.ts'
import { formatTime } from '../clock.ts'
import { isRecord, equalJSON } from './json.ts'
import {
  EMPTY, intersectSets, isEmptySet, LEAF, subtractSet, subtractTrees, unionSets, withNamedFields, type FieldSet,
} from './field-set.ts'
import { capUpdateManagers, decodeManagers, dropEmpty, encodeManagers, holding, isResetManagedFields, managerId, type Manager, type Managers } from './managed-entries.ts'
import type { MergeType } from './merge-type.ts'
import { ParseError } from './parse-error.ts'
import { fieldElement } from './path-element.ts'
import { compareValues, excludeFields, fieldsOf, type Comparison } from './structured-compare.ts'
import { mergeValues, removeFields } from './structured-merge.ts'
import { validateValue } from './structured-validate.ts'
import { isSame } from './structured-value.ts'

export interface ManagedObject {
  metadata: ObjectMeta
}

/** An object, or a part of one on its way, in some version. */
export interface TypedValue {
  readonly type: MergeType
  readonly value: unknown
}

export interface FieldManagerContext {
  readonly type: MergeType
  /** Whether what is there may not fit its type: an object in a version that it was not written in. */
  readonly isChecked?: boolean
  /** Of the request, in which both objects are. */
  readonly apiVersion: string
  readonly manager: string
  readonly subresource?: string
  readonly nowMs: number
  /** Fields that this endpoint cannot set, as a set of their own: `{ 'f:status': {} }`. */
  readonly resetFields?: FieldSet
  /** Other versions that managers of the object may have used: their reset fields and the conversion; undefined for a version that is gone. Throws ParseError when there is none. */
  readonly inVersion?: (value: unknown, apiVersion: string) => (TypedValue & { resetFields?: FieldSet }) | undefined
}

/** Never owned by anyone. */
const STRIPPED: FieldSet = {
  'f:apiVersion': LEAF,
  'f:kind': LEAF,
  'f:metadata': {
    '.': LEAF,
    ...Object.fromEntries(['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion'].map((name) => [`f:${name}`, LEAF])),
  },
}

/**
 * The managers after an update of `live` to `object`; both in the form of normalize.
 * @param live the empty object of the type (its always-written structs) on create
 */
export function updateManagedFields(live: ManagedObject, object: ManagedObject, context: FieldManagerContext): ManagedFieldsEntry[] | undefined {
  const managers = managersOfUpdate(live, object, context)
  const isTracked = managers.size > 0 || !live.metadata.uid
  if (!isTracked) return undefined
  try {
    update(live, object, managers, context)
    return encodeManagers(managers)
  } catch (error) {
    // Objects whose fields cannot be told apart are stored without managers.
    if (error instanceof ParseError) return undefined
    throw error
  }
}

/** The managers that the request gives, or where it gives none that make sense, those of the live object. */
function managersOfUpdate(live: ManagedObject, object: ManagedObject, { subresource = '' }: FieldManagerContext): Managers {
  const before = live.metadata.managedFields
  const given = object.metadata.managedFields
  if (subresource === '' && given !== before) {
    if (isResetManagedFields(given)) return new Map()
    if (given?.length && !equalJSON(given, before)) {
      const managers = decodedOrNone(given, false)
      if (managers.size > 0) return managers
    }
  }
  return decodedOrNone(before, true)
}

function decodedOrNone(entries: ManagedFieldsEntry[] | undefined, trusted: boolean): Managers {
  try {
    return decodeManagers(entries, { trusted })
  } catch (error) {
    if (error instanceof ParseError) return new Map()
    throw error
  }
}

function update(live: ManagedObject, object: ManagedObject, managers: Managers, context: FieldManagerContext): void {
  checkForm(object, context)
  checkForm(live, context)
  const { comparison } = takeOver(withoutManagers(live), withoutManagers(object), { managers, self: undefined, force: true, context })
  const changes = subtractSet(resetFrom(unionSets(comparison.modified, comparison.added), context), STRIPPED)
  if (!isEmptySet(changes)) record(changes, managers, context)
  capUpdateManagers(managers)
}

function record(changes: FieldSet, managers: Managers, context: FieldManagerContext): void {
  const { apiVersion, nowMs } = context
  const identity = { manager: context.manager || 'unknown', operation: 'Update', apiVersion, subresource: context.subresource ?? '' } as const
  const id = managerId(identity)
  const previous = managers.get(id)
  managers.set(id, { ...identity, id, time: formatTime(nowMs), fields: previous ? unionSets(changes, previous.fields) : changes })
}

const resetFrom = (fields: FieldSet, { resetFields = EMPTY }: FieldManagerContext): FieldSet => (isEmptySet(resetFields) ? fields : subtractTrees(fields, resetFields))

/** What is compared must fit its type, as it need not in a version that it was not written in. @throws ParseError */
export function checkForm(value: unknown, { isChecked, type }: Pick<FieldManagerContext, 'isChecked' | 'type'>): void {
  if (isChecked) validateValue(type, value, { allowsDuplicates: true })
}

function converted(what: string, value: unknown, apiVersion: string, context: FieldManagerContext): ReturnType<NonNullable<FieldManagerContext['inVersion']>> {
  try {
    const found = context.inVersion?.(value, apiVersion)
    if (found) checkForm(found.value, { ...context, type: found.type })
    return found
  } catch (error) {
    throw error instanceof ParseError ? new ParseError(`failed to convert ${what}: ${error.message}`) : error
  }
}

/** The managers are no field that anyone holds, and comparing them would be a waste. */
function withoutManagers<T extends ManagedObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Without the members that the endpoint sets nothing of: to compare them would be a waste as well. */
function withoutReset(object: unknown, resetFields: FieldSet): unknown {
  if (!isRecord(object) || isEmptySet(resetFields)) return object
  const kept: Record<string, unknown> = {}
  for (const name in object) {
    const reset = resetFields[fieldElement(name)]
    if (reset === undefined || !isEmptySet(reset)) kept[name] = object[name]
  }
  return kept
}

export interface Conflict {
  readonly manager: Manager
  readonly fields: FieldSet
}

interface TakeOver {
  managers: Managers
  /** The one who does it, whose own fields stay. */
  self: string | undefined
  force: boolean
  context: FieldManagerContext
}

/** Takes from all other managers what the change overwrites or removes; without force, what it overwrites is a conflict. */
function takeOver(before: unknown, after: unknown, { managers, self, force, context }: TakeOver): { comparison: Comparison; conflicts: Conflict[] } {
  const { type, apiVersion, resetFields = EMPTY } = context
  const comparisons = new Map<string, Comparison>()
  const comparison = excludeFields(compareValues(type, withoutReset(before, resetFields), withoutReset(after, resetFields)), resetFields)
  comparisons.set(apiVersion, comparison)
  const conflicts: Conflict[] = []
  const left = new Map<string, FieldSet>()
  for (const other of [...managers.values()]) {
    if (other.id === self) continue
    let changes = comparisons.get(other.apiVersion)
    if (!changes) {
      const was = converted('old object', before, other.apiVersion, context)
      const is = was && converted('new object', after, other.apiVersion, context)
      if (!was || !is) {
        managers.delete(other.id)
        continue
      }
      changes = excludeFields(compareValues(is.type, was.value, is.value), is.resetFields ?? EMPTY)
      comparisons.set(other.apiVersion, changes)
    }
    const lost = intersectSets(other.fields, unionSets(changes.modified, changes.added))
    if (!isEmptySet(lost)) conflicts.push({ manager: other, fields: lost })
    left.set(other.id, subtractSet(subtractSet(other.fields, lost), changes.removed))
  }
  if (!force && conflicts.length > 0) return { comparison, conflicts }
  for (const [id, fields] of left) {
    const manager = managers.get(id)
    if (manager) managers.set(id, holding(manager, fields))
  }
  dropEmpty(managers)
  return { comparison, conflicts: [] }
}

export interface ApplyResult {
  /** The merged object, nulls where a container lost all it had; undefined where nothing changed. */
  readonly object?: Record<string, unknown>
  readonly managers: Managers
  readonly conflicts: readonly Conflict[]
}

/**
 * Merges an applied configuration into the live object.
 * @param live in the form of normalize, without managers
 * @param config checked against the type
 */
export function applyConfiguration(live: ManagedObject, config: Record<string, unknown>, { managers, force, context }: { managers: Managers; force: boolean; context: FieldManagerContext }): ApplyResult {
  const { type, apiVersion, manager } = context
  const identity = { manager: manager || 'unknown', operation: 'Apply', apiVersion, subresource: context.subresource ?? '' } as const
  const id = managerId(identity)
  const last = managers.get(id)
  const merged = mergeValues(type, live, config)
  managers.set(id, { ...identity, id, time: last?.time, fields: resetFrom(fieldsOf(type, config), context) })
  const pruned = prune(merged, last, { managers, context })
  const { conflicts } = takeOver(live, pruned, { managers, self: id, force, context })
  if (conflicts.length > 0) return { managers, conflicts }
  strip(managers, id)
  if (isSame(live, pruned) || !isRecord(pruned)) return { managers: keepEntry(managers, id, last), conflicts }
  const own = managers.get(id)
  if (own) managers.set(id, { ...own, time: formatTime(context.nowMs) })
  return { object: pruned, managers, conflicts }
}

function strip(managers: Managers, id: string): void {
  const own = managers.get(id)
  if (!own) return
  const fields = subtractSet(own.fields, STRIPPED)
  if (isEmptySet(fields)) managers.delete(id)
  else managers.set(id, holding(own, fields))
}

/** An entry that says what it said before is written as it was. */
function keepEntry(managers: Managers, id: string, last: Manager | undefined): Managers {
  const own = managers.get(id)
  if (last && own && own.apiVersion === last.apiVersion && equalJSON(own.fields, last.fields)) managers.set(id, last)
  return managers
}

/** Takes out what the applier named the last time and no longer does, unless somebody else holds it. */
function prune(merged: unknown, last: Manager | undefined, { managers, context }: { managers: Managers; context: FieldManagerContext }): unknown {
  if (!last || isEmptySet(last.fields)) return merged
  const version = versionOf(merged, last.apiVersion, context)
  if (!version) return merged
  const { type, value } = version
  const lastFields = withNamedFields(last.fields, type)
  let pruned = removeFields(type, value, lastFields)
  pruned = addBackOwned(value, pruned, { type, apiVersion: last.apiVersion, managers, context })
  pruned = addBackDangling(value, pruned, { type, lastFields })
  if (last.apiVersion === context.apiVersion) return pruned
  return converted('pruned object to applied version', pruned, context.apiVersion, context)?.value ?? merged
}

function versionOf(value: unknown, apiVersion: string, context: FieldManagerContext): TypedValue | undefined {
  return apiVersion === context.apiVersion ? { type: context.type, value } : converted('merged object to last applied version', value, apiVersion, context)
}

interface AddBack {
  type: MergeType
  apiVersion: string
  managers: Managers
  context: FieldManagerContext
}

/** Puts back what other managers, or the applier itself still, hold; each version's holders are asked in their version. */
function addBackOwned(merged: unknown, pruned: unknown, { type, apiVersion, managers, context }: AddBack): unknown {
  const owned = new Map<string, FieldSet>()
  for (const manager of managers.values()) owned.set(manager.apiVersion, unionSets(owned.get(manager.apiVersion) ?? EMPTY, manager.fields))
  const versions = [...owned.keys()].sort((a, b) => Number(b === apiVersion) - Number(a === apiVersion))
  let current = pruned
  for (const version of versions) {
    const whole = version === apiVersion ? { type, value: merged } : converted(`merged object at version ${version}`, merged, version, context)
    const part = version === apiVersion ? { type, value: current } : converted(`pruned object at version ${version}`, current, version, context)
    if (!whole || !part) continue
    const all = withNamedFields(fieldsOf(whole.type, whole.value), whole.type)
    const kept = unionSets(withNamedFields(fieldsOf(part.type, part.value), whole.type), withNamedFields(owned.get(version) ?? EMPTY, whole.type))
    const restored = removeFields(whole.type, whole.value, subtractSet(all, kept))
    current = version === apiVersion ? restored : (converted(`pruned object at version ${apiVersion}`, restored, apiVersion, context)?.value ?? current)
  }
  return current
}

/** Puts back what went along with its parent though the applier had never named it. */
function addBackDangling(merged: unknown, pruned: unknown, { type, lastFields }: { type: MergeType; lastFields: FieldSet }): unknown {
  const all = withNamedFields(fieldsOf(type, merged), type)
  const kept = withNamedFields(fieldsOf(type, pruned), type)
  return removeFields(type, merged, intersectSets(subtractSet(all, kept), lastFields))
}
