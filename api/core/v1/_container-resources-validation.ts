/**
 * Requests, limits and claims of containers and of whole pods.
 * Models ValidateContainerResourceRequirements and validatePodResources of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { CoreV1ResourceClaim, PodSpec, ResourceRequirements } from '../../../schemas/types.ts'
import { compareQuantities, isQuantity, quantitySign, quantityText, quantityValue } from '../../../src/apimachinery/quantity.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { PodOptions } from './_pod-options.ts'
import { aggregateContainerResources, isPodLevelResource } from './_pod-resources.ts'
import { isHugePageResource, isOvercommitAllowed, sortedEntries, validateContainerResourceName, validateResourceName, validateResourceQuantity } from './_resource-names.ts'

/** What a container's resources refer to beyond themselves. */
export interface ResourceContext {
  claimNames: ReadonlySet<string>
  options: PodOptions
}

type ValidateName = (name: string, path: string) => FieldError[]

export function validateContainerResources(resources: ResourceRequirements, path: string, ctx: ResourceContext): FieldError[] {
  return validateRequirements(resources, path, { ...ctx, validateName: validateContainerResourceName })
}

function validateRequirements(resources: ResourceRequirements, path: string, ctx: ResourceContext & { validateName: ValidateName }): FieldError[] {
  const errors: FieldError[] = []
  const { limits, requests, claims = [] } = resources
  for (const [name, quantity] of sortedEntries(limits)) errors.push(...validateQuantity(name, quantity, { ...ctx, path: `${path}.limits[${name}]` }))
  for (const [name, quantity] of sortedEntries(requests)) {
    const at = `${path}.requests[${name}]`
    const hugePages = isHugePageResource(name) ? validateHugePages(name, quantity, { path: at, options: ctx.options }) : []
    errors.push(...ctx.validateName(name, at), ...validateResourceQuantity(name, quantity, at), ...validateAgainstLimit(name, quantity, { path, limit: limits?.[name] }), ...hugePages)
  }
  const names = [...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})]
  if (names.some(isHugePageResource) && !names.some((n) => n === 'cpu' || n === 'memory')) errors.push(field.forbidden(path, 'HugePages require cpu or memory'))
  errors.push(...validateClaimNames(claims, `${path}.claims`, ctx.claimNames))
  return errors
}

function validateQuantity(name: string, quantity: string, ctx: ResourceContext & { validateName: ValidateName; path: string }): FieldError[] {
  const errors = [...ctx.validateName(name, ctx.path), ...validateResourceQuantity(name, quantity, ctx.path)]
  if (isHugePageResource(name)) errors.push(...validateHugePages(name, quantity, ctx))
  return errors
}

function validateHugePages(name: string, quantity: string, { path, options }: { path: string; options: PodOptions }): FieldError[] {
  if (options.allowIndivisibleHugePages || isDivisibleHugePages(name, quantityValue(quantity))) return []
  return [field.invalid(path, quantityText(quantity), `${quantityText(quantity)} is not positive integer multiple of ${name}`)]
}

/** Whether the value is a whole number of pages of the size in the name. */
export function isDivisibleHugePages(name: string, bytes: number): boolean {
  const size = name.slice('hugepages-'.length)
  if (!isQuantity(size) || quantitySign(size) <= 0) return false
  return bytes % quantityValue(size) === 0
}

function validateAgainstLimit(name: string, quantity: string, { path, limit }: { path: string; limit: string | undefined }): FieldError[] {
  if (limit === undefined) return isOvercommitAllowed(name) ? [] : [field.required(`${path}.limits`, 'Limit must be set for non overcommitable resources')]
  const order = compareQuantities(quantity, limit)
  const wrong = (must: string) => [field.invalid(`${path}.requests`, quantityText(quantity), `must be ${must} ${name} limit of ${quantityText(limit)}`)]
  if (order !== 0 && !isOvercommitAllowed(name)) return wrong('equal to')
  return order > 0 ? wrong('less than or equal to') : []
}

function validateClaimNames(claims: readonly CoreV1ResourceClaim[], path: string, podClaims: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { name = '', request = '' }] of claims.entries()) {
    const at = `${path}[${i}]`
    if (!name) {
      errors.push(field.required(at))
      continue
    }
    if (seen.has(name)) errors.push(field.duplicate(at, name))
    else {
      if (request) for (const m of isDNS1123Label(request)) errors.push(field.invalid(`${at}.request`, request, m))
      const key = request ? `${name}/${request}` : name
      if (seen.has(key)) errors.push(field.duplicate(at, key))
      else if (!request) for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(field.duplicate(at, name))
      seen.add(key)
    }
    if (!podClaims.has(name)) errors.push(unknownClaim(at, name, podClaims))
  }
  return errors
}

function unknownClaim(path: string, name: string, podClaims: ReadonlySet<string>): FieldError {
  const error = field.notFound(path, name)
  const known = podClaims.size === 0 ? ' which is empty' : `: ${[...podClaims].sort().join(', ')}`
  return { ...error, body: `${error.body}: must be one of the names in pod.spec.resourceClaims${known}` }
}

const POD_LEVEL_RESOURCES = ['cpu', 'hugepages-', 'memory']

function validatePodLevelName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path)
  if (errors.length === 0 && !isPodLevelResource(name)) errors.push(field.notSupported(path, name, POD_LEVEL_RESOURCES))
  return errors
}

/** Resources of the pod as a whole, which must be enough for its containers. */
export function validatePodLevelResources(spec: PodSpec, path: string, ctx: ResourceContext): FieldError[] {
  const resources = spec.resources
  if (!resources) return []
  if (spec.os?.name === 'windows') return [field.forbidden(path, 'may not be set for a windows pod')]
  const errors = resources.claims ? [field.forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level')] : []
  errors.push(...validateRequirements(resources, path, { ...ctx, validateName: validatePodLevelName }))
  errors.push(...validateTotals(spec, resources, path))
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of sortedEntries(container.resources?.limits)) {
      const podLimit = resources.limits?.[name]
      if (podLimit !== undefined && compareQuantities(limit, podLimit) > 0) {
        errors.push(field.invalid(`${path}.containers[${i}][${name}].limits`, quantityText(limit), `must be less than or equal to pod limits of ${quantityText(podLimit)}`))
      }
    }
  }
  return errors
}

function validateTotals(spec: PodSpec, resources: ResourceRequirements, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const kind of ['requests', 'limits'] as const) {
    for (const [name, total] of sortedEntries(aggregateContainerResources(spec, kind))) {
      const own = resources[kind]?.[name]
      if (own === undefined || (kind === 'limits' && !isHugePageResource(name)) || compareQuantities(total, own) <= 0) continue
      errors.push(field.invalid(`${path}.${kind}[${name}]`, quantityText(own), `must be greater than or equal to aggregate container ${kind} of ${quantityText(total)}`))
    }
  }
  return errors
}
