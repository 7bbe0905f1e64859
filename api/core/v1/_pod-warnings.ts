/**
 * Warnings about pods and templates: what is deprecated, has no effect or is likely a mistake.
 * Models k8s.io/kubernetes/pkg/api/pod/warnings.go; overlapping volume paths are in a file of their own.
 */
import type { Container, ContainerPort, EphemeralContainer, ObjectMeta, PersistentVolumeClaimSpec, Pod, PodAffinity, PodSpec, PodTemplateSpec, Volume } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { quantityMilliValue, quantityText } from '../../../src/apimachinery/quantity.ts'
import { warningsForIP } from '../../../src/apimachinery/validation-ip.ts'
import { quote } from '../../../src/errors.ts'
import { hostnameWarnings } from './_name-warnings.ts'
import { deprecatedNodeLabel, nodeSelectorTermWarnings } from './_node-labels.ts'
import { SECCOMP_CONTAINER_PREFIX, SECCOMP_POD_ANNOTATION } from './_pod-annotations-validation.ts'
import { appArmorFieldForAnnotation, APPARMOR_ANNOTATION_PREFIX } from './_pod-apparmor.ts'
import { containersWithPath } from './_pod-containers.ts'
import { overlappingPathWarnings } from './_volume-path-warnings.ts'

/** People rarely update pods themselves, so upstream says nothing then. */
export function podWarnings(pod: Pod, old: Pod | undefined): string[] {
  return old ? [] : [...hostnameWarnings(pod.metadata.name, "the Pod's hostname"), ...specWarnings(pod.spec, pod.metadata, '')]
}

/** @param path of the template */
export function podTemplateWarnings(template: PodTemplateSpec | undefined, path: string): string[] {
  return template ? specWarnings(template.spec ?? {}, template.metadata ?? {}, `${path}.`) : []
}

const DEPRECATED_ANNOTATIONS: readonly (readonly [string, string])[] = [
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
]

