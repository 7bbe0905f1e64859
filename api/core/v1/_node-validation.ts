/** The rules of a Node. Models ValidateNode and ValidateNodeUpdate of k8s.io/kubernetes/pkg/apis/core/validation. */
import { parseCIDR } from '../../../src/apimachinery/ip-address.ts'
import { byteLength, isQualifiedName, isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import { isValidCIDRForLegacyField } from '../../../src/apimachinery/validation-ip.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import type { Node, Taint } from '../../../schemas/types.ts'
import { invalids } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { sortedEntries, validateResourceQuantity } from './_resource-names.ts'

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
/** Upstream reports taints under metadata. */
const TAINTS = 'metadata.taints'
const FEATURE_NAME = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/
const FEATURE_NAME_RULE =
  "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
const MAX_FEATURE_NAME = 253

function validateTaints(taints: readonly Taint[] | undefined): FieldError[] {
  const seen = new Set<string>()
  return (taints ?? []).flatMap((taint, i) => {
    const { key = '', value = '', effect = '', timeAdded } = taint
    const path = `${TAINTS}[${i}]`
    const errors = invalids(`${path}.key`, key, isQualifiedName(key))
    const wrong = isValidLabelValue(value)
    if (wrong.length > 0) errors.push(field.invalid(`${path}.value`, value, wrong.join(';')))
    if (!effect) errors.push(field.required(`${path}.effect`))
    else if (!EFFECTS.includes(effect)) errors.push(field.notSupported(`${path}.effect`, effect, EFFECTS))
    const id = `${effect} ${key}`
    if (seen.has(id)) {
      const again = field.duplicate(path, { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null })
      errors.push({ ...again, body: `${again.body}: taints must be unique by key and effect pair` })
    }
    seen.add(id)
    return errors
  })
}

function validateResources({ status }: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    sortedEntries(status?.[list]).flatMap(([name, quantity]) => validateResourceQuantity(name, quantity, `status.${list}.${name}`)),
  )
}

function validateDeclaredFeatures({ status }: Node): FieldError[] {
  const features = status?.declaredFeatures ?? []
  return features.flatMap((feature, i) => {
    const path = `status.declaredFeatures[${i}]`
    const errors: FieldError[] = []
    if (byteLength(feature) > MAX_FEATURE_NAME) errors.push(field.invalid(path, feature, `invalid feature name ${quote(feature)}: must be no more than ${MAX_FEATURE_NAME} characters`))
    else if (!FEATURE_NAME.test(feature)) errors.push(field.invalid(path, feature, `invalid feature name ${quote(feature)}: ${FEATURE_NAME_RULE}`))
    const next = features[i + 1]
    const nextPath = `status.declaredFeatures[${i + 1}]`
    if (next !== undefined && feature === next) errors.push(field.duplicate(nextPath, next))
    else if (next !== undefined && feature > next) errors.push(field.invalid(nextPath, next, 'list must be sorted alphabetically'))
    return errors
  })
}

function validatePodCIDRs({ spec }: Node): FieldError[] {
  const path = 'spec.podCIDRs'
  const cidrs = spec.podCIDRs ?? []
  const errors = cidrs.flatMap((cidr, i) => isValidCIDRForLegacyField(`${path}[${i}]`, cidr, { strict: true }))
  if (cidrs.length < 2) return errors
  const parsed = cidrs.map(parseCIDR)
  const wrong = cidrs.find((_, i) => parsed[i] === undefined)
  if (wrong !== undefined) {
    errors.push(field.internal(path, `invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[${cidrs.indexOf(wrong)}]: <nil> (invalid CIDR address: ${wrong})`))
  }
  const isDualStack = wrong === undefined && new Set(parsed.map((cidr) => cidr?.addressBits)).size === 2
  if (!isDualStack || cidrs.length > 2) errors.push(field.invalid(path, cidrs, 'may specify no more than one CIDR for each IP family'))
  return errors
}

export function validateNode(node: Node): FieldError[] {
  const swap = node.status?.nodeInfo?.swap?.capacity
  return [
    ...validateTaints(node.spec.taints),
    ...validateResources(node),
    ...(swap !== undefined && swap <= 0 ? [field.invalid('metadata.nodeSwapStatus.capacity', swap, 'must be greater than zero')] : []),
    ...validateDeclaredFeatures(node),
    ...validatePodCIDRs(node),
  ]
}

/** What an update of the node or of its status must keep to. */
export function validateNodeChange(node: Node, old: Node): FieldError[] {
  const errors = [...validateResources(node), ...validateDeclaredFeatures(node)]
  const seen = new Set<string>()
  node.status?.addresses?.forEach(({ type = '', address = '' }, i) => {
    const id = `${type} ${address}`
    if (seen.has(id)) errors.push(field.duplicate(`status.addresses[${i}]`, { Type: type, Address: address }))
    seen.add(id)
  })
  errors.push(...validateFixedSpec(node, old), ...validateTaints(node.spec.taints))
  if ((node.spec.externalID ?? '') !== (old.spec.externalID ?? '')) errors.push(field.forbidden('spec.externalID', 'may not be updated'))
  return errors
}

function validateFixedSpec(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = []
  const before = old.spec.podCIDRs ?? []
  const after = node.spec.podCIDRs ?? []
  const onlyOnce = (name: string): string => `node updates may not change ${name} except from "" to valid`
  const changes = before.length === 0 ? 0 : before.length !== after.length ? 1 : before.filter((cidr, i) => cidr !== after[i]).length
  for (let i = 0; i < changes; i++) errors.push(field.forbidden('spec.podCIDRs', onlyOnce('podCIDR')))
  if (old.spec.providerID && old.spec.providerID !== node.spec.providerID) errors.push(field.forbidden('spec.providerID', onlyOnce('providerID')))
  return errors
}

export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  return [...validateMetadataOf(node, 'Cluster'), ...validateNode(node), ...validateNodeChange(node, old)]
}
