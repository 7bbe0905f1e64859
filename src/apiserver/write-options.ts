/** The options of create, update, patch and delete requests. Models metav1.CreateOptions … and their validation. */
import { validateDeleteOptions, validatePatchOptions, validateWriteOptions } from '../apimachinery/validate-options.ts'
import { badRequest, invalid, quote } from '../errors.ts'
import type { DeleteOptions } from '../registry/kind.ts'
import type { FieldValidation, GivenOptions } from '../registry/request-context.ts'
import type { Query } from './request-info.ts'

const META_GROUP = 'meta.k8s.io'
const MAX_MANAGER_BYTES = 128

export interface WriteOptions {
  dryRun: boolean
  fieldManager: string
  fieldValidation: FieldValidation
  givenOptions: GivenOptions
  force: boolean
}

/** @param kind CreateOptions, UpdateOptions or PatchOptions. @throws StatusError 422 */
export function parseWriteOptions(kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions', query: Query, { userAgent = '', isApply = false } = {}): WriteOptions {
  const fieldManager = query.get('fieldManager') ?? ''
  const fieldValidation = query.get('fieldValidation') ?? ''
  const force = query.get('force')
  const options = { fieldManager, fieldValidation, dryRun: query.getAll('dryRun'), ...(force === null ? {} : { force: isTrue(force) }) }
  const errors = kind === 'PatchOptions' ? validatePatchOptions(options, isApply) : validateWriteOptions(options)
  if (errors.length > 0) throw invalid({ group: META_GROUP, kind }, '', errors)
  return {
    dryRun: options.dryRun.length > 0,
    fieldManager: fieldManager || managerOf(userAgent),
    fieldValidation: fieldValidation === 'Ignore' || fieldValidation === 'Strict' ? fieldValidation : 'Warn',
    givenOptions: { ...(fieldManager ? { fieldManager } : {}), ...(fieldValidation ? { fieldValidation } : {}) },
    force: options.force ?? false,
  }
}

/** The manager of a client that names none: its user agent up to the first slash. */
function managerOf(userAgent: string): string {
  let out = ''
  for (const char of userAgent.split('/')[0] ?? '') {
    if (/[\p{C}\p{Z}]/u.test(char) && char !== ' ') continue
    if (Buffer.byteLength(out + char) > MAX_MANAGER_BYTES) break
    out += char
  }
  return out
}

/** The options of a delete without a body. @throws StatusError 400, 422 */
export function deleteOptionsOfQuery(query: Query): DeleteOptions {
  const options: DeleteOptions = {}
  const grace = query.get('gracePeriodSeconds')
  if (grace !== null) options.gracePeriodSeconds = parseInteger(grace)
  const policy = query.get('propagationPolicy')
  if (policy) options.propagationPolicy = policy
  const orphan = query.get('orphanDependents')
  if (orphan !== null) options.orphanDependents = isTrue(orphan)
  if (query.has('dryRun')) options.dryRun = query.getAll('dryRun')
  return options
}

/** @throws StatusError 422 */
export function checkDeleteOptions(options: DeleteOptions): void {
  const errors = validateDeleteOptions(options)
  if (errors.length > 0) throw invalid({ group: META_GROUP, kind: 'DeleteOptions' }, '', errors)
}

/** @throws StatusError 400 in the words of Go's strconv */
export function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`)
  const exact = text.length < 16 ? undefined : BigInt(text.replace('+', ''))
  if (exact !== undefined && BigInt.asIntN(64, exact) !== exact) throw badRequest(`strconv.ParseInt: parsing ${quote(text)}: value out of range`)
  return Number(text)
}

/** As conversion of query parameters does it: anything but false and 0 is true. */
export function isTrue(text: string | null): boolean {
  return text !== null && text.toLowerCase() !== 'false' && text !== '0'
}