/** @param prefix of the paths of metadata and spec: empty or ending in a dot */
function specWarnings(spec: PodSpec, metadata: ObjectMeta, prefix: string): string[] {
  const annotations = metadata.annotations ?? {}
  const out = placementWarnings(spec, `${prefix}spec`)
  for (const [key, message] of DEPRECATED_ANNOTATIONS) if (annotations[key] !== undefined) out.push(`${prefix}metadata.annotations[${key}]: ${message}`)
  out.push(...(spec.volumes ?? []).flatMap((v, i) => volumeWarnings(v, `${prefix}spec.volumes[${i}]`)), ...overlappingPathWarnings(spec.volumes ?? []))
  out.push(...duplicates((spec.hostAliases ?? []).map((a) => a.ip ?? ''), (i, ip) => `${prefix}spec.hostAliases[${i}].ip: duplicate ip ${quote(ip)}`))
  const secrets = (spec.imagePullSecrets ?? []).map((s) => s.name ?? '')
  out.push(...duplicates(secrets, (i, name) => `${prefix}spec.imagePullSecrets[${i}].name: duplicate name ${quote(name)}`))
  for (const [i, name] of secrets.entries()) if (!name) out.push(`${prefix}spec.imagePullSecrets[${i}].name: invalid empty name ""`)
  out.push(...fractionWarnings(spec.overhead, `${prefix}spec.overhead`))
  if (annotations[SECCOMP_POD_ANNOTATION] !== undefined && !spec.securityContext?.seccompProfile) {
    out.push(`${prefix}metadata.annotations[${SECCOMP_POD_ANNOTATION}]: non-functional in v1.27+; use the "seccompProfile" field instead`)
  }
  const containers = containersWithPath(spec, `${prefix}spec`)
  for (const { container, path } of containers) out.push(...profileWarnings(container, { spec, annotations, prefix }), ...containerWarnings(container, path))
  out.push(...portWarnings(containers))
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) out.push(`${prefix}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  for (const key of ['podAffinity', 'podAntiAffinity'] as const) out.push(...affinityWarnings(spec.affinity?.[key], `${prefix}spec.affinity.${key}`))
  for (const [i, ip] of (spec.dnsConfig?.nameservers ?? []).entries()) out.push(...warningsForIP(`${prefix}spec.dnsConfig.nameservers[${i}]`, ip))
  for (const [i, { ip = '' }] of (spec.hostAliases ?? []).entries()) out.push(...warningsForIP(`${prefix}spec.hostAliases[${i}].ip`, ip))
  return out
}

function placementWarnings(spec: PodSpec, path: string): string[] {
  const out: string[] = []
  for (const key of Object.keys(spec.nodeSelector ?? {}).sort()) {
    const message = deprecatedNodeLabel(key)
    if (message) out.push(`${path}.nodeSelector[${key}]: ${message}`)
  }
  const { requiredDuringSchedulingIgnoredDuringExecution: required, preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = spec.affinity?.nodeAffinity ?? {}
  const at = `${path}.affinity.nodeAffinity`
  for (const [i, term] of (required?.nodeSelectorTerms ?? []).entries()) {
    out.push(...nodeSelectorTermWarnings(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`))
  }
  for (const [i, term] of preferred.entries()) out.push(...nodeSelectorTermWarnings(term.preference ?? {}, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`, true))
  for (const [i, { topologyKey = '', labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const message = deprecatedNodeLabel(topologyKey)
    if (message) out.push(`${path}.topologySpreadConstraints[${i}].topologyKey: ${topologyKey} is ${message}`)
    if (!labelSelector) out.push(`${path}.topologySpreadConstraints[${i}].labelSelector: a null labelSelector results in matching no pod`)
  }
  return out
}

const DEPRECATED_VOLUMES: readonly (readonly [keyof Volume, string])[] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['ephemeral', ''],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
]

function volumeWarnings(volume: Volume, path: string): string[] {
  const out: string[] = []
  for (const [key, message] of DEPRECATED_VOLUMES) {
    if (!volume[key]) continue
    if (key === 'ephemeral') out.push(...claimSpecWarnings(volume.ephemeral?.volumeClaimTemplate?.spec, `${path}.ephemeral.volumeClaimTemplate.spec`))
    else out.push(`${path}.${key === 'storageos' ? 'storageOS' : key}: ${message}`)
  }
  return out
}

/** Storage is counted in whole bytes. Models pkg/api/persistentvolumeclaim GetWarningsForPersistentVolumeClaimSpec. */
export function claimSpecWarnings(spec: PersistentVolumeClaimSpec | undefined, path: string): string[] {
  const out: string[] = []
  for (const kind of ['requests', 'limits'] as const) {
    const storage = spec?.resources?.[kind]?.['storage']
    if (isFractional(storage)) out.push(`${path}.resources.${kind}[storage]: fractional byte value ${quote(quantityText(storage))} is invalid, must be an integer`)
  }
  return out
}

function isFractional(quantity: string | undefined): quantity is string {
  return quantity !== undefined && quantityMilliValue(quantity) % 1000 !== 0
}

function fractionWarnings(list: Record<string, string> | undefined, path: string, names = ['memory', 'ephemeral-storage']): string[] {
  return names.flatMap((name) => {
    const value = list?.[name]
    return isFractional(value) ? [`${path}[${name}]: fractional byte value ${quote(quantityText(value))} is invalid, must be an integer`] : []
  })
}

function duplicates(values: readonly string[], warn: (index: number, value: string) => string): string[] {
  return values.flatMap((value, i) => (values.indexOf(value) < i ? [warn(i, value)] : []))
}

/** In pods the AppArmor warning comes where the annotation is made a field. */
function profileWarnings(container: Container | EphemeralContainer, { spec, annotations, prefix }: { spec: PodSpec; annotations: Record<string, string>; prefix: string }): string[] {
  const out: string[] = []
  const seccompKey = SECCOMP_CONTAINER_PREFIX + (container.name ?? '')
  if (annotations[seccompKey] !== undefined && !container.securityContext?.seccompProfile) {
    out.push(`${prefix}metadata.annotations[${seccompKey}]: non-functional in v1.27+; use the "seccompProfile" field instead`)
  }
  const key = APPARMOR_ANNOTATION_PREFIX + (container.name ?? '')
  const annotation = annotations[key]
  if (prefix === '' || annotation === undefined || container.securityContext?.appArmorProfile) return out
  const profile = spec.securityContext?.appArmorProfile
  if (!profile || !equalJSON(profile, appArmorFieldForAnnotation(annotation))) out.push(`${prefix}metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`)
  return out
}

function containerWarnings({ resources, env = [] }: Container | EphemeralContainer, path: string): string[] {
  const out = ['memory', 'ephemeral-storage'].flatMap((name) => [
    ...fractionWarnings(resources?.limits, `${path}.resources.limits`, [name]),
    ...fractionWarnings(resources?.requests, `${path}.resources.requests`, [name]),
  ])
  const seen = new Set<string>()
  for (const [i, { name = '', value = '', valueFrom }] of env.entries()) {
    const reference = `$(${name})`
    // A later value that builds on the earlier one is meant so.
    if (seen.has(name) && (valueFrom || value === reference || !value.includes(reference))) out.push(`${path}.env[${i}]: hides previous definition of ${quote(name)}, which may be dropped when using apply`)
    seen.add(name)
  }
  return out
}

type Located = readonly { container: Container | EphemeralContainer; path: string }[]

function portWarnings(containers: Located): string[] {
  const out: string[] = []
  const byNumber = new Map<string, { path: string; port: ContainerPort }[]>()
  const named: string[] = []
  const byName = new Map<string, string>()
  for (const { container, path } of containers) {
    for (const [i, port] of (container.ports ?? []).entries()) {
      const at = `${path}.ports[${i}]`
      if (port.hostIP && !port.hostPort) out.push(`${at}: hostIP set without hostPort: ${goStruct(port)}`)
      const key = `${port.containerPort ?? 0}/${port.protocol ?? ''}`
      const others = byNumber.get(key) ?? []
      for (const other of others) out.push(...clash(port, other.port).map((what) => `${at}: ${what} with ${other.path}`))
      byNumber.set(key, [...others, { path: at, port }])
      const { name } = port
      if (!name) continue
      const other = byName.get(name)
      if (other) named.push(`${at}: duplicate port name ${quote(name)} with ${other}, services and probes that select ports by name will use ${other}`)
      else byName.set(name, at)
    }
  }
  return [...out, ...named]
}

/** As Go prints the struct with field names. */
function goStruct({ name = '', hostPort = 0, containerPort = 0, protocol = '', hostIP = '' }: ContainerPort): string {
  return `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`
}

function clash(a: ContainerPort, b: ContainerPort): string[] {
  const [portA, portB, ipA, ipB] = [a.hostPort ?? 0, b.hostPort ?? 0, a.hostIP ?? '', b.hostIP ?? '']
  if (ipA === ipB && portA === portB) return ['duplicate port definition']
  if (!portA || !portB) return ['overlapping port definition']
  return portA === portB && (ipA === '') !== (ipB === '') ? ['dangerously ambiguous port definition'] : []
}

function affinityWarnings(affinity: PodAffinity | undefined, path: string): string[] {
  const NULL_SELECTOR = 'a null labelSelector results in matching no pod'
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return [
    ...required.flatMap((t, i) => (t.labelSelector ? [] : [`${path}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${NULL_SELECTOR}`])),
    ...preferred.flatMap((t, i) => (t.podAffinityTerm?.labelSelector ? [] : [`${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector: ${NULL_SELECTOR}`])),
  ]
}
