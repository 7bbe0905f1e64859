/**
 * Strategic merge patches: the facts of a type say how its lists merge, `$`-members of the patch direct the rest.
 * Models k8s.io/apimachinery/pkg/util/strategicpatch/patch.go. The lists are in strategic-merge-lists.ts.
 */
import { cloneJSON, isRecord } from './json.ts'
import { goFormat, goTypeOf } from './go-format.ts'
import { badArgument, badPatchType, keyOf, StrategicMergeError } from './strategic-merge-error.ts'
import { mergeLists, removeFromList, reorder } from './strategic-merge-lists.ts'
import { patchSchema, type PatchField, type PatchSchema } from './strategic-merge-schema.ts'

export type JSONObject = Record<string, unknown>

const PATCH = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList'
const SET_ORDER = '$setElementOrder'

/**
 * A new object that shares with the old one what the patch leaves alone.
 * @param typeName the object's OpenAPI name
 * @throws StrategicMergeError
 */
export function strategicMerge(typeName: string, original: Readonly<JSONObject>, patch: Readonly<JSONObject>): JSONObject {
  // The merge strikes off the patch what it has dealt with.
  return mergeMaps(original, cloneJSON(patch), patchSchema(typeName))
}

export function mergeMaps(original: Readonly<JSONObject>, patch: JSONObject, schema: PatchSchema): JSONObject {
  if (Object.hasOwn(patch, PATCH)) return directed(patch)
  const merged: JSONObject = { ...original }
  retainKeys(merged, patch)
  for (const key of Object.keys(patch)) if (key.startsWith(SET_ORDER)) mergeOrdered(merged, patch, { key, schema })
  for (const key of Object.keys(patch)) {
    const isDeletion = key.startsWith(DELETE_FROM)
    mergeMember(merged, isDeletion ? nameBehind(key, DELETE_FROM) : key, { change: patch[key], schema, isDeletion })
  }
  return merged
}

function directed(patch: JSONObject): JSONObject {
  const directive = patch[PATCH]
  if (directive === 'delete') return {}
  if (directive !== 'replace') throw new StrategicMergeError(badPatchType(directive, patch))
  const { [PATCH]: _, ...rest } = patch
  return rest
}

interface Change {
  change: unknown
  schema: PatchSchema
  isDeletion: boolean
}

function mergeMember(merged: JSONObject, key: string, { change, schema, isDeletion }: Change): void {
  if (change === null) {
    delete merged[key]
    return
  }
  const current = Object.hasOwn(merged, key) ? merged[key] : undefined
  if (current === undefined || goTypeOf(current) !== goTypeOf(change)) {
    if (!isDeletion) keep(merged, key, withoutNulls(change))
  } else if (Array.isArray(current) && Array.isArray(change)) {
    const field = schema.list(key)
    if (isDeletion) merged[key] = removeFromList(current, change, field)
    else merged[key] = field.strategy === 'merge' ? mergeLists(current, change, field) : change
  } else if (isRecord(current) && isRecord(change)) {
    const field = schema.struct(key)
    merged[key] = field.strategy === 'replace' ? change : mergeMaps(current, change, field.schema)
  } else keep(merged, key, change)
}

function keep(merged: JSONObject, key: string, change: unknown): void {
  const cleaned = withoutDirectives(change)
  if (cleaned === undefined) delete merged[key]
  else if (key === '__proto__') Object.defineProperty(merged, key, { value: cleaned, enumerable: true, writable: true, configurable: true })
  else merged[key] = cleaned
}

/** Members that are null mean removal, and of what is new there is nothing to remove. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null).map(([key, member]) => [key, withoutNulls(member)]))
}

/** Nothing for a map that carries a directive. */
export function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined)
  if (!isRecord(value)) return value
  if (Object.hasOwn(value, PATCH)) return undefined
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutDirectives(member)] as const).filter(([, member]) => member !== undefined))
}

/** Drops what `$retainKeys` does not name; all that the patch sets must be named. */
function retainKeys(merged: JSONObject, patch: JSONObject): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return
  const retained = patch[RETAIN_KEYS]
  delete patch[RETAIN_KEYS]
  const badFormat = (): StrategicMergeError => new StrategicMergeError('invalid patch format of retainKeys', 400)
  if (!Array.isArray(retained)) throw badFormat()
  const names = new Set<unknown>(retained)
  for (const key of Object.keys(patch)) {
    if (patch[key] !== null && !key.startsWith(DELETE_FROM) && !key.startsWith(SET_ORDER) && !names.has(key)) throw badFormat()
  }
  for (const key of Object.keys(merged)) if (!names.has(key)) delete merged[key]
}

function nameBehind(key: string, prefix: string): string {
  if (key.startsWith(`${prefix}/`)) return key.slice(prefix.length + 1)
  throw new StrategicMergeError(`invalid patch format of ${prefix === DELETE_FROM ? 'primitive list' : 'setElementOrder list'}`, 400)
}

/** Merges a list together with the order that the patch wants for it, and strikes both off the patch. */
function mergeOrdered(merged: JSONObject, patch: JSONObject, { key, schema }: { key: string; schema: PatchSchema }): void {
  const order = patch[key]
  delete patch[key]
  if (!Array.isArray(order)) throw new StrategicMergeError(badArgument('[]interface {}', order))
  const name = nameBehind(key, SET_ORDER)
  const current = listOf(merged, name)
  const change = listOf(patch, name)
  const field = schema.list(name)
  checkOrder(change ?? [], order, field)
  let list: unknown[]
  if (current && change) list = field.strategy === 'merge' ? mergeLists(current, change, field) : change
  else if (current) list = [...current]
  else if (change) list = change.map(withoutDirectives).filter((item) => item !== undefined)
  else return
  merged[name] = reorder(list, order, { current: current ?? [], change: change ?? [], field })
  delete patch[name]
}

function listOf(object: JSONObject, name: string): unknown[] | undefined {
  if (!Object.hasOwn(object, name)) return undefined
  const value = object[name]
  if (!Array.isArray(value)) throw new StrategicMergeError(badArgument('[]interface {}', value))
  return value
}

/** The items that the patch sets must stand in the order it asks for. */
function checkOrder(change: readonly unknown[], order: readonly unknown[], { mergeKey }: PatchField): void {
  if (order.length === 0 || change.length === 0) return
  const items = change.filter((item) => {
    if (mergeKey === '') return true
    if (!isRecord(item)) throw new StrategicMergeError(badArgument('map[string]interface {}', item))
    return item[PATCH] !== 'delete'
  })
  let next = 0
  for (let at = 0; next < items.length && at < order.length; ) {
    const item = items[next]
    if (isRecord(item) && Object.hasOwn(item, PATCH)) {
      next++
      continue
    }
    if (mergeKey === '' ? item === order[at] : keyOf(item, mergeKey) === keyOf(order[at], mergeKey)) next++
    at++
  }
  if (next < items.length) throw new StrategicMergeError(`The order in patch list:\n${goFormat(change)}\n doesn't match ${SET_ORDER} list:\n${goFormat(order)}\n`)
}
