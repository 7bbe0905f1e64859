/**
 * The errors of the API: `StatusError` carries a metav1.Status, `FieldError` is one cause of an Invalid one.
 * Models k8s.io/apimachinery/pkg/api/errors and pkg/util/validation/field. Branch on `reason`, never on the message.
 */

export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** metav1.Status as it goes over the wire. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { continue?: string }
  status: 'Failure' | 'Success'
  message?: string
  reason?: string
  details?: StatusDetails
  code?: number
}

interface StatusFields {
  code: number
  reason?: string
  message: string
  details?: StatusDetails
  cause?: unknown
}

export class StatusError extends Error {
  readonly code: number
  readonly reason: string | undefined
  readonly details: StatusDetails | undefined

  constructor(fields: StatusFields) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.name = 'StatusError'
    this.code = fields.code
    this.reason = fields.reason
    this.details = fields.details
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

/** A group and a resource (plural), as errors name them: `deployments.apps`, `pods`. */
export interface GroupResource {
  group: string
  resource: string
}

export function qualified({ group, resource }: GroupResource): string {
  return group ? `${resource}.${group}` : resource
}

/** details.kind holds the resource, not the kind, as upstream fills it. */
const about = (gr: GroupResource, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(gr.group ? { group: gr.group } : {}),
  ...(gr.resource ? { kind: gr.resource } : {}),
})

export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message })
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' })
}

/** @param why the sentence after "is forbidden: " */
export function forbidden(gr: GroupResource, name: string, why: string): StatusError {
  const what = qualified(gr)
  const message = !what ? `forbidden: ${why}` : name ? `${what} "${name}" is forbidden: ${why}` : `${what} is forbidden: ${why}`
  return new StatusError({ code: 403, reason: 'Forbidden', message, details: about(gr, name) })
}

export function notFound(gr: GroupResource, name: string): StatusError {
  return new StatusError({ code: 404, reason: 'NotFound', message: `${qualified(gr)} "${name}" not found`, details: about(gr, name) })
}

/** The answer for a path or resource that is not served. */
export function noSuchResource(): StatusError {
  return new StatusError({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} })
}

export function methodNotAllowed(): StatusError {
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message: 'the server does not allow this method on the requested resource', details: {} })
}

export function methodNotSupported(gr: GroupResource, action: string): StatusError {
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message: `${action} is not supported on resources of kind "${qualified(gr)}"`, details: about(gr, '') })
}

export function notAcceptable(mediaTypes: string[]): StatusError {
  return new StatusError({ code: 406, reason: 'NotAcceptable', message: `only the following media types are accepted: ${mediaTypes.join(', ')}` })
}

export function unsupportedMediaType(mediaTypes: string[]): StatusError {
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${mediaTypes.join(', ')}`,
  })
}

export function alreadyExists(gr: GroupResource, name: string): StatusError {
  return new StatusError({ code: 409, reason: 'AlreadyExists', message: `${qualified(gr)} "${name}" already exists`, details: about(gr, name) })
}

export function conflict(gr: GroupResource, name: string, why: string): StatusError {
  return new StatusError({ code: 409, reason: 'Conflict', message: `Operation cannot be fulfilled on ${qualified(gr)} "${name}": ${why}`, details: about(gr, name) })
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'

/** 410: the revision asked for is no longer held. */
export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message })
}

export function tooLarge(message: string): StatusError {
  return new StatusError({ code: 413, reason: 'RequestEntityTooLarge', message })
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError({ code: 429, reason: 'TooManyRequests', message, details: { retryAfterSeconds } })
}

export function internalError(message: string, cause?: unknown): StatusError {
  return new StatusError({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${message}`, details: { causes: [{ message }] }, cause })
}

/** 501: something upstream serves that is not served here (yet). */
export function notImplemented(what: string): StatusError {
  return new StatusError({ code: 501, reason: 'NotImplemented', message: `${what} is not served by this cluster` })
}

export function serverTimeout(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: ${message}`,
    ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
  })
}

/** What was set for the server as a whole cannot be; the message says it to whoever set it. */
export class SettingError extends Error {}

/**
 * One field that is wrong. `type` is the reason a cause carries; `badValue` is printed as Go's `%#v`-ish text of
 * field.Error.ErrorBody does: strings quoted, structs as JSON.
 */
export interface FieldError {
  type: 'FieldValueNotFound' | 'FieldValueRequired' | 'FieldValueDuplicate' | 'FieldValueInvalid' | 'FieldValueNotSupported' | 'FieldValueForbidden' | 'FieldValueTooLong' | 'FieldValueTooMany' | 'InternalError' | 'FieldValueTypeInvalid'
  field: string
  /** Everything after "<field>: " */
  body: string
}

/** A value as field errors print it. */
export function formatBadValue(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return goNumber(value)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  return goJSON(value)
}

/** A number as Go's `%v` prints it: what fits an int64 is one. */
export function goNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? BigInt(value).toString() : goFloat(value)
}

