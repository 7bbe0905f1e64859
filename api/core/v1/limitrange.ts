/** v1 LimitRange. Models k8s.io/kubernetes/pkg/registry/core/limitrange and ValidateLimitRange of pkg/apis/core/validation. */
import { compareQuantities, quantityMilliValue, quantityText, quantityValue } from '../../../src/apimachinery/quantity.ts'
import { isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { LimitRange, LimitRangeItem } from '../../../schemas/types.ts'
import { isOvercommitAllowed, roundUpResources, sortedEntries, validateContainerResourceName, validateResourceName } from './_resource-names.ts'

const LISTS = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
const STANDARD_TYPES = ['Pod', 'Container', 'PersistentVolumeClaim']
/** Beyond it thousandths would not fit an int64. */
const MAX_MILLI_VALUE = Math.floor(2 ** 63 / 1000)

function defaultItem(item: LimitRangeItem): void {
  if (item.type === 'Container') {
    item.default = { ...item.max, ...item.default }
    item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest }
  }
  for (const list of LISTS) roundUpResources(item[list])
}

function validateType(type: string, path: string): FieldError[] {
  const errors = isQualifiedName(type).map((message) => field.invalid(path, type, message))
  if (errors.length > 0 || type.includes('/') || STANDARD_TYPES.includes(type)) return errors
  return [field.invalid(path, type, 'must be a standard limit type or fully qualified')]
}

function validateItem(item: LimitRangeItem, path: string): FieldError[] {
  const errors: FieldError[] = []
  const type = item.type ?? ''
  const validateName = type === 'Pod' || type === 'Container' ? validateContainerResourceName : validateResourceName
  const keys = new Set<string>()
  const validateList = (list: (typeof LISTS)[number]): void => {
    for (const [key] of sortedEntries(item[list])) {
      errors.push(...validateName(key, `${path}.${list}[${key}]`))
      keys.add(key)
    }
  }
  validateList('max')
  validateList('min')
  const isPod = type === 'Pod'
  for (const list of ['default', 'defaultRequest'] as const) {
    if (!isPod) validateList(list)
    else if (sortedEntries(item[list]).length > 0) errors.push(field.forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"))
  }
  if (type === 'PersistentVolumeClaim' && !item.min?.storage && !item.max?.storage) {
    errors.push(field.required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  }
  validateList('maxLimitRequestRatio')
  const values = isPod ? { ...item, default: {}, defaultRequest: {} } : item
  for (const key of [...keys].sort()) errors.push(...validateRelations(values, key, path))
  return errors
}

/** How min, max, defaults and ratio of one resource must lie to each other. */
function validateRelations(item: LimitRangeItem, key: string, path: string): FieldError[] {
  const errors: FieldError[] = []
  const of = (list: (typeof LISTS)[number]): string | undefined => item[list]?.[key]
  const [min, max, byDefault, request, ratio] = [of('min'), of('max'), of('default'), of('defaultRequest'), of('maxLimitRequestRatio')]
  const refuse = (list: string, value: string, detail: string): void => void errors.push(field.invalid(`${path}.${list}[${key}]`, quantityText(value), detail))
  const isGreater = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && compareQuantities(a, b) > 0
  if (isGreater(min, max)) refuse('min', min ?? '', `min value ${min} is greater than max value ${max}`)
  if (isGreater(min, request)) refuse('defaultRequest', request ?? '', `min value ${min} is greater than default request value ${request}`)
  if (isGreater(request, max)) refuse('defaultRequest', request ?? '', `default request value ${request} is greater than max value ${max}`)
  if (isGreater(request, byDefault)) refuse('defaultRequest', request ?? '', `default request value ${request} is greater than default limit value ${byDefault}`)
  if (isGreater(min, byDefault)) refuse('default', min ?? '', `min value ${min} is greater than default value ${byDefault}`)
  if (isGreater(byDefault, max)) refuse('default', max ?? '', `default value ${byDefault} is greater than max value ${max}`)
  if (ratio !== undefined && compareQuantities(ratio, '1') < 0) refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`)
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const limit = ratioLimit({ min, max, ratio })
    if (limit.ratio > limit.most) refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${formatFloat(limit.most)}`)
  }
  if (!isOvercommitAllowed(key) && byDefault !== undefined && request !== undefined && compareQuantities(byDefault, request) !== 0) {
    refuse('defaultRequest', request, `default value ${byDefault} must equal to defaultRequest value ${request} in ${key}`)
  }
  return errors
}

function ratioLimit({ min, max, ratio }: { min: string; max: string; ratio: string }): { ratio: number; most: number } {
  const isSmall = [ratio, min, max].every((q) => quantityValue(q) < MAX_MILLI_VALUE)
  if (!isSmall) return { ratio: quantityValue(ratio), most: quantityValue(max) / quantityValue(min) }
  return { ratio: quantityMilliValue(ratio) / 1000, most: quantityMilliValue(max) / quantityMilliValue(min) }
}

/** As Go's `%f`. */
function formatFloat(n: number): string {
  if (Number.isNaN(n)) return 'NaN'
  return Number.isFinite(n) ? n.toFixed(6) : n > 0 ? '+Inf' : '-Inf'
}

export default defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  namespaced: true,
  repeatsMetadataUpdate: false,
  allowCreateOnUpdate: true,
  default(limitRange) {
    limitRange.spec?.limits?.forEach(defaultItem)
  },
  prepareForCreate(limitRange, ctx) {
    limitRange.metadata.name ||= ctx.random.uuid()
  },
  validate(limitRange) {
    const types = new Set<string>()
    return (limitRange.spec?.limits ?? []).flatMap((item, i) => {
      const path = `spec.limits[${i}]`
      const type = item.type ?? ''
      const errors = validateType(type, `${path}.type`)
      if (types.has(type)) errors.push(field.duplicate(`${path}.type`, type))
      types.add(type)
      return [...errors, ...validateItem(item, path)]
    })
  },
})
