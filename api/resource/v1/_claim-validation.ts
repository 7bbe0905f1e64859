/** Specs of resource claims, and what they share with device classes. Models the claim parts of k8s.io/kubernetes/pkg/apis/resource/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { validateLabelName } from '../../../src/apimachinery/validate-meta.ts'
import { validateDeviceExpression } from './_cel.ts'
import { validateDriverName, validateFullyQualifiedName, validateLabelNameText, validateLabelValue, validateRawObject, validateSet, validateSlice } from './_lists.ts'
import type { DeviceClaim, DeviceConfiguration, DeviceConstraint, DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ResourceClaimSpec } from '../../../schemas/types.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'

const MAX_REQUESTS = 32
const MAX_CONSTRAINTS = 32
export const MAX_CONFIGS = 32
const MAX_SELECTORS = 32
const MAX_ALTERNATIVES = 8
const MAX_PARAMETERS = 10 * 1024
const ALLOCATION_MODES = ['All', 'ExactCount']
const TOLERATION_OPERATORS = ['Equal', 'Exists']
export const TAINT_EFFECTS = ['NoExecute', 'NoSchedule', 'None']
const ADMIN_LABEL = 'resource.kubernetes.io/admin-access'
const NO_SUCH_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

/** Whether a claim has such a request, or such an alternative of a request. */
export type IsRequest = (name: string) => boolean

export function requestNames(claim: DeviceClaim | undefined): IsRequest {
  const names = new Set<string>()
  for (const { name = '', firstAvailable } of claim?.requests ?? []) {
    names.add(name)
    for (const alternative of firstAvailable ?? []) names.add(`${name}/${alternative.name ?? ''}`)
  }
  return (name) => names.has(name)
}

/** The parts of exact requests and of alternatives that default alike. */
function defaultRequest(request: Omit<DeviceSubRequest, 'name'>): void {
  request.allocationMode ||= 'ExactCount'
  if (request.allocationMode === 'ExactCount') request.count ||= 1
  for (const toleration of request.tolerations ?? []) toleration.operator ||= 'Equal'
}

export function defaultClaimSpec(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
    if (exactly) defaultRequest(exactly)
    firstAvailable?.forEach(defaultRequest)
  }
}

export function validateClaimSpec(spec: ResourceClaimSpec | undefined, path: string): FieldError[] {
  const claim = spec?.devices ?? {}
  const isRequest = requestNames(claim)
  return [
    ...validateSet(claim.requests, `${path}.devices.requests`, { max: MAX_REQUESTS, check: validateRequest, key: (r) => r.name ?? '' }),
    ...validateSlice(claim.constraints, `${path}.devices.constraints`, MAX_CONSTRAINTS, (constraint, at) => validateConstraint(constraint, at, isRequest)),
    ...validateSlice(claim.config, `${path}.devices.config`, MAX_CONFIGS, (config, at) => [...validateRequestRefs(config.requests, at, isRequest), ...validateConfiguration(config, at)]),
  ]
}

