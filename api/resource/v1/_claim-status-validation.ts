/** Status of resource claims. Models the status parts of k8s.io/kubernetes/pkg/apis/resource/validation and pkg/registry/resource/utils.go. */
import { field, type FieldError } from '../../../src/errors.ts'
import { FIELD_IMMUTABLE, validateLabelName } from '../../../src/apimachinery/validate-meta.ts'
import { validateConditions } from '../../../src/apimachinery/validate-options.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { isValidInterfaceAddress } from '../../../src/apimachinery/validation-ip.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import { validateNodeSelector } from '../../core/v1/_node-selector-validation.ts'
import { MAX_CONFIGS, requestNames, validateAdminAccess, validateConfiguration, validateRequestRef, validateRequestRefs, type IsRequest } from './_claim-validation.ts'
import { validateDriverName, validateLabelNameText, validatePoolName, validateRawObject, validateSet, validateSlice, validateUID } from './_lists.ts'
import type { AllocatedDeviceStatus, AllocationResult, DeviceAllocationConfiguration, DeviceRequestAllocationResult, NetworkDeviceData, ResourceClaim, ResourceClaimConsumerReference } from '../../../schemas/types.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'

const ALLOCATION_TYPE = 'io.k8s.api.resource.v1.AllocationResult'
const MAX_RESERVED = 256
const MAX_RESULTS = 32
const MAX_BINDING_CONDITIONS = 4
const MAX_CONDITIONS = 8
const MAX_DATA = 10 * 1024
const MAX_INTERFACE_NAME = 256
const MAX_HARDWARE_ADDRESS = 128
const MAX_IPS = 16
const CONFIG_SOURCES = ['FromClaim', 'FromClass']

type DeviceRef = Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device' | 'shareID'>
export const deviceKey = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceRef): string => JSON.stringify([driver, pool, device, shareID])
/** Field errors print the identifier as a struct of its own. */
const shownDevice = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceRef): unknown => ({ Driver: driver, Pool: pool, Device: device, ShareID: shareID })

export function validateClaimStatus(claim: ResourceClaim, old: ResourceClaim, ctx: WriteContext): FieldError[] {
  const { allocation, reservedFor = [], devices } = claim.status ?? {}
  const was = old.status?.allocation
  const errors = validateAdminStatus(claim, old, ctx)
  errors.push(...validateSet(reservedFor, 'status.reservedFor', { max: MAX_RESERVED, check: validateConsumer, key: (c) => c.uid ?? '' }))
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey))
  const check = (device: AllocatedDeviceStatus, path: string) => validateDeviceStatus(device, path, allocated)
  errors.push(...validateSet(devices, 'status.devices', { max: Infinity, check, key: deviceKey, show: shownDevice }))
  if (reservedFor.length && !allocation) errors.push(field.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'))
  else if (reservedFor.length && claim.metadata.deletionTimestamp) {
    const known = new Set((old.status?.reservedFor ?? []).map(consumerKey))
    if (!reservedFor.every((c) => known.has(consumerKey(c)))) {
      errors.push(field.forbidden('status.reservedFor', 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'))
    }
  }
  if (was && allocation) {
    if (!equalInternal(ALLOCATION_TYPE, allocation, was)) errors.push(field.invalid('status.allocation', internalJSON(ALLOCATION_TYPE, allocation), FIELD_IMMUTABLE))
  } else if (allocation) errors.push(...validateAllocation(allocation, 'status.allocation', requestNames(claim.spec.devices)))
  return errors
}

const consumerKey = ({ apiGroup = '', resource = '', name = '', uid = '' }: ResourceClaimConsumerReference): string => JSON.stringify([apiGroup, resource, name, uid])

function validateAdminStatus(claim: ResourceClaim, old: ResourceClaim, ctx: WriteContext): FieldError[] {
  const indexOfAdmin = ({ status }: ResourceClaim): number => (status?.allocation?.devices?.results ?? []).findIndex((r) => r.adminAccess)
  const i = indexOfAdmin(claim)
  return i < 0 || indexOfAdmin(old) >= 0 ? [] : validateAdminAccess(`status.allocation.devices.results[${i}].adminAccess`, claim.metadata.namespace ?? '', ctx)
}

function validateConsumer({ resource, name, uid }: ResourceClaimConsumerReference, path: string): FieldError[] {
  return Object.entries({ resource, name, uid }).flatMap(([key, value]) => (value ? [] : [field.required(`${path}.${key}`)]))
}

function validateAllocation({ devices, nodeSelector }: AllocationResult, path: string, isRequest: IsRequest): FieldError[] {
  return [
    ...validateSlice(devices?.results, `${path}.devices.results`, MAX_RESULTS, (result, at) => validateResult(result, at, isRequest)),
    ...validateSlice(devices?.config, `${path}.devices.config`, 2 * MAX_CONFIGS, (config, at) => validateAllocationConfig(config, at, isRequest)),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, `${path}.nodeSelector`) : []),
  ]
}

