/**
 * The form in which Go writes an object, for objects made inside the server: members in order, zero values left out
 * where the type says so and written where it does not, quantities canonical. It runs on every write, so a part that is
 * in that form already is taken as it is. Models what an encode and decode of a Go struct does.
 */
import { assemble, isZero } from './decode.ts'
import { ParseError } from './parse-error.ts'
import { canonicalQuantity } from './quantity.ts'
import { structPlan, type FieldPlan, type Plan, type StructPlan } from './type-plan.ts'

type Members = Record<string, unknown>

/**
 * The object itself where nothing had to change; else a new one that shares the parts that did not.
 * @param typeName the type's OpenAPI name
 * @param isStored whether an empty list has become none, as it has once the object was stored
 */
export function normalize<T extends object>(typeName: string, object: T, isStored = true): T {
  return normalizeStruct(structPlan(typeName), object as Members, isStored) as T
}

function normalizeStruct(plan: StructPlan, object: Members, isStored: boolean): Members {
  const { byName } = plan
  let values: unknown[] | undefined
  let last = -1
  let always = 0
  for (const key in object) {
    const field = byName.get(key)
    const value = object[key]
    const kept = field === undefined ? undefined : normalizeField(field, value, isStored)
    if (values === undefined && (field === undefined || kept === undefined || kept !== value || field.ordinal < last)) values = valuesBefore(plan, object, key)
    if (field === undefined) continue
    last = field.ordinal
    if (values !== undefined) values[field.ordinal] = kept
    else if (field.absent !== undefined || field.isEmbeddedStruct) always++
  }
  if (values === undefined && always === plan.always.length) return object
  const all = values ?? valuesBefore(plan, object, undefined)
  for (const field of plan.always) {
    if (all[field.ordinal] === undefined) all[field.ordinal] = field.plan.kind === 'struct' && field.isEmbeddedStruct ? normalizeStruct(field.plan, {}, isStored) : field.absent
  }
  return assemble(plan, all)
}

/** The members that stand before one, which are known to be in form. */
function valuesBefore(plan: StructPlan, object: Members, end: string | undefined): unknown[] {
  const values = new Array<unknown>(plan.fields.length)
  for (const key in object) {
    if (key === end) break
    const field = plan.byName.get(key)
    if (field) values[field.ordinal] = object[key]
  }
  return values
}

/** Undefined for a member that is not written. */
function normalizeField(field: FieldPlan, value: unknown, isStored: boolean): unknown {
  if (value === undefined) return undefined
  if (value === null) return field.absent === null ? null : undefined
  const { plan } = field
  const normal = normalizeValue(plan, value, isStored)
  if (field.dropsZero) return isZero(plan, normal) ? undefined : normal
  if (isStored && field.absent === null && (plan.kind === 'list' || plan.kind === 'map') && isZero(plan, normal)) return null
  return normal
}

function normalizeValue(plan: Plan, value: unknown, isStored: boolean): unknown {
  switch (plan.kind) {
    case 'struct':
      return typeof value === 'object' && value !== null ? normalizeStruct(plan, value as Members, isStored) : value
    case 'list':
      return isFlat(plan.of) || !Array.isArray(value) ? value : normalizeList(plan.of, value, isStored)
    case 'map':
      return typeof value === 'object' && value !== null ? normalizeMap(plan.of, value as Members, isStored) : value
    case 'special':
      if (plan.special.startsWith(SCHEMA)) return normalizeSchema(value, isStored)
      return plan.special === 'Quantity' && typeof value === 'string' ? canonicalOrAsIs(value) : value
    default:
      return value
  }
}

/** Begins the names of what is a schema, a list of them or something else. */
const SCHEMA = 'JSONSchemaProps'

function normalizeSchema(value: unknown, isStored: boolean): unknown {
  const plan = structPlan('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps')
  return Array.isArray(value) ? normalizeList(plan, value, isStored) : normalizeValue(plan, value, isStored)
}

/** Whether values of this plan are in form as they are. */
function isFlat(plan: Plan): boolean {
  return plan.kind !== 'struct' && plan.kind !== 'list' && plan.kind !== 'map' && !(plan.kind === 'special' && (plan.special === 'Quantity' || plan.special.startsWith(SCHEMA)))
}

function normalizeList(of: Plan, list: readonly unknown[], isStored: boolean): readonly unknown[] {
  let changed: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const item = list[i]
    const normal = normalizeValue(of, item, isStored)
    if (normal !== item) (changed ??= [...list])[i] = normal
  }
  return changed ?? list
}

function normalizeMap(of: Plan, map: Members, isStored: boolean): Members {
  let changed: Members | undefined
  const flat = isFlat(of)
  for (const key in map) {
    const item = map[key]
    if (item === undefined) {
      changed ??= { ...map }
      delete changed[key]
      continue
    }
    if (flat) continue
    const normal = normalizeValue(of, item, isStored)
    if (normal !== item) (changed ??= { ...map })[key] = normal
  }
  return changed ?? map
}

/** What is no quantity is left for validation to find. */
function canonicalOrAsIs(text: string): string {
  try {
    return canonicalQuantity(text)
  } catch (error) {
    if (error instanceof ParseError) return text
    throw error
  }
}
