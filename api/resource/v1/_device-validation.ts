/** Devices of resource slices. Models the device parts of k8s.io/kubernetes/pkg/apis/resource/validation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { byteLength, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { validateLabelName } from '../../../src/apimachinery/validate-meta.ts'
import { internalJSON } from '../../_internal-json.ts'
import { validateNodeSelector } from '../../core/v1/_node-selector-validation.ts'
import { validateCapacity } from './_capacity-validation.ts'
import { TAINT_EFFECTS } from './_claim-validation.ts'
import { validateBindingConditions } from './_claim-status-validation.ts'
import { MAX_ATTRIBUTE_KEY, validateLabelNameText, validateLabelValue, validateMap, validateQualifiedName, validateSet, validateSlice } from './_lists.ts'
import type { Counter, CounterSet, Device, DeviceAttribute, DeviceCounterConsumption, DeviceTaint } from '../../../schemas/types.ts'

const MAX_ATTRIBUTES_AND_CAPACITIES = 32
const MAX_ATTRIBUTE_VALUES = 48
const MAX_ATTRIBUTE_VALUE = 64
const MAX_TAINTS = 16
const MAX_CONSUMPTIONS = 2
const MAX_COUNTERS = 32
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/

/** @param old the device of that name before the write; @param perDevice the slice leaves the choice of nodes to its devices */
export function validateDevice(device: Device, path: string, { old, perDevice }: { old: Device | undefined; perDevice: boolean }): FieldError[] {
  const { attributes = {}, capacity = {} } = device
  const errors = validateLabelNameText(device.name, `${path}.name`)
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > MAX_ATTRIBUTES_AND_CAPACITIES) errors.push(field.invalid(path, count, `the total number of attributes and capacities must not exceed ${MAX_ATTRIBUTES_AND_CAPACITIES}`))
  const values = Object.values(attributes).reduce((sum, a) => sum + attributeValues(a), 0)
  if (values > MAX_ATTRIBUTE_VALUES) errors.push(field.invalid(path, values, `the total number of attribute values must not exceed ${MAX_ATTRIBUTE_VALUES}`))
  const named = { max: Infinity, maxKey: MAX_ATTRIBUTE_KEY, checkKey: validateQualifiedName }
  errors.push(...validateMap(attributes, `${path}.attributes`, { ...named, check: validateAttribute }))
  errors.push(...validateMap(capacity, `${path}.capacity`, { ...named, check: (c, at) => validateCapacity(c, at, device.allowMultipleAllocations ?? false) }))
  if (!old || !equalJSON(old.taints ?? [], device.taints ?? [])) errors.push(...validateSlice(device.taints, `${path}.taints`, MAX_TAINTS, validateTaint))
  errors.push(...validateSet(device.consumesCounters, `${path}.consumesCounters`, { max: MAX_CONSUMPTIONS, check: validateConsumption, key: (c) => c.counterSet ?? '' }))
  errors.push(...validateNodeChoice(device, path, perDevice))
  errors.push(...validateBindingConditions(device, path))
  return errors
}

const NODE_CHOICES = '`nodeName`, `nodeSelector`, or `allNodes`'

function validateNodeChoice({ nodeName, nodeSelector, allNodes }: Device, path: string, perDevice: boolean): FieldError[] {
  const isSet = nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined
  if (!perDevice) {
    return isSet ? [field.invalid(path, null, '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec')] : []
  }
  const errors: FieldError[] = []
  const chosen: string[] = []
  if (nodeName) {
    chosen.push('`nodeName`')
    for (const message of isDNS1123Subdomain(nodeName)) errors.push(field.invalid(`${path}.nodeName`, nodeName, message))
  } else if (nodeName === '') errors.push(field.invalid(`${path}.nodeName`, nodeName, 'must not be empty'))
  if (nodeSelector) {
    chosen.push('`nodeSelector`')
    errors.push(...validateNodeSelector(nodeSelector, `${path}.nodeSelector`))
  }
  if (allNodes) chosen.push('`allNodes`')
  else if (allNodes === false) errors.push(field.invalid(`${path}.allNodes`, allNodes, 'must be either unset or set to true'))
  const rule = `exactly one of ${NODE_CHOICES} is required when \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`
  if (chosen.length === 0) errors.push(field.required(path, rule))
  else if (chosen.length > 1) errors.push(field.invalid(path, `{${chosen.join(', ')}}`, rule))
  return errors
}

function attributeValues({ bools, ints, strings, versions }: DeviceAttribute): number {
  return (bools?.length ?? 0) + (ints?.length ?? 0) + (strings?.length ?? 0) + (versions?.length ?? 0) || 1
}

function validateAttribute(attribute: DeviceAttribute, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (attribute.string !== undefined) errors.push(...validateStringValue(attribute.string, `${path}.string`))
  if (attribute.version !== undefined) errors.push(...validateVersionValue(attribute.version, `${path}.version`))
  for (const name of ['bools', 'ints', 'strings', 'versions'] as const) {
    const list = attribute[name]
    if (list?.length === 0) errors.push(field.invalid(`${path}.${name}`, list, 'must not be empty if specified'))
  }
  attribute.strings?.forEach((s, i) => errors.push(...validateStringValue(s, `${path}.strings[${i}]`)))
  attribute.versions?.forEach((v, i) => errors.push(...validateVersionValue(v, `${path}.versions[${i}]`)))
  const given = Object.values(attribute).filter((v) => v !== undefined).length
  const shown = given === 0 ? '' : internalJSON('io.k8s.api.resource.v1.DeviceAttribute', attribute)
  if (given !== 1) errors.push(field.invalid(path, shown, 'exactly one value must be specified'))
  return errors
}

const validateStringValue = (value: string, path: string): FieldError[] => (byteLength(value) > MAX_ATTRIBUTE_VALUE ? [field.tooLong(path, MAX_ATTRIBUTE_VALUE)] : [])

function validateVersionValue(value: string, path: string): FieldError[] {
  const errors = SEMVER.test(value) ? [] : [field.invalid(path, value, 'must be a string compatible with semver.org spec 2.0.0')]
  return [...errors, ...validateStringValue(value, path)]
}

function validateTaint({ key = '', value, effect }: DeviceTaint, path: string): FieldError[] {
  const errors = validateLabelName(key, `${path}.key`)
  if (value) errors.push(...validateLabelValue(value, `${path}.value`))
  if (!effect) errors.push(field.required(`${path}.effect`))
  else if (!TAINT_EFFECTS.includes(effect)) errors.push(field.notSupported(`${path}.effect`, effect, TAINT_EFFECTS))
  return errors
}

function validateCounters(counters: Readonly<Record<string, Counter>> | undefined, path: string): FieldError[] {
  if (!Object.keys(counters ?? {}).length) return [field.required(path)]
  return validateMap(counters, path, { max: MAX_COUNTERS, maxKey: 63, checkKey: validateLabelNameText, check: () => [] })
}

const validateCounterName = (name: string | undefined, path: string): FieldError[] => (name ? validateLabelNameText(name, path) : [field.required(path)])

function validateConsumption({ counterSet, counters }: DeviceCounterConsumption, path: string): FieldError[] {
  return [...validateCounterName(counterSet, `${path}.counterSet`), ...validateCounters(counters, `${path}.counters`)]
}

export function validateCounterSet({ name, counters }: CounterSet, path: string): FieldError[] {
  return [...validateCounterName(name, `${path}.name`), ...validateCounters(counters, `${path}.counters`)]
}
