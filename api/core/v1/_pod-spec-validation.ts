/**
 * The spec of a pod, in a template or in a pod itself. Models ValidatePodSpec of
 * k8s.io/kubernetes/pkg/apis/core/validation/validation.go: the order of its checks is the order of the errors.
 */
import type { PodDNSConfig, PodResourceClaim, PodSpec } from '../../../schemas/types.ts'
import { validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { isValidIPForLegacyField } from '../../../src/apimachinery/validation-ip.ts'
import { byteLength, inclusiveRangeError, isDNS1123Label, isDNS1123Subdomain, isDNS1123SubdomainWithUnderscore, isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateAffinity } from './_affinity-validation.ts'
import { validateContainerResources, validatePodLevelResources } from './_container-resources-validation.ts'
import { validateContainers, validateEphemeralContainers, validateInitContainers } from './_container-validation.ts'
import { containersWithPath } from './_pod-containers.ts'
import { toInternal } from './_pod-internal.ts'
import type { PodOptions } from './_pod-options.ts'
import { validateSchedulingGates, validateTolerations, validateTopologySpread } from './_scheduling-validation.ts'
import { validatePodSecurityContext } from './_security-context-validation.ts'
import { validateVolumes } from './_volume-validation.ts'
import { validateHostProcess, validateOS } from './_windows-validation.ts'

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never']
const MAX_INT32 = 2 ** 31 - 1

interface SpecOptions {
  options: PodOptions
  /** Of the pod, or nothing in a template. */
  pod?: { name: string; isStatic: boolean }
}

export function validatePodSpec(spec: PodSpec, path: string, { options, pod }: SpecOptions): FieldError[] {
  const at = (name: string) => `${path}.${name}`
  const errors: FieldError[] = spec.terminationGracePeriodSeconds === undefined ? [field.required(at('terminationGracePeriodSeconds'))] : []
  const volumes = validateVolumes(spec.volumes ?? [], at('volumes'), { podName: pod?.name ?? '', options })
  const claimNames = new Set((spec.resourceClaims ?? []).map((c) => c.name ?? '').filter(Boolean))
  const ctx = { spec, options, claimNames, volumes: volumes.valid }
  errors.push(
    ...volumes.errors,
    ...validateResourceClaims(spec.resourceClaims ?? [], at('resourceClaims'), pod?.isStatic ?? false),
    ...validateContainers(at('containers'), ctx),
    ...validateInitContainers(at('initContainers'), ctx),
    ...validateEphemeralContainers(at('ephemeralContainers'), ctx),
    ...validatePodLevelResources(spec, at('resources'), ctx),
    ...validateHostNetworkPorts(spec, path, options),
    ...oneOf(spec.restartPolicy ?? '', at('restartPolicy'), RESTART_POLICIES),
    ...oneOf(spec.dnsPolicy ?? '', at('dnsPolicy'), DNS_POLICIES),
    ...validateLabels(spec.nodeSelector, at('nodeSelector')),
    ...validatePodSecurityContext(spec, at('securityContext'), options),
    ...validateAffinity(spec.affinity, at('affinity'), options),
    ...validateDNSConfig(spec.dnsConfig, spec.dnsPolicy, at('dnsConfig')),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType = '' }, i) => isQualifiedName(conditionType).map((m) => field.invalid(`${at('readinessGates')}[${i}].conditionType`, conditionType, m))),
    ...validateSchedulingGates(spec.schedulingGates ?? [], at('schedulingGates')),
    ...validateTopologySpread(spec.topologySpreadConstraints ?? [], at('topologySpreadConstraints'), options),
    ...validateHostProcess(spec, path, options),
    ...validateHostUsers(spec, path, options),
    ...validateHostname(spec, at('hostnameOverride')),
    ...validateNames(spec, path),
    ...validateTolerations(spec.tolerations ?? [], at('tolerations'), options),
    ...validateHostAliases(spec, at('hostAliases')),
    ...validateClasses(spec, path),
  )
  if (spec.overhead) errors.push(...validateContainerResources({ limits: spec.overhead }, at('overhead'), { ...ctx, claimNames: new Set() }))
  errors.push(...validateOS(spec, path), ...validateSchedulingGroup(spec, at('schedulingGroup.podGroupName')), ...validateFileKeyVolumes(spec, path))
  return errors
}

