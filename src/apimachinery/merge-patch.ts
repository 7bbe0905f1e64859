/** JSON merge patches (RFC 7386) as the API server applies them. Models MergePatch of gopkg.in/evanphx/json-patch.v4. */
import { jsonKind } from './decode-context.ts'
import { isRecord } from './json.ts'
import { ParseError } from './parse-error.ts'

/** A new document that shares with the old one what the patch leaves alone. Throws ParseError for a patch that is no object. */
export function applyMergePatch(document: Readonly<Record<string, unknown>>, patch: unknown): Record<string, unknown> {
  if (patch === null) throw new ParseError('Invalid JSON Patch')
  if (!isRecord(patch)) throw new ParseError(`json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`)
  return mergeObjects(document, patch)
}

function mergeObjects(document: Readonly<Record<string, unknown>>, patch: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...document }
  for (const key of Object.keys(patch)) {
    const change = patch[key]
    const current = Object.hasOwn(document, key) ? document[key] : undefined
    if (change === null) delete merged[key]
    else setMember(merged, key, mergeValues(current, change))
  }
  return merged
}

function mergeValues(current: unknown, change: unknown): unknown {
  if (!isRecord(current)) return withoutNulls(change)
  return isRecord(change) ? mergeObjects(current, change) : change
}

/** Members that are null are left out at every depth; items of lists stay. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isRecord(value)) return value
  const kept: Record<string, unknown> = {}
  for (const key of Object.keys(value)) if (value[key] !== null) setMember(kept, key, withoutNulls(value[key]))
  return kept
}

function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  else object[key] = value
}
