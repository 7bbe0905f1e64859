/**
 * Environment variables, their sources, and references to fields of the pod; pull policies.
 * Models ValidateEnv and ValidateEnvFrom of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { EnvFromSource, EnvVar, EnvVarSource, FileKeySelector, ObjectFieldSelector, ResourceFieldSelector } from '../../../schemas/types.ts'
import { isZeroQuantity, quantityText } from '../../../src/apimachinery/quantity.ts'
import { maskTrailingDash } from '../../../src/apimachinery/validate-meta.ts'
import { isConfigMapKey, isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isRelaxedEnvVarName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { need, validatePathNoBacksteps } from './_path-validation.ts'

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never']

export function validatePullPolicy(policy: string, path: string): FieldError[] {
  if (!policy) return [field.required(path)]
  return PULL_POLICIES.includes(policy) ? [] : [field.notSupported(path, policy, PULL_POLICIES)]
}

export function validateEnv(env: readonly EnvVar[], path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, variable] of env.entries()) {
    const { name = '', value = '', valueFrom } = variable
    const at = `${path}[${i}]`
    if (!name) errors.push(field.required(`${at}.name`))
    else for (const m of isRelaxedEnvVarName(name)) errors.push(field.invalid(`${at}.name`, name, m))
    if (valueFrom) errors.push(...validateValueFrom(valueFrom, value, `${at}.valueFrom`))
  }
  return errors
}

function validateValueFrom(from: EnvVarSource, value: string, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (from.fieldRef) errors.push(...validateFieldRef(from.fieldRef, `${path}.fieldRef`, ENV_FIELD_PATHS))
  if (from.resourceFieldRef) errors.push(...validateResourceFieldRef(from.resourceFieldRef, `${path}.resourceFieldRef`))
  if (from.configMapKeyRef) errors.push(...validateKeyRef(from.configMapKeyRef, `${path}.configMapKeyRef`))
  if (from.secretKeyRef) errors.push(...validateKeyRef(from.secretKeyRef, `${path}.secretKeyRef`))
  if (from.fileKeyRef) errors.push(...validateFileKeyRef(from.fileKeyRef, `${path}.fileKeyRef`))
  const given = [from.fieldRef, from.resourceFieldRef, from.configMapKeyRef, from.secretKeyRef, from.fileKeyRef].filter(Boolean).length
  if (given === 0) errors.push(field.invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'))
  else if (value) errors.push(field.invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (given > 1) errors.push(field.invalid(path, '', 'may not have more than one field specified at a time'))
  return errors
}

function validateKeyRef(ref: { name?: string; key?: string }, path: string): FieldError[] {
  const { name = '', key = '' } = ref
  const errors = isDNS1123Subdomain(name).map((m) => field.invalid(`${path}.name`, name, m))
  if (!key) errors.push(field.required(`${path}.key`))
  else for (const m of isConfigMapKey(key)) errors.push(field.invalid(`${path}.key`, key, m))
  return errors
}

function validateFileKeyRef(ref: FileKeySelector, path: string): FieldError[] {
  const { key = '', volumeName = '', path: target = '' } = ref
  const errors = need(key, `${path}.key`)
  if (key) for (const m of isRelaxedEnvVarName(key)) errors.push(field.invalid(`${path}.key`, key, m))
  errors.push(...need(volumeName, `${path}.volumeName`))
  if (volumeName) for (const m of isDNS1123Label(volumeName)) errors.push(field.invalid(`${path}.volumeName`, volumeName, m))
  errors.push(...need(target, `${path}.path`), ...validatePathNoBacksteps(target, `${path}.path`))
  return errors
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, { prefix = '', configMapRef, secretRef }] of sources.entries()) {
    const at = `${path}[${i}]`
    if (prefix) for (const m of isRelaxedEnvVarName(prefix)) errors.push(field.invalid(`${at}.prefix`, prefix, m))
    if (configMapRef) errors.push(...validateRefName(configMapRef.name ?? '', `${at}.configMapRef.name`))
    if (secretRef) errors.push(...validateRefName(secretRef.name ?? '', `${at}.secretRef.name`))
    if (!configMapRef && !secretRef) errors.push(field.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (configMapRef && secretRef) errors.push(field.invalid(path, '', 'may not have more than one field specified at a time'))
  }
  return errors
}

function validateRefName(name: string, path: string): FieldError[] {
  return name ? isDNS1123Subdomain(maskTrailingDash(name)).map((m) => field.invalid(path, name, m)) : [field.required(path)]
}

const ENV_FIELD_PATHS = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs']
export const VOLUME_FIELD_PATHS = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
/** What a field path may name at all; which of them depends on the place. */
const KNOWN_FIELD_PATHS = new Set([...ENV_FIELD_PATHS, ...VOLUME_FIELD_PATHS, 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'spec.host'])
const SUBSCRIPT = /^(.+?)\['(.*)'\]$/s

export function validateFieldRef(ref: ObjectFieldSelector, path: string, supported: readonly string[]): FieldError[] {
  const { apiVersion = '', fieldPath = '' } = ref
  if (!apiVersion) return [field.required(`${path}.apiVersion`)]
  if (!fieldPath) return [field.required(`${path}.fieldPath`)]
  const [, base, subscript] = SUBSCRIPT.exec(fieldPath) ?? []
  const wrong = (why: string) => [field.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`)]
  if (apiVersion !== 'v1') return wrong(`unsupported pod version: ${apiVersion}`)
  if (base !== undefined && subscript !== undefined) {
    if (base !== 'metadata.annotations' && base !== 'metadata.labels') return wrong(`field label does not support subscript: ${fieldPath}`)
    const key = base === 'metadata.annotations' ? subscript.toLowerCase() : subscript
    return isQualifiedName(key).map((m) => field.invalid(path, key, m))
  }
  if (!KNOWN_FIELD_PATHS.has(fieldPath)) return wrong(`field label not supported: ${fieldPath}`)
  const name = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath
  return supported.includes(name) ? [] : [field.notSupported(`${path}.fieldPath`, name, supported)]
}

const RESOURCE_PATHS = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory']
const isHugePagesPath = (path: string): boolean => /^(requests|limits)\.hugepages-/.test(path)
const BYTE_DIVISORS = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

export function validateResourceFieldRef(ref: ResourceFieldSelector, path: string, { inVolume = false } = {}): FieldError[] {
  const { containerName, resource = '', divisor = '0' } = ref
  const errors: FieldError[] = []
  if (inVolume && !containerName) errors.push(field.required(`${path}.containerName`))
  else if (!resource) errors.push(field.required(`${path}.resource`))
  else if (!RESOURCE_PATHS.includes(resource) && !isHugePagesPath(resource)) errors.push(field.notSupported(`${path}.resource`, resource, RESOURCE_PATHS))
  if (isZeroQuantity(divisor)) return errors
  const [, name = ''] = resource.split('.')
  const isKnown = RESOURCE_PATHS.includes(resource) || isHugePagesPath(resource)
  const allowed = name === 'cpu' ? ['1m', '1'] : BYTE_DIVISORS
  if (!isKnown || allowed.includes(quantityText(divisor))) return errors
  const shown = name === 'cpu' ? '1m and 1' : BYTE_DIVISORS.join(', ')
  const kind = isHugePagesPath(resource) ? 'hugepages' : name === 'ephemeral-storage' ? 'local ephemeral storage' : name
  errors.push(field.invalid(`${path}.divisor`, resource, `only divisor's values ${shown} are supported with the ${kind} resource`))
  return errors
}