function oneOf(value: string, path: string, supported: readonly string[]): FieldError[] {
  if (!value) return [field.required(path)]
  return supported.includes(value) ? [] : [field.notSupported(path, value, supported)]
}

const subdomain = (name: string | undefined, path: string): FieldError[] => (name ? isDNS1123Subdomain(name).map((m) => field.invalid(path, name, m)) : [])
const label = (name: string | undefined, path: string): FieldError[] => (name ? isDNS1123Label(name).map((m) => field.invalid(path, name, m)) : [])

function validateNames(spec: PodSpec, path: string): FieldError[] {
  const errors = [...subdomain(spec.serviceAccountName, `${path}.serviceAccountName`), ...subdomain(spec.nodeName, `${path}.nodeName`)]
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) errors.push(field.invalid(`${path}.activeDeadlineSeconds`, deadline, inclusiveRangeError(1, MAX_INT32)))
  return [...errors, ...label(spec.hostname, `${path}.hostname`), ...label(spec.subdomain, `${path}.subdomain`)]
}

function validateClasses(spec: PodSpec, path: string): FieldError[] {
  const errors = subdomain(spec.priorityClassName, `${path}.priorityClassName`)
  const { runtimeClassName: runtime, preemptionPolicy } = spec
  if (runtime !== undefined) for (const m of isDNS1123Subdomain(runtime)) errors.push(field.invalid(`${path}.runtimeClassName`, runtime, m))
  if (preemptionPolicy !== undefined) errors.push(...oneOf(preemptionPolicy, `${path}.preemptionPolicy`, PREEMPTION_POLICIES))
  return errors
}