/** A float64 as `%v` prints it, with an exponent from a million on. */
export function goFloat(value: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return value.toString()
  return `${mantissa}e${power < 0 ? '-' : '+'}${Math.abs(power).toString().padStart(2, '0')}`
}

/** JSON as Go's encoder writes it: `<`, `>`, `&` and the line separators escaped. */
export function goJSON(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A string as Go's `%q` prints it. */
export function quote(text: string): string {
  return `"${text.replace(UNPRINTABLE, escapeRune)}"`
}

/** What Go escapes: quotes, and all but letters, marks, numbers, punctuation, symbols and the ASCII space. */
const UNPRINTABLE = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu
const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\v': '\\v' }

function escapeRune(rune: string): string {
  const code = rune.codePointAt(0) ?? 0
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  const hex = code.toString(16)
  return ESCAPES[rune] ?? (code < 0x80 ? `\\x${hex.padStart(2, '0')}` : code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`)
}

const make = (type: FieldError['type'], field: string, body: string): FieldError => ({ type, field, body })
/** "a: x" or, where there is no detail, "a". */
const joined = (head: string, detail: string) => (detail ? `${head}: ${detail}` : head)

/** Several texts as Go's Aggregate prints them: each once, in the order they came. */
export function aggregateTexts(texts: readonly string[]): string {
  const distinct = [...new Set(texts)]
  return distinct.length === 1 ? String(distinct[0]) : `[${distinct.join(', ')}]`
}

/** Several field errors in one text. */
export const aggregateErrors = (errors: readonly FieldError[]): string => aggregateTexts(errors.map((e) => `${e.field}: ${e.body}`))

/** Constructors of field errors, named as upstream's package `field` names them. */
export const field = {
  notFound: (path: string, value: unknown) => make('FieldValueNotFound', path, `Not found: ${formatBadValue(value)}`),
  required: (path: string, detail = '') => make('FieldValueRequired', path, joined('Required value', detail)),
  duplicate: (path: string, value: unknown) => make('FieldValueDuplicate', path, `Duplicate value: ${formatBadValue(value)}`),
  invalid: (path: string, value: unknown, detail: string) => make('FieldValueInvalid', path, joined(`Invalid value: ${formatBadValue(value)}`, detail)),
  typeInvalid: (path: string, value: unknown, detail: string) => make('FieldValueTypeInvalid', path, joined(`Invalid value: ${formatBadValue(value)}`, detail)),
  notSupported: (path: string, value: unknown, supported: readonly string[]) =>
    make('FieldValueNotSupported', path, supported.length ? `Unsupported value: ${formatBadValue(value)}: supported values: ${supported.map(quote).join(', ')}` : `Unsupported value: ${formatBadValue(value)}`),
  forbidden: (path: string, detail: string) => make('FieldValueForbidden', path, joined('Forbidden', detail)),
  tooLong: (path: string, maxLength: number) => make('FieldValueTooLong', path, maxLength < 0 ? 'Too long: value is too long' : `Too long: may not be more than ${maxLength} byte${maxLength === 1 ? '' : 's'}`),
  tooMany: (path: string, actual: number, maxItems: number) => make('FieldValueTooMany', path, `Too many: ${actual}: ${maxItems < 0 ? 'has too many items' : `must have at most ${maxItems} item${maxItems === 1 ? '' : 's'}`}`),
  internal: (path: string, detail: string) => make('InternalError', path, `Internal error: ${detail}`),
}

/**
 * 422 with a cause per field error.
 * @param kind the kind's group and name (details.kind is the kind here, unlike elsewhere)
 */
export function invalid(kind: { group: string; kind: string }, name: string, errors: FieldError[]): StatusError {
  const what = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
  const lines = errors.map((e) => `${e.field}: ${e.body}`)
  const unique = [...new Set(lines)]
  const text = unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: errors.length ? `${what} ${quote(name)} is invalid: ${text}` : `${what} ${quote(name)} is invalid`,
    details: {
      ...(name ? { name } : {}),
      ...(kind.group ? { group: kind.group } : {}),
      ...(kind.kind ? { kind: kind.kind } : {}),
      ...(errors.length ? { causes: errors.map((e) => ({ reason: e.type, message: e.body, field: e.field })) } : {}),
    },
  })
}

export function isStatusError(error: unknown, reason?: string): error is StatusError {
  return error instanceof StatusError && (reason === undefined || error.reason === reason)
}
