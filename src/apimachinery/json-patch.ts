/**
 * JSON patches (RFC 6902) as the API server applies them: negative indexes count from the end, a missing member can be
 * replaced, `add` does not make missing parents. Models gopkg.in/evanphx/json-patch.v4 and jsonPatchOp of
 * k8s.io/apiserver/pkg/endpoints/handlers/patch.go.
 */
import { quote } from '../errors.ts'
import { jsonKind } from './decode-context.ts'
import { cloneJSON, equalJSON, isRecord } from './json.ts'
import { ParseError } from './parse-error.ts'

export interface JSONPatchOperation {
  op: string
  path?: string
  from?: string
  /** Undefined where the operation has none, which is not the same as null. */
  value?: unknown
}

export const MAX_JSON_PATCH_OPERATIONS = 10_000

/** Reads a parsed body. Throws ParseError with the decoder's text. */
export function decodeJSONPatch(json: unknown): { operations: JSONPatchOperation[]; strictErrors: string[] } {
  if (json === null) return { operations: [], strictErrors: [] }
  if (!Array.isArray(json)) throw new ParseError(`json: cannot unmarshal ${jsonKind(json)} into Go value of type []handlers.jsonPatchOp`)
  const strictErrors: string[] = []
  const operations = json.map((item: unknown, i): JSONPatchOperation => {
    if (item === null) return { op: 'unknown' }
    if (!isRecord(item)) throw new ParseError(`json: cannot unmarshal ${jsonKind(item)} into Go value of type handlers.jsonPatchOp`)
    for (const key of Object.keys(item)) if (!['op', 'path', 'from', 'value'].includes(key)) strictErrors.push(`unknown field ${quote(`[${i}].${key}`)}`)
    const text = (name: 'op' | 'path' | 'from'): string | undefined => {
      const value = item[name]
      if (value === undefined || value === null) return undefined
      if (typeof value === 'string') return value
      throw new ParseError(`json: cannot unmarshal ${jsonKind(value)} into Go struct field jsonPatchOp.${name} of type string`)
    }
    const operation: JSONPatchOperation = { op: text('op') ?? 'unknown', path: text('path'), from: text('from') }
    return Object.hasOwn(item, 'value') ? { ...operation, value: item.value } : operation
  })
  return { operations, strictErrors }
}

/** A `test` did not hold. */
export class TestFailed extends ParseError {}

/** A new document; what the patch does not touch is shared with the old one, which stays as it is. Throws ParseError. */
export function applyJSONPatch(document: unknown, operations: readonly JSONPatchOperation[]): unknown {
  const target = new PatchTarget(document)
  for (const operation of operations) applyOperation(target, operation)
  return target.root
}

function applyOperation(target: PatchTarget, operation: JSONPatchOperation): void {
  switch (operation.op) {
    case 'add':
      return add(target, operation)
    case 'remove':
      return remove(target, operation)
    case 'replace':
      return replace(target, operation)
    case 'move':
      return move(target, operation)
    case 'test':
      return test(target, operation)
    case 'copy':
      return copy(target, operation)
    default:
      throw new ParseError(`Unexpected kind: ${operation.op}`)
  }
}

function add(target: PatchTarget, { path, value = null }: JSONPatchOperation): void {
  if (path === undefined) throw new ParseError('add operation failed to decode path: missing value')
  const place = target.find(path)
  if (!place) throw new ParseError(`add operation does not apply: doc is missing path: "${path}": missing value`)
  wrapped(`error in add for path: '${path}'`, () => addTo(place, value))
}

function remove(target: PatchTarget, { path }: JSONPatchOperation): void {
  if (path === undefined) throw new ParseError('remove operation failed to decode path: missing value')
  const place = target.find(path)
  if (!place) throw new ParseError(`remove operation does not apply: doc is missing path: "${path}": missing value`)
  wrapped(`error in remove for path: '${path}'`, () => removeFrom(place))
}

function replace(target: PatchTarget, { path, value = null }: JSONPatchOperation): void {
  if (path === undefined) throw new ParseError('replace operation failed to decode path: operation missing path field: missing value')
  if (path === '') {
    if (typeof value !== 'object' || value === null) throw new ParseError('replace operation value must be object or array: %!w(<nil>)')
    target.root = value
    return
  }
  const place = target.find(path)
  if (!place) throw new ParseError(`replace operation does not apply: doc is missing path: ${path}: missing value`)
  try {
    getFrom(place)
  } catch (error) {
    if (error instanceof ParseError) throw new ParseError(`replace operation does not apply: doc is missing key: ${path}: missing value`)
    throw error
  }
  setIn(place, value)
}

