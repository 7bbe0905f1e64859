/** Writes of a pod's status. Models ValidatePodStatusUpdate of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Container, ContainerStatus, Pod, PodExtendedResourceClaimStatus, PodSpec, PodStatus } from '../../../schemas/types.ts'
import { isIPv4, parseIP } from '../../../src/apimachinery/ip-address.ts'
import { validateImmutableField } from '../../../src/apimachinery/validate-meta.ts'
import { isValidIPForLegacyField, warningsForIP } from '../../../src/apimachinery/validation-ip.ts'
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName, isValidGroupID, isValidUserID } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateAllocatedResources } from './_allocated-resources-validation.ts'
import { validatePodAnnotationUpdates } from './_pod-annotations-validation.ts'

export function validatePodStatusUpdate(pod: Pod, old: Pod, ctx: WriteContext): FieldError[] {
  const status = pod.status ?? {}
  const before = old.status ?? {}
  const errors = [
    ...validatePodAnnotationUpdates(pod, old),
    ...validateConditions(status),
    ...validateNomination(status, old),
    ...((status.observedGeneration ?? 0) < 0 ? [field.invalid('status.observedGeneration', status.observedGeneration, 'must be a non-negative integer')] : []),
    ...validateImmutableField(status.qosClass ?? '', before.qosClass ?? '', 'status.qosClass'),
    ...validateTransitions(status.containerStatuses, before.containerStatuses, { path: 'status.containerStatuses', spec: old.spec, containers: old.spec.containers }),
    ...validateTransitions(status.initContainerStatuses, before.initContainerStatuses, { path: 'status.initContainerStatuses', spec: old.spec, containers: old.spec.initContainers }),
    ...validateTransitions(status.ephemeralContainerStatuses, before.ephemeralContainerStatuses, { path: 'status.ephemeralContainerStatuses' }),
    ...validateClaimStatuses(status, pod.spec),
    ...validateExtendedClaim(status.extendedResourceClaimStatus, pod.spec, 'status.extendedResourceClaimStatus'),
    ...validateIPs('podIPs', status.podIPs, before.podIPs),
    ...validateHostIPs(status, before),
    ...validateUsers(status, pod.spec),
    ...validateAllocatedResources(status, pod.spec),
  ]
  if (errors.length === 0) for (const key of ['podIPs', 'hostIPs'] as const) for (const [i, { ip = '' }] of (status[key] ?? []).entries()) for (const text of warningsForIP(`status.${key}[${i}].ip`, ip)) ctx.warn(text)
  return errors
}

const SYSTEM_CONDITIONS = ['PodScheduled', 'Ready', 'Initialized']

function validateConditions({ conditions = [] }: PodStatus): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, { type = '', observedGeneration = 0 }] of conditions.entries()) {
    if (observedGeneration < 0) errors.push(field.invalid(`status.conditions[${i}].observedGeneration`, observedGeneration, 'must be a non-negative integer'))
    if (!SYSTEM_CONDITIONS.includes(type)) for (const m of isQualifiedName(type)) errors.push(field.invalid(`status.conditions[${i}].Type`, type, m))
  }
  return errors
}

function validateNomination({ nominatedNodeName: name }: PodStatus, old: Pod): FieldError[] {
  if (!name || name === old.status?.nominatedNodeName) return []
  const errors = isDNS1123Subdomain(name).map((m) => field.invalid('status.nominatedNodeName', name, m))
  if (old.spec.nodeName) errors.push(field.forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'))
  return errors
}

interface TransitionContext {
  path: string
  /** Without a spec nothing restarts. */
  spec?: PodSpec
  containers?: Container[]
}

/** What has ended runs again only where its policy says so. */
function validateTransitions(now: ContainerStatus[] = [], before: ContainerStatus[] = [], { path, spec, containers }: TransitionContext): FieldError[] {
  if (spec && [...(spec.initContainers ?? []), ...(spec.containers ?? [])].some((c) => c.restartPolicyRules?.some((r) => r.action === 'RestartAllContainers'))) return []
  const errors: FieldError[] = []
  for (const [i, { name, state }] of before.entries()) {
    if (!state?.terminated || !now.some((s) => s.name === name && !s.state?.terminated)) continue
    const container = containers?.find((c) => c.name === name)
    if (spec && container && mayRestart(container, spec, state.terminated.exitCode ?? 0)) continue
    errors.push(field.forbidden(`${path}[${i}].state`, 'may not be transitioned to non-terminated state'))
  }
  return errors
}

/** Whether a container that ended with this code is started again. Models ContainerShouldRestart of pkg/api/v1/pod/util.go. */
export function mayRestart({ restartPolicy, restartPolicyRules = [] }: Container, spec: PodSpec, exitCode: number): boolean {
  if (restartPolicy !== undefined) {
    for (const { exitCodes } of restartPolicyRules) {
      if (exitCodes && (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === 'In')) return true
    }
  }
  switch (restartPolicy ?? spec.restartPolicy) {
    case 'OnFailure':
      return exitCode !== 0
    case 'Never':
      return false
    default:
      return true
  }
}