function validateResult(result: DeviceRequestAllocationResult, path: string, isRequest: IsRequest): FieldError[] {
  return [
    ...validateRequestRef(result.request ?? '', `${path}.request`, isRequest),
    ...validateDriverName(result.driver, `${path}.driver`),
    ...validatePoolName(result.pool, `${path}.pool`),
    ...validateLabelNameText(result.device, `${path}.device`),
    ...validateBindingConditions(result, path),
    ...(result.shareID === undefined ? [] : validateUID(result.shareID, `${path}.shareID`)),
  ]
}

function validateAllocationConfig(config: DeviceAllocationConfiguration, path: string, isRequest: IsRequest): FieldError[] {
  const { source } = config
  const errors = !source ? [field.required(`${path}.source`)] : CONFIG_SOURCES.includes(source) ? [] : [field.notSupported(`${path}.source`, source, CONFIG_SOURCES)]
  return [...errors, ...validateRequestRefs(config.requests, path, isRequest), ...validateConfiguration(config, path)]
}

export function validateBindingConditions({ bindingConditions, bindingFailureConditions }: { bindingConditions?: string[]; bindingFailureConditions?: string[] }, path: string): FieldError[] {
  const good = `${path}.bindingConditions`
  const bad = `${path}.bindingFailureConditions`
  const errors = [...validateSlice(bindingConditions, good, MAX_BINDING_CONDITIONS, validateLabelName), ...validateSlice(bindingFailureConditions, bad, MAX_BINDING_CONDITIONS, validateLabelName)]
  const conditions = bindingConditions ?? []
  const failures = bindingFailureConditions ?? []
  conditions.forEach((c, i) => {
    if (conditions.indexOf(c) < i) errors.push(field.duplicate(`${good}[${i}]`, c))
  })
  failures.forEach((c, i) => {
    if (failures.indexOf(c) < i) errors.push(field.duplicate(`${bad}[${i}]`, c))
    if (conditions.includes(c)) errors.push(field.invalid(`${bad}[${i}]`, c, 'bindingFailureConditions must not overlap with bindingConditions'))
  })
  if (!conditions.length && failures.length) errors.push(field.invalid(good, bindingConditions ?? null, 'bindingConditions are required to use bindingFailureConditions'))
  if (!failures.length && conditions.length) errors.push(field.invalid(bad, bindingFailureConditions ?? null, 'bindingFailureConditions are required to use bindingConditions'))
  return errors
}

function validateDeviceStatus(device: AllocatedDeviceStatus, path: string, allocated: ReadonlySet<string>): FieldError[] {
  const errors = [
    ...validateDriverName(device.driver, `${path}.driver`),
    ...validatePoolName(device.pool, `${path}.pool`),
    ...validateLabelNameText(device.device, `${path}.device`),
    ...(device.shareID === undefined ? [] : validateUID(device.shareID, `${path}.shareID`)),
  ]
  if (!allocated.has(deviceKey(device))) errors.push(field.invalid(path, shownDevice(device), 'must be an allocated device in the claim'))
  const conditions = device.conditions ?? []
  if (conditions.length > MAX_CONDITIONS) errors.push(field.tooMany(`${path}.conditions`, conditions.length, MAX_CONDITIONS))
  errors.push(...validateConditions(conditions, `${path}.conditions`))
  if (device.data !== undefined) errors.push(...validateRawObject(device.data, `${path}.data`, MAX_DATA))
  if (device.networkData) errors.push(...validateNetworkData(device.networkData, `${path}.networkData`))
  return errors
}

function validateNetworkData({ interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (byteLength(interfaceName) > MAX_INTERFACE_NAME) errors.push(field.tooLong(`${path}.interfaceName`, MAX_INTERFACE_NAME))
  if (byteLength(hardwareAddress) > MAX_HARDWARE_ADDRESS) errors.push(field.tooLong(`${path}.hardwareAddress`, MAX_HARDWARE_ADDRESS))
  const check = (ip: string, at: string) => isValidInterfaceAddress(at, ip)
  errors.push(...validateSet(ips, `${path}.ips`, { max: MAX_IPS, check, key: (ip) => ip }))
  return errors
}