function move(target: PatchTarget, { from, path }: JSONPatchOperation): void {
  if (from === undefined) throw new ParseError('move operation failed to decode from: operation, missing from field: missing value')
  const source = target.find(from)
  if (!source) throw new ParseError(`move operation does not apply: doc is missing from path: ${from}: missing value`)
  const value = wrapped(`error in move for path: '${source.key}'`, () => {
    const found = getFrom(source)
    removeFrom(source)
    return found
  })
  if (path === undefined) throw new ParseError('move operation failed to decode path: operation missing path field: missing value')
  const place = target.find(path)
  if (!place) throw new ParseError(`move operation does not apply: doc is missing destination path: ${path}: missing value`)
  wrapped(`error in move for path: '${path}'`, () => addTo(place, value ?? null))
}

function test(target: PatchTarget, { path, value }: JSONPatchOperation): void {
  if (path === undefined) throw new ParseError('test operation failed to decode path: operation missing path field: missing value')
  if (path !== '') {
    const place = target.find(path)
    if (!place) throw new ParseError(`test operation does not apply: is missing path: ${path}: missing value`)
    const found = wrapped(`error in test for path: '${path}'`, () => getFrom(place))
    if (equalJSON(found ?? null, value ?? null)) return
  } else if (equalJSON(target.root, value)) return
  throw new TestFailed(`testing value ${path} failed: test failed`)
}

function copy(target: PatchTarget, { from, path }: JSONPatchOperation): void {
  if (from === undefined) throw new ParseError('copy operation failed to decode from: operation, missing from field: missing value')
  const source = target.find(from)
  if (!source) throw new ParseError(`copy operation does not apply: doc is missing from path: ${from}: missing value`)
  const value = wrapped(`error in copy for from: '${from}'`, () => getFrom(source))
  if (path === undefined) throw new ParseError('copy operation failed to decode path: missing value')
  const place = target.find(path)
  if (!place) throw new ParseError(`copy operation does not apply: doc is missing destination path: ${path}: missing value`)
  wrapped('error while adding value during copy', () => addTo(place, cloneJSON(value) ?? null))
}

function wrapped<T>(context: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw error instanceof ParseError ? new ParseError(`${context}: ${error.message}`) : error
  }
}

type Container = Record<string, unknown> | unknown[]

interface Place {
  container: Container
  key: string
}

/** The document under change: containers are copied the first time a path goes through them. */
class PatchTarget {
  #root: unknown
  readonly #owned = new Set<unknown>()

  constructor(root: unknown) {
    this.#root = root
  }

  get root(): unknown {
    return this.#root
  }

  set root(value: unknown) {
    this.#root = value
  }

  /** Where the last part of a JSON pointer would stand; nothing if a part before is missing. */
  find(path: string): Place | undefined {
    const [, ...parts] = path.split('/')
    const key = parts.pop()
    if (key === undefined) return undefined
    let container = this.#own(this.#root)
    if (!container) return undefined
    this.#root = container
    for (const part of parts) {
      const place: Place = { container, key: decodeKey(part) }
      const child = this.#own(childOf(place))
      if (!child) return undefined
      setIn(place, child)
      container = child
    }
    return { container, key: decodeKey(key) }
  }

  #own(value: unknown): Container | undefined {
    if (typeof value !== 'object' || value === null) return undefined
    if (this.#owned.has(value)) return value as Container
    const copied: Container = Array.isArray(value) ? [...value] : { ...value }
    this.#owned.add(copied)
    return copied
  }
}

const decodeKey = (key: string): string => key.replace(/~[01]/g, (escape) => (escape === '~1' ? '/' : '~'))

function childOf(place: Place): unknown {
  try {
    return getFrom(place)
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}

function getFrom({ container, key }: Place): unknown {
  if (!Array.isArray(container)) return Object.hasOwn(container, key) ? container[key] : undefined
  return container[indexIn(key, container.length, container.length)]
}

function setIn({ container, key }: Place, value: unknown): void {
  if (Array.isArray(container)) container[indexIn(key, container.length, container.length)] = value
  else setMember(container, key, value)
}

function addTo({ container, key }: Place, value: unknown): void {
  if (!Array.isArray(container)) return setMember(container, key, value)
  if (key === '-') {
    container.push(value)
    return
  }
  if (!/^[-+]?[0-9]+$/.test(key)) throw new ParseError(`value was not a proper array index: '${key}': strconv.Atoi: parsing ${quote(key)}: invalid syntax`)
  container.splice(indexIn(key, container.length + 1, container.length + 1), 0, value)
}

function removeFrom({ container, key }: Place): void {
  if (Array.isArray(container)) {
    container.splice(indexIn(key, container.length, container.length), 1)
    return
  }
  if (!Object.hasOwn(container, key)) throw new ParseError(`Unable to remove nonexistent key: ${key}: missing value`)
  delete container[key]
}

function setMember(container: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(container, key, { value, enumerable: true, writable: true, configurable: true })
  else container[key] = value
}

function indexIn(key: string, below: number, length: number): number {
  if (!/^[-+]?[0-9]+$/.test(key)) throw new ParseError(`strconv.Atoi: parsing ${quote(key)}: invalid syntax`)
  const index = Number(key)
  if (index >= below || index < -length) throw new ParseError(`Unable to access invalid index: ${index}: invalid index referenced`)
  return index < 0 ? index + length : index
}