function validateClaimStatuses({ resourceClaimStatuses = [] }: PodStatus, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, { name = '', resourceClaimName: claim }] of resourceClaimStatuses.entries()) {
    const at = `status.resourceClaimStatuses[${i}]`
    if (!spec.resourceClaims?.some((c) => (c.name ?? '') === name)) errors.push(field.invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`'))
    if (names.has(name)) errors.push(field.duplicate(`${at}.name`, name))
    names.add(name)
    if (claim !== undefined) for (const m of isDNS1123Subdomain(claim)) errors.push(field.invalid(`${at}.resourceClaimName`, claim, m))
  }
  return errors
}

function validateExtendedClaim(status: PodExtendedResourceClaimStatus | undefined, spec: PodSpec, path: string): FieldError[] {
  if (!status) return []
  const { requestMappings = [], resourceClaimName = '' } = status
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
  const errors = requestMappings.length === 0 ? [field.required(`${path}.requestMappings`, 'at least one request mapping is required')] : []
  const seen = new Set<string>()
  for (const [i, { containerName = '', resourceName = '', requestName = '' }] of requestMappings.entries()) {
    const at = `${path}.requestMappings[${i}]`
    const container = containers.findLast((c) => c.name === containerName)
    const entry = 'an entry in spec.initContainers'
    if (!container) errors.push(field.invalid(`${at}.containerName`, containerName, `must match the name of ${entry}.name or spec.containers.name`))
    else if (container.resources?.requests?.[resourceName] === undefined) {
      errors.push(field.invalid(`${at}.resourceName`, resourceName, `must match the extended resource name of ${entry}.resources.requests or spec.containers.resources.requests`))
    }
    for (const m of isDNS1123Label(requestName)) errors.push(field.invalid(`${path}.requestName`, requestName, m))
    const key = JSON.stringify([containerName, resourceName, requestName])
    if (seen.has(key)) errors.push(field.duplicate(`${at}.containerName`, containerName), field.duplicate(`${at}.resourceName`, resourceName), field.duplicate(`${at}.requestName`, requestName))
    seen.add(key)
  }
  if (!resourceClaimName) errors.push(field.required(`${path}.resourceClaimName`))
  else for (const m of isDNS1123Subdomain(resourceClaimName)) errors.push(field.invalid(`${path}.resourceClaimName`, resourceClaimName, m))
  return errors
}

type IPs = readonly { ip?: string }[]

function validateIPs(key: 'podIPs' | 'hostIPs', now: IPs = [], before: IPs = []): FieldError[] {
  const path = `status.${key}`
  const oldValues = before.map((p) => p.ip ?? '')
  const errors = now.flatMap(({ ip = '' }, i) => isValidIPForLegacyField(`${path}[${i}]`, ip, { strict: true, oldValues }))
  if (now.length < 2) return errors
  const parsed = now.map(({ ip = '' }) => parseIP(ip))
  const wrong = parsed.findIndex((ip) => !ip)
  if (wrong >= 0) errors.push(field.internal(path, `failed to check for dual stack with error:invalid IP[${wrong}]: ${now[wrong]?.ip ?? ''}`))
  const families = new Set(parsed.map((ip) => ip && isIPv4(ip)))
  if (wrong >= 0 || families.size < 2 || now.length > 2) errors.push(field.invalid(path, now.map((p) => ({ IP: p.ip ?? '' })), 'may specify no more than one IP for each IP family'))
  return errors
}

function validateHostIPs({ hostIP = '', hostIPs }: PodStatus, before: PodStatus): FieldError[] {
  const first = hostIPs?.[0]
  if (!first) return []
  const errors = hostIP === (first.ip ?? '') ? [] : [field.invalid('status.hostIPs[0].ip', first.ip ?? '', 'must be equal to `hostIP`')]
  return [...errors, ...validateIPs('hostIPs', hostIPs, before.hostIPs)]
}

function validateUsers(status: PodStatus, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  for (const key of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const) {
    for (const [i, { user }] of (status[key] ?? []).entries()) {
      const linux = user?.linux
      if (!linux) continue
      const at = `status.${key}[${i}].user.linux`
      if (spec.os?.name === 'windows') {
        errors.push(field.forbidden(at, 'cannot be set for a windows pod'))
        continue
      }
      const { uid = 0, gid = 0, supplementalGroups = [] } = linux
      for (const m of isValidUserID(uid)) errors.push(field.invalid(`${at}.uid`, uid, m))
      for (const m of isValidGroupID(gid)) errors.push(field.invalid(`${at}.gid`, gid, m))
      for (const [j, id] of supplementalGroups.entries()) for (const m of isValidGroupID(id)) errors.push(field.invalid(`${at}.supplementalGroups[${j}]`, id, m))
    }
  }
  return errors
}
