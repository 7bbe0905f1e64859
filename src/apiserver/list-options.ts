/**
 * The query of list, watch and deletecollection requests. Models metainternalversion.ListOptions, its validation
 * (k8s.io/apimachinery/pkg/apis/meta/internalversion/validation) and the conversion of field labels.
 */
import { everyField, parseFieldSelector, type FieldSelector } from '../apimachinery/fields.ts'
import { everything, parseSelector, type Selector } from '../apimachinery/labels.ts'
import { badRequest, field, invalid, quote, StatusError, type FieldError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import { fromStorage, type ServedKind } from '../registry/scheme.ts'
import type { Query } from './request-info.ts'
import { isTrue, parseInteger } from './write-options.ts'

export interface Selection {
  labels: Selector
  fields: FieldSelector
}

export interface ListOptions extends Selection {
  limit: number
  continue: string
  resourceVersion: string
  resourceVersionMatch: string
  allowWatchBookmarks: boolean
  sendInitialEvents: boolean | undefined
  timeoutSeconds: number | undefined
}

const MATCHES = ['Exact', 'NotOlderThan']

/** @throws StatusError 400 for selectors that cannot be parsed, 422 for options that do not go together */
export function parseListOptions(kind: ServedKind, query: Query, { watch }: { watch: boolean }): ListOptions {
  const options: ListOptions = {
    labels: parsed(query.get('labelSelector'), everything, parseSelector),
    fields: everyField,
    limit: integer(query.get('limit')) ?? 0,
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.get('sendInitialEvents') === null ? undefined : isTrue(query.get('sendInitialEvents')),
    timeoutSeconds: integer(query.get('timeoutSeconds')),
  }
  if (watch) defaultInitialEvents(options)
  const errors = watch ? validateWatch(options) : validateList(options)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  options.fields = parsed(query.get('fieldSelector'), everyField, parseFieldSelector)
  checkFields(kind, options.fields)
  return options
}

function validateList(o: ListOptions): FieldError[] {
  const errors: FieldError[] = []
  if (o.resourceVersionMatch) {
    const path = 'resourceVersionMatch'
    if (!o.resourceVersion) errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (o.continue) errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden when continue is provided'))
    if (!MATCHES.includes(o.resourceVersionMatch)) errors.push(field.notSupported(path, o.resourceVersionMatch, [...MATCHES, '']))
    if (o.resourceVersionMatch === 'Exact' && o.resourceVersion === '0') errors.push(field.forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  if (o.sendInitialEvents !== undefined) errors.push(field.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return errors
}

function validateWatch(o: ListOptions): FieldError[] {
  const errors: FieldError[] = []
  const path = 'resourceVersionMatch'
  if (o.sendInitialEvents !== undefined && o.resourceVersionMatch !== 'NotOlderThan') {
    errors.push(field.forbidden(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  }
  if (!o.resourceVersionMatch) return errors
  if (o.sendInitialEvents === undefined) errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
  if (o.resourceVersionMatch !== 'NotOlderThan') errors.push(field.notSupported(path, o.resourceVersionMatch, ['NotOlderThan']))
  if (o.continue) errors.push(field.forbidden(path, 'resourceVersionMatch is forbidden when continue is provided'))
  return errors
}

/** A watch from no version in particular begins with what is there. */
function defaultInitialEvents(o: ListOptions): void {
  if (o.sendInitialEvents !== undefined || o.resourceVersionMatch || (o.resourceVersion && o.resourceVersion !== '0')) return
  o.sendInitialEvents = true
  o.resourceVersionMatch = 'NotOlderThan'
}

/** A watch of one object by its path may name it by a selector too, and nothing else. @throws StatusError 400 */
export function checkRequestedName(fields: FieldSelector, name: string): void {
  if (name && !fields.isEmpty && fields.requiresExactMatch('metadata.name') !== name) throw badRequest("fieldSelector metadata.name doesn't match requested name")
}

/** Refuses fields that the kind cannot be selected by. */
function checkFields(kind: ServedKind, selector: FieldSelector): void {
  const own = kind.definition.selectableFields
  for (const { field: name } of selector.requirements) {
    // Kinds without namespaces that say which fields they can be selected by do not name that one.
    if (name === 'metadata.name' || (name === 'metadata.namespace' && (kind.namespaced || !own)) || (own && Object.hasOwn(own, name))) continue
    if (own) throw badRequest(kind.definition.fieldLabelError?.(name) ?? `field label not supported: ${name}`)
    throw badRequest(`${quote(name)} is not a known field selector: only "metadata.name", "metadata.namespace"`)
  }
}

/** A test for objects, or undefined where everything matches. */
export function matcher(kind: ServedKind, { labels, fields }: Selection): ((object: KubeObject) => boolean) | undefined {
  if (labels.isEmpty && fields.isEmpty) return undefined
  const wanted = fields.requirements.map(({ field: name, operator, value }) => ({ read: fieldReader(kind, name), equal: operator === '=', value }))
  return (stored) => {
    // A webhook may change labels; nothing else does.
    const object = kind.definition.stored?.isPrepared ? fromStorage(kind, stored) : stored
    if (!labels.matches(object.metadata.labels ?? {})) return false
    if (wanted.length === 0) return true
    // Fields are those of the version that is asked, whatever the objects are stored as.
    const view = fromStorage(kind, object)
    return wanted.every(({ read, equal, value }) => (read(view) === value) === equal)
  }
}

function fieldReader(kind: ServedKind, name: string): (object: KubeObject) => string {
  if (name === 'metadata.name') return (object) => object.metadata.name ?? ''
  if (name === 'metadata.namespace') return (object) => object.metadata.namespace ?? ''
  return kind.definition.selectableFields?.[name] ?? (() => '')
}

/** @throws StatusError 400 */
export function parseRevision(text: string): number {
  const problem = revisionProblem(text)
  if (problem) throw badRequest(`invalid resource version: ${problem}`)
  return Number(text)
}

function integer(text: string | null): number | undefined {
  return text === null ? undefined : parseInteger(text)
}

const MAX_UINT64 = 2n ** 64n - 1n

/** What is wrong with a version as a client gives it; '' for a good one or none. */
export function revisionProblem(text: string): string {
  const isNumber = /^[0-9]*$/.test(text)
  if (isNumber && (text.length < 20 || BigInt(text) <= MAX_UINT64)) return ''
  return `resourceVersion: Invalid value: ${quote(text)}: strconv.ParseUint: parsing ${quote(text)}: ${isNumber ? 'value out of range' : 'invalid syntax'}`
}

function parsed<T>(text: string | null, none: T, parse: (text: string) => T): T {
  if (!text) return none
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw badRequest(error instanceof Error ? error.message : String(error))
  }
}