function validateResourceClaims(claims: readonly PodResourceClaim[], path: string, isStatic: boolean): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, claim] of claims.entries()) {
    const { name = '', resourceClaimName: claimName, resourceClaimTemplateName: templateName } = claim
    const at = `${path}[${i}]`
    if (isStatic) {
      errors.push(field.forbidden('[]', 'static pods do not support resource claims'))
      continue
    }
    if (!name) errors.push(field.required(`${at}.name`))
    else if (names.has(name)) errors.push(field.duplicate(`${at}.name`, name))
    else errors.push(...label(name, `${at}.name`))
    names.add(name)
    const shown = () => toInternal('PodResourceClaim', claim)
    if (claimName !== undefined && templateName !== undefined) errors.push(field.invalid(at, shown(), 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'))
    if (claimName === undefined && templateName === undefined) errors.push(field.invalid(at, shown(), 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'))
    if (claimName !== undefined) for (const m of isDNS1123Subdomain(claimName)) errors.push(field.invalid(`${at}.resourceClaimName`, claimName, m))
    if (templateName !== undefined) for (const m of isDNS1123Subdomain(templateName)) errors.push(field.invalid(`${at}.resourceClaimTemplateName`, templateName, m))
  }
  return errors
}

function validateHostNetworkPorts(spec: PodSpec, path: string, { isPod = false }: PodOptions): FieldError[] {
  if (!spec.hostNetwork) return []
  const errors: FieldError[] = []
  for (const [i, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort = 0 }] of ports.entries()) {
      if ((isPod || hostPort) && hostPort !== containerPort) {
        errors.push(field.invalid(`${path}.containers[${i}].ports[${j}].hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'))
      }
    }
  }
  return errors
}

const MAX_NAMESERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048

function validateDNSConfig(config: PodDNSConfig | undefined, policy: string | undefined, path: string): FieldError[] {
  if (policy === 'None') {
    if (!config) return [field.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')]
    if (!config.nameservers?.length) return [field.required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')]
  }
  if (!config) return []
  const { nameservers = [], searches = [], options = [] } = config
  const errors: FieldError[] = []
  if (nameservers.length > MAX_NAMESERVERS) errors.push(field.invalid(`${path}.nameservers`, nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`))
  for (const [i, ip] of nameservers.entries()) errors.push(...isValidIPForLegacyField(`${path}.nameservers[${i}]`, ip, { strict: true }))
  if (searches.length > MAX_SEARCHES) errors.push(field.invalid(`${path}.searches`, searches, `must not have more than ${MAX_SEARCHES} search paths`))
  if (byteLength(searches.join(' ')) > MAX_SEARCH_CHARACTERS) {
    errors.push(field.invalid(`${path}.searches`, searches, `must not have more than ${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`))
  }
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue
    const domain = search.replace(/\.$/, '')
    for (const m of isDNS1123SubdomainWithUnderscore(domain)) errors.push(field.invalid(`${path}.searches[${i}]`, domain, m))
  }
  for (const [i, option] of options.entries()) if (!option.name) errors.push(field.required(`${path}.options[${i}]`, 'must not be empty'))
  return errors
}

function validateHostUsers(spec: PodSpec, path: string, options: PodOptions): FieldError[] {
  if (spec.hostUsers !== false) return []
  const why = 'when `hostUsers` is false'
  const errors: FieldError[] = []
  if (spec.hostNetwork && !options.allowUserNamespacesWithHostNetwork) errors.push(field.forbidden(`${path}.hostNetwork`, why))
  if (spec.hostPID) errors.push(field.forbidden(`${path}.HostPID`, why))
  if (spec.hostIPC) errors.push(field.forbidden(`${path}.HostIPC`, why))
  if (options.allowUserNamespacesWithVolumeDevices) return errors
  for (const { container, path: at } of containersWithPath(spec, path)) if (container.volumeDevices?.length) errors.push(field.forbidden(`${at}.volumeDevices`, why))
  return errors
}

function validateHostname(spec: PodSpec, path: string): FieldError[] {
  const name = spec.hostnameOverride
  if (name === undefined) return []
  const errors: FieldError[] = []
  if (spec.setHostnameAsFQDN) errors.push(field.forbidden(path, 'may not be specified when setHostnameAsFQDN is true'))
  if (spec.hostNetwork) errors.push(field.forbidden(path, 'may not be specified when hostNetwork is true'))
  if (byteLength(name) > 64) errors.push(field.tooLong(path, 64))
  for (const m of isDNS1123Subdomain(name)) errors.push(field.invalid(path, name, m))
  return errors
}

function validateHostAliases(spec: PodSpec, path: string): FieldError[] {
  return (spec.hostAliases ?? []).flatMap(({ ip = '', hostnames = [] }, i) => [
    ...isValidIPForLegacyField(`${path}[${i}].ip`, ip, { strict: true }),
    ...hostnames.flatMap((name, j) => isDNS1123Subdomain(name).map((m) => field.invalid(`${path}[${i}].hostnames[${j}]`, name, m))),
  ])
}

function validateSchedulingGroup({ schedulingGroup: group }: PodSpec, path: string): FieldError[] {
  if (!group) return []
  if (group.podGroupName === undefined) return [field.invalid(path, null, 'must specify one of: `podGroupName`')]
  const name = group.podGroupName
  return isDNS1123Subdomain(name).map((m) => field.invalid(path, name, m))
}

/** Variables read from files find them in emptyDir volumes only. */
function validateFileKeyVolumes(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const { container, path: at } of containersWithPath(spec, path)) {
    for (const [i, { valueFrom }] of (container.env ?? []).entries()) {
      if (!valueFrom?.fileKeyRef) continue
      const name = valueFrom.fileKeyRef.volumeName ?? ''
      const nameAt = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`
      const volume = spec.volumes?.findLast((v) => (v.name ?? '') === name)
      if (!volume) errors.push(field.notFound(nameAt, name))
      else if (!volume.emptyDir) errors.push(field.invalid(nameAt, name, 'referenced volume must be of type emptyDir'))
    }
  }
  return errors
}