function validateRequest(request: DeviceRequest, path: string): FieldError[] {
  const errors = validateLabelNameText(request.name, `${path}.name`)
  const { exactly, firstAvailable } = request
  const hasAlternatives = Boolean(firstAvailable?.length)
  if (!exactly && !hasAlternatives) errors.push(field.required(path, 'exactly one of `exactly` or `firstAvailable` is required'))
  else if (exactly && hasAlternatives) errors.push(field.invalid(path, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set'))
  else if (exactly) errors.push(...validateRequestParts(exactly, `${path}.exactly`))
  else {
    const check = (r: DeviceSubRequest, at: string) => [...validateLabelNameText(r.name, `${at}.name`), ...validateRequestParts(r, at)]
    errors.push(...validateSet(firstAvailable, `${path}.firstAvailable`, { max: MAX_ALTERNATIVES, check, key: (r) => r.name ?? '' }))
  }
  return errors
}

function validateRequestParts(request: Omit<DeviceSubRequest, 'name'>, path: string): FieldError[] {
  const { deviceClassName = '', allocationMode = '', count = 0 } = request
  const errors: FieldError[] = []
  if (!deviceClassName) errors.push(field.required(`${path}.deviceClassName`))
  else for (const message of isDNS1123Subdomain(deviceClassName)) errors.push(field.invalid(`${path}.deviceClassName`, deviceClassName, message))
  errors.push(...validateSelectors(request.selectors, `${path}.selectors`))
  if (allocationMode === 'All') {
    if (count !== 0) errors.push(field.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"))
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(field.invalid(`${path}.count`, count, 'must be greater than zero'))
  } else errors.push(field.notSupported(`${path}.allocationMode`, allocationMode, ALLOCATION_MODES))
  request.tolerations?.forEach((toleration, i) => errors.push(...validateToleration(toleration, `${path}.tolerations[${i}]`)))
  return errors
}

export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, path: string): FieldError[] {
  return validateSlice(selectors, path, MAX_SELECTORS, ({ cel }, at) => (cel ? validateDeviceExpression(cel.expression ?? '', `${at}.cel.expression`) : [field.required(`${at}.cel`)]))
}

function validateToleration({ key, operator, value = '', effect }: DeviceToleration, path: string): FieldError[] {
  const errors = key ? validateLabelName(key, `${path}.key`) : []
  if (operator === 'Exists') {
    if (value) errors.push(field.invalid(`${path}.value`, value, 'must be empty for operator `Exists`'))
  } else if (operator === 'Equal') errors.push(...validateLabelValue(value, `${path}.value`))
  else if (!operator) errors.push(field.required(`${path}.operator`))
  else errors.push(field.notSupported(`${path}.operator`, operator, TOLERATION_OPERATORS))
  if (effect && !TAINT_EFFECTS.includes(effect)) errors.push(field.notSupported(`${path}.effect`, effect, TAINT_EFFECTS))
  return errors
}

function validateConstraint(constraint: DeviceConstraint, path: string, isRequest: IsRequest): FieldError[] {
  const errors = validateRequestRefs(constraint.requests, path, isRequest)
  const { matchAttribute, distinctAttribute } = constraint
  if (matchAttribute !== undefined) errors.push(...validateFullyQualifiedName(matchAttribute, `${path}.matchAttribute`))
  else if (distinctAttribute !== undefined) errors.push(...validateFullyQualifiedName(distinctAttribute, `${path}.distinctAttribute`))
  else errors.push(field.required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'))
  return errors
}

export function validateRequestRefs(names: readonly string[] | undefined, path: string, isRequest: IsRequest): FieldError[] {
  const check = (name: string, at: string) => validateRequestRef(name, at, isRequest)
  return validateSet(names, `${path}.requests`, { max: MAX_REQUESTS, check, key: (name) => name })
}

export function validateRequestRef(name: string, path: string, isRequest: IsRequest): FieldError[] {
  const segments = name.split('/')
  if (segments.length > 2) return [field.invalid(path, name, NO_SUCH_REQUEST)]
  const errors = segments.flatMap((segment) => validateLabelNameText(segment, path))
  if (!isRequest(name)) errors.push(field.invalid(path, name, NO_SUCH_REQUEST))
  return errors
}

export function validateConfiguration({ opaque }: DeviceConfiguration, path: string): FieldError[] {
  if (!opaque) return [field.required(`${path}.opaque`)]
  return [...validateDriverName(opaque.driver, `${path}.opaque.driver`), ...validateRawObject(opaque.parameters, `${path}.opaque.parameters`, MAX_PARAMETERS)]
}

/** Admin access needs a label on the namespace. @param path of the field that asks for it */
export function validateAdminAccess(path: string, namespace: string, ctx: WriteContext): FieldError[] {
  const found = ctx.system.get('v1/Namespace', '', namespace)
  if (!found) return [field.internal(path, `could not retrieve namespace to verify admin access: namespaces "${namespace}" not found`)]
  if (found.metadata.labels?.[ADMIN_LABEL] === 'true') return []
  return [field.forbidden(path, `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`)]
}

export function validateAdminRequests(spec: ResourceClaimSpec | undefined, namespace: string, ctx: WriteContext): FieldError[] {
  const i = (spec?.devices?.requests ?? []).findIndex((r) => r.exactly?.adminAccess)
  return i < 0 ? [] : validateAdminAccess(`spec.devices.requests[${i}].adminAccess`, namespace, ctx)
}
