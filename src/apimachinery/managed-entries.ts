/**
 * metadata.managedFields between its form on the wire and the sets that the merge works with.
 * Models k8s.io/apimachinery/pkg/util/managedfields/internal/managedfields.go and capmanagers.go.
 */
import type { ManagedFieldsEntry } from '../../schemas/types.ts'
import { quote } from '../errors.ts'
import { byBytes } from './go-format.ts'
import { decodeSet, inOrderOfElements, isEmptySet, unionSets, type FieldSet } from './field-set.ts'
import { equalJSON, isRecord } from './json.ts'
import { ParseError } from './parse-error.ts'
import { jsonText } from './path-element.ts'

/** Who holds which fields. An entry that has not changed is written as it was read. */
export interface Manager {
  readonly id: string
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldSet
  readonly entry?: ManagedFieldsEntry
}

export type Managers = Map<string, Manager>

/** Appliers are told apart by name and subresource, updaters by their version as well. */
export function managerId({ manager, operation, apiVersion, subresource }: Pick<Manager, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const name = manager ? `"manager":${jsonText(manager)},` : ''
  const version = operation === 'Update' && apiVersion ? `,"apiVersion":${jsonText(apiVersion)}` : ''
  return `{${name}"operation":"${operation}"${version}${subresource ? `,"subresource":${jsonText(subresource)}` : ''}}`
}

/**
 * @param trusted that the entries were written here, so that their fields are in canonical form
 * @throws ParseError
 */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined, { trusted = false } = {}): Managers {
  const managers: Managers = new Map()
  entries?.forEach((entry, i) => {
    const { manager = '', operation, apiVersion = '', fieldsType = '', subresource = '', time, fieldsV1 } = entry
    if (operation !== 'Apply' && operation !== 'Update') throw new ParseError('operation must be `Apply` or `Update`')
    if (apiVersion === '') throw new ParseError('apiVersion must not be empty')
    if (fieldsType === '') throw new ParseError(`missing fieldsType in managed fields entry ${i}`)
    if (fieldsType !== 'FieldsV1') throw new ParseError(`invalid fieldsType ${quote(fieldsType)} in managed fields entry ${i}`)
    const id = managerId({ manager, operation, apiVersion, subresource })
    const fields = trusted && isRecord(fieldsV1) ? (fieldsV1 as FieldSet) : decodeSet(fieldsV1)
    managers.set(id, { id, manager, operation, apiVersion, subresource, time, fields, ...(fields === fieldsV1 ? { entry } : {}) })
  })
  return managers
}

/** In the order of operation, time, name, version and subresource; nothing where nobody holds anything. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  if (managers.size === 0) return undefined
  return [...managers.values()].sort(inOrder).map((manager) => manager.entry ?? encode(manager))
}

function inOrder(a: Manager, b: Manager): number {
  return (
    byBytes(a.operation, b.operation) ||
    seconds(a.time) - seconds(b.time) ||
    byBytes(a.manager, b.manager) ||
    byBytes(a.apiVersion, b.apiVersion) ||
    byBytes(a.subresource, b.subresource)
  )
}

const seconds = (time: string | undefined): number => (time === undefined ? 0 : Math.floor(Date.parse(time) / 1000))

function encode({ manager, operation, apiVersion, subresource, time, fields }: Manager): ManagedFieldsEntry {
  return {
    ...(manager ? { manager } : {}),
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: inOrderOfElements(fields),
    ...(subresource ? { subresource } : {}),
  }
}

/** The manager with other fields. */
export function holding(manager: Manager, fields: FieldSet): Manager {
  if (fields === manager.fields) return manager
  const { entry: _, ...rest } = manager
  return { ...rest, fields }
}

export function dropEmpty(managers: Managers): void {
  for (const [id, { fields }] of managers) if (isEmptySet(fields)) managers.delete(id)
}

const MAX_UPDATE_MANAGERS = 10

/** Past ten updaters, the oldest of each version are put together as `ancient-changes`. */
export function capUpdateManagers(managers: Managers): void {
  const updaters = [...managers.values()].filter((m) => m.operation === 'Update')
  let excess = updaters.length - MAX_UPDATE_MANAGERS
  if (excess <= 0) return
  updaters.sort((a, b) => seconds(a.time) - seconds(b.time) || byBytes(a.id, b.id))
  const firstOf = new Map<string, Manager>()
  for (const updater of updaters) {
    if (excess <= 0) return
    const first = firstOf.get(updater.apiVersion)
    if (!first) {
      firstOf.set(updater.apiVersion, updater)
      continue
    }
    const bucket = { manager: 'ancient-changes', operation: 'Update', apiVersion: updater.apiVersion, subresource: '' } as const
    const id = managerId(bucket)
    const known = managers.get(id)
    if (!known) managers.delete(first.id)
    managers.set(id, { ...bucket, id, time: updater.time, fields: unionSets(known?.fields ?? first.fields, updater.fields) })
    if (updater.id !== id) managers.delete(updater.id)
    excess--
  }
}

/** Whether a request asks to forget all managers: an empty list, or one empty entry. */
export function isResetManagedFields(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!entries) return false
  const [first] = entries
  return first === undefined || (entries.length === 1 && Object.keys(first).length === 0)
}

/** The object with its old times, where a write would change nothing else. Models IgnoreManagedFieldsTimestampsTransformer. */
export function ignoreNewTimes<T extends { metadata: { managedFields?: ManagedFieldsEntry[] } }>(object: T, old: T): T {
  const entries = object.metadata.managedFields
  const before = old.metadata.managedFields
  if (!entries?.length || entries.length !== before?.length) return object
  if (entries.every((entry, i) => entry.time === before[i]?.time)) return object
  const timeless = (list: ManagedFieldsEntry[]) => list.map(({ time: _, ...rest }) => rest)
  if (!equalJSON(timeless(entries), timeless(before))) return object
  const kept = { ...object, metadata: { ...object.metadata, managedFields: before } }
  return equalJSON(kept, old) ? kept : object
}
