/**
 * Names of resources (cpu, pods, requests.storage, vendor/x …) and the quantities they take.
 * Models k8s.io/kubernetes/pkg/apis/core/helper/helpers.go and the resource parts of pkg/apis/core/validation/validation.go.
 */
import { makeMilliQuantity, parseQuantity, quantityMilliValue, quantitySign, quantityText, scaledValue } from '../../../src/apimachinery/quantity.ts'
import { isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'

export const NEGATIVE_MESSAGE = 'must be greater than or equal to 0'
export const NOT_INTEGER_MESSAGE = 'must be an integer'

const HUGE_PAGES = 'hugepages-'
const REQUESTS_HUGE_PAGES = 'requests.hugepages-'
const REQUESTS = 'requests.'
const NATIVE_DOMAIN = 'kubernetes.io/'

const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage'])
const COUNTED_OBJECTS = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]
const INTEGER_RESOURCES = new Set(COUNTED_OBJECTS)
const QUOTA_RESOURCES = new Set([
  ...CONTAINER_RESOURCES,
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  ...COUNTED_OBJECTS,
])

export function isHugePageResource(name: string): boolean {
  return name.startsWith(HUGE_PAGES)
}

export function isStandardContainerResource(name: string): boolean {
  return CONTAINER_RESOURCES.has(name) || isHugePageResource(name)
}

export function isStandardQuotaResource(name: string): boolean {
  return QUOTA_RESOURCES.has(name) || isHugePageResource(name) || name.startsWith(REQUESTS_HUGE_PAGES)
}

export function isStandardResource(name: string): boolean {
  return name === 'storage' || isStandardQuotaResource(name)
}

export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes(NATIVE_DOMAIN)
}

export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith(REQUESTS)) return false
  return isQualifiedName(REQUESTS + name).length === 0
}

export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePageResource(name)
}

export function isIntegerResource(name: string): boolean {
  return INTEGER_RESOURCES.has(name) || isExtendedResource(name)
}

const isPlain = (name: string): boolean => name.split('/').length === 1

export function validateResourceName(name: string, path: string): FieldError[] {
  const errors = isQualifiedName(name).map((message) => field.invalid(path, name, message))
  if (errors.length > 0) return errors
  return isPlain(name) && !isStandardResource(name) ? [field.invalid(path, name, 'must be a standard resource type or fully qualified')] : []
}

export function validateContainerResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path)
  if (isPlain(name)) {
    if (!isStandardContainerResource(name)) errors.push(field.invalid(path, name, 'must be a standard resource for containers'))
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(field.invalid(path, name, "doesn't follow extended resource name standard"))
  }
  return errors
}

export function validateQuotaResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path)
  if (isPlain(name) && !isStandardQuotaResource(name)) errors.push(field.invalid(path, name, 'must be a standard resource for quota'))
  return errors
}

export function validateNonnegativeQuantity(quantity: string, path: string): FieldError[] {
  return quantitySign(quantity) < 0 ? [field.invalid(path, quantityText(quantity), NEGATIVE_MESSAGE)] : []
}

export function validateResourceQuantity(name: string, quantity: string, path: string): FieldError[] {
  const errors = validateNonnegativeQuantity(quantity, path)
  if (isIntegerResource(name) && quantityMilliValue(quantity) % 1000 !== 0) errors.push(field.invalid(path, quantity, NOT_INTEGER_MESSAGE))
  return errors
}

/** Entries by key, so that errors over a map come in the same order each time. */
export function sortedEntries<T>(map: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Rounds the (canonical) quantities of a list up to whole thousandths, as every ResourceList is defaulted. In place. */
export function roundUpResources(list: Record<string, string> | undefined): void {
  for (const name in list) {
    const text = list[name]
    if (!text || !/[nu]$|e-/.test(text)) continue
    list[name] = quantityText(makeMilliQuantity(scaledValue(text, -3), parseQuantity(text).format))
  }
}
