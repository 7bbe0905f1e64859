/** Lists, sets, maps and names as the kinds of resource.k8s.io check them. Models the helpers of k8s.io/kubernetes/pkg/apis/resource/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { byteLength, isCIdentifier, isDNS1123Label, isDNS1123Subdomain, isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import { validateCSIDriverName } from '../../core/v1/_volume-source-validation.ts'

type Check<T> = (item: T, path: string) => FieldError[]

const MAX_POOL_NAME = 253
const MAX_ID = 32
/** domain/ID */
export const MAX_ATTRIBUTE_KEY = 63 + 1 + MAX_ID

/** @param max most items; more are not looked at */
export function validateSlice<T>(list: readonly T[] | undefined, path: string, max: number, check: Check<T>): FieldError[] {
  const items = list ?? []
  return items.length > max ? [field.tooMany(path, items.length, max)] : items.flatMap((item, i) => check(item, `${path}[${i}]`))
}

interface SetOptions<T> {
  max: number
  check: Check<T>
  /** What makes items the same. */
  key(item: T): string
  /** How a key that comes twice is shown. */
  show?(item: T): unknown
}

export function validateSet<T>(list: readonly T[] | undefined, path: string, { max, check, key, show }: SetOptions<T>): FieldError[] {
  const errors = validateSlice(list, path, max, check)
  if ((list?.length ?? 0) > max) return errors
  const seen = new Set<string>()
  list?.forEach((item, i) => {
    const k = key(item)
    if (seen.has(k)) errors.push(field.duplicate(`${path}[${i}]`, show ? show(item) : k))
    seen.add(k)
  })
  return errors
}

interface MapOptions<T> {
  max: number
  maxKey: number
  checkKey: Check<string>
  check: Check<T>
}

export function validateMap<T>(map: Readonly<Record<string, T>> | undefined, path: string, { max, maxKey, checkKey, check }: MapOptions<T>): FieldError[] {
  const entries = Object.entries(map ?? {})
  if (entries.length > max) return [field.tooMany(path, entries.length, max)]
  return entries.flatMap(([key, item]) => [...checkKey(key, path), ...check(item, `${path}[${shorten(key, maxKey)}]`)])
}

/** Keeps both ends of a text that is too long. */
function shorten(text: string, max: number): string {
  if (text.length <= max) return text
  const left = max - 3
  return `${text.slice(0, (left + 1) >> 1)}...${text.slice(text.length - (left >> 1))}`
}

export const validateDriverName: Check<string | undefined> = (name, path) => validateCSIDriverName(name ?? '', path)

export const validateLabelNameText: Check<string | undefined> = (name = '', path) => isDNS1123Label(name).map((message) => field.invalid(path, name, message))

export function validatePoolName(name: string | undefined, path: string): FieldError[] {
  if (!name) return [field.required(path)]
  const errors = byteLength(name) > MAX_POOL_NAME ? [field.tooLong(path, MAX_POOL_NAME)] : []
  for (const part of name.split('/')) for (const message of isDNS1123Subdomain(part)) errors.push(field.invalid(path, part, message))
  return errors
}

export function validateQualifiedName(name: string, path: string): FieldError[] {
  const [first = '', second, ...more] = name.split('/')
  if (more.length) return []
  if (second === undefined) return validateIdentifier(first, path)
  return [
    ...(first ? validateDriverName(first, path) : [field.invalid(path, '', 'the domain must not be empty')]),
    ...(second ? validateIdentifier(second, path) : [field.invalid(path, '', 'the name must not be empty')]),
  ]
}

export function validateFullyQualifiedName(name: string, path: string): FieldError[] {
  const errors = validateQualifiedName(name, path)
  if (!name.includes('/')) errors.push(field.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash'))
  return errors
}

function validateIdentifier(id: string, path: string): FieldError[] {
  const errors = byteLength(id) > MAX_ID ? [field.tooLong(path, MAX_ID)] : []
  for (const message of isCIdentifier(id)) errors.push(field.invalid(path, id, message))
  return errors
}

export const validateLabelValue: Check<string> = (value, path) => isValidLabelValue(value).map((message) => field.invalid(path, value, message))

export function validateUID(uid: string, path: string): FieldError[] {
  const why = whyNotUUID(uid)
  if (why) return [field.invalid(path, uid, `error validating uid: ${why}`)]
  if (uid.length === 36 && uid === uid.toLowerCase()) return []
  return [field.invalid(path, uid, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters')]
}

/** In the words of github.com/google/uuid. */
function whyNotUUID(text: string): string | undefined {
  if (text.length === 32) return /^[0-9a-fA-F]{32}$/.test(text) ? undefined : 'invalid UUID format'
  const isUrn = text.length === 45
  if (isUrn && !/^urn:uuid:/i.test(text)) return `invalid urn prefix: ${JSON.stringify(text.slice(0, 9))}`
  if (text.length === 38 && !/^\{.*\}$/.test(text)) return 'invalid bracketed UUID format'
  if (![36, 38, 45].includes(text.length)) return `invalid UUID length: ${text.length}`
  const bare = isUrn ? text.slice(9) : text.length === 38 ? text.slice(1, -1) : text
  return /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/.test(bare) ? undefined : 'invalid UUID format'
}

/** A RawExtension that must hold an object. */
export function validateRawObject(value: unknown, path: string, maxBytes: number): FieldError[] {
  if (value === undefined || value === null) return [field.required(path)]
  if (byteLength(JSON.stringify(value)) > maxBytes) return [field.tooLong(path, maxBytes)]
  return typeof value === 'object' && !Array.isArray(value) ? [] : [field.invalid(path, '<value omitted>', 'must be a valid JSON object')]
}
