/**
 * Containers, init containers and ephemeral containers of a pod.
 * Models validateContainers, validateInitContainers and validateEphemeralContainers of
 * k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { Container, ContainerPort, ContainerResizePolicy, EphemeralContainer, PodSpec, Volume } from '../../../schemas/types.ts'
import { isDNS1123Label, isValidPortName, isValidPortNum } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateEnv, validateEnvFrom, validatePullPolicy } from './_container-env-validation.ts'
import { validateVolumeDevices, validateVolumeMounts } from './_container-mounts-validation.ts'
import { validateContainerResources, type ResourceContext } from './_container-resources-validation.ts'
import { validateInitRestartPolicy, validateRestartPolicy } from './_container-restart-validation.ts'
import { need } from './_path-validation.ts'
import type { AnyContainer } from './_pod-containers.ts'
import { validateLifecycle, validateProbes } from './_probe-validation.ts'
import { validateSecurityContext } from './_security-context-validation.ts'

/** What containers are checked against. */
export interface ContainerContext extends ResourceContext {
  spec: PodSpec
  volumes: ReadonlyMap<string, Volume>
}

export function validateContainers(path: string, ctx: ContainerContext): FieldError[] {
  const { containers = [], terminationGracePeriodSeconds: graceSeconds } = ctx.spec
  if (containers.length === 0) return [field.required(path)]
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, container] of containers.entries()) {
    const { name = '', lifecycle } = container
    const at = `${path}[${i}]`
    errors.push(...validateCommon(container, at, ctx))
    if (names.has(name)) errors.push(field.duplicate(`${at}.name`, name))
    names.add(name)
    if (lifecycle) errors.push(...validateLifecycle(lifecycle, `${at}.lifecycle`, graceSeconds))
    errors.push(...validateProbes(container, at, graceSeconds), ...validateRestartPolicy(container, at))
  }
  return [...errors, ...validateHostPortConflicts(containers, path)]
}

const ONLY_SIDECARS = 'may not be set for init containers without restartPolicy=Always'

export function validateInitContainers(path: string, ctx: ContainerContext): FieldError[] {
  const { initContainers = [], containers = [], terminationGracePeriodSeconds: graceSeconds } = ctx.spec
  const errors: FieldError[] = []
  const names = new Set(containers.map((c) => c.name ?? ''))
  for (const [i, container] of initContainers.entries()) {
    const { name = '', lifecycle } = container
    const at = `${path}[${i}]`
    errors.push(...validateCommon(container, at, ctx), ...validateInitRestartPolicy(container, at))
    if (names.has(name)) errors.push(field.duplicate(`${at}.name`, name))
    else if (name) names.add(name)
    errors.push(...validateHostPortConflicts([container], path))
    if (container.restartPolicy === 'Always') {
      if (lifecycle) errors.push(...validateLifecycle(lifecycle, `${at}.lifecycle`, graceSeconds))
      errors.push(...validateProbes(container, at, graceSeconds))
    } else {
      for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) if (container[key]) errors.push(field.forbidden(`${at}.${key}`, ONLY_SIDECARS))
      if (!ctx.options.allowRestartContainerInInitContainers) errors.push(...validateNoRestartOnResize(container, at))
    }
  }
  return errors
}

function validateNoRestartOnResize({ resizePolicy = [] }: Container, path: string): FieldError[] {
  return resizePolicy.flatMap(({ restartPolicy }, i) =>
    restartPolicy === 'RestartContainer' ? [field.invalid(`${path}.resizePolicy[${i}].restartPolicy`, restartPolicy, "must not be set to 'RestartContainer' for non-sidecar initContainers")] : [])
}

const NOT_EPHEMERAL = 'cannot be set for an Ephemeral Container'
/** In the order of upstream's type. */
const NOT_FOR_EPHEMERAL = ['ports', 'resources', 'resizePolicy', 'restartPolicy', 'restartPolicyRules', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const

export function validateEphemeralContainers(path: string, ctx: ContainerContext): FieldError[] {
  const { ephemeralContainers = [], containers = [], initContainers = [] } = ctx.spec
  const errors: FieldError[] = []
  const others = new Set([...containers, ...initContainers].map((c) => c.name ?? ''))
  const names = new Set(others)
  for (const [i, container] of ephemeralContainers.entries()) {
    const { name = '', targetContainerName = '' } = container
    const at = `${path}[${i}]`
    errors.push(...validateCommon(container, at, ctx), ...validateImageSpace(container, at))
    if (names.has(name)) errors.push(field.duplicate(`${at}.name`, name))
    names.add(name)
    if (targetContainerName && !others.has(targetContainerName)) errors.push(field.notFound(`${at}.targetContainerName`, targetContainerName))
    for (const key of NOT_FOR_EPHEMERAL) if (isSet(container, key)) errors.push(field.forbidden(`${at}.${key}`, NOT_EPHEMERAL))
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      if (mount.subPath) errors.push(field.forbidden(`${at}.volumeMounts[${j}].subPath`, NOT_EPHEMERAL))
      if (mount.subPathExpr) errors.push(field.forbidden(`${at}.volumeMounts[${j}].subPathExpr`, NOT_EPHEMERAL))
    }
  }
  return errors
}

function isSet(container: EphemeralContainer, key: (typeof NOT_FOR_EPHEMERAL)[number]): boolean {
  const value = container[key]
  return key === 'resources' ? Object.keys(value ?? {}).length > 0 : value !== undefined
}

/** Only pods have their images checked so; a template may be completed later. */
export function validateImageSpace({ image = '' }: AnyContainer, path: string): FieldError[] {
  return image.trim() === image ? [] : [field.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace')]
}

const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError']

function validateCommon(container: AnyContainer, path: string, ctx: ContainerContext): FieldError[] {
  const { name = '', terminationMessagePolicy: policy = '' } = container
  const errors = name ? isDNS1123Label(name).map((m) => field.invalid(`${path}.name`, name, m)) : [field.required(`${path}.name`)]
  errors.push(...need(container.image, `${path}.image`))
  if (!policy) errors.push(field.required(`${path}.terminationMessagePolicy`))
  else if (!MESSAGE_POLICIES.includes(policy)) errors.push(field.notSupported(`${path}.terminationMessagePolicy`, policy, MESSAGE_POLICIES))
  if (container.ports) errors.push(...validatePorts(container.ports, `${path}.ports`))
  if (container.env) errors.push(...validateEnv(container.env, `${path}.env`))
  if (container.envFrom) errors.push(...validateEnvFrom(container.envFrom, `${path}.envFrom`))
  if (container.volumeMounts) errors.push(...validateVolumeMounts(container, ctx.volumes, `${path}.volumeMounts`))
  if (container.volumeDevices) errors.push(...validateVolumeDevices(container, ctx.volumes, `${path}.volumeDevices`))
  errors.push(...validatePullPolicy(container.imagePullPolicy ?? '', `${path}.imagePullPolicy`))
  if (container.resources) errors.push(...validateContainerResources(container.resources, `${path}.resources`, ctx))
  if (container.resizePolicy) errors.push(...validateResizePolicy(container.resizePolicy, `${path}.resizePolicy`, ctx.spec.restartPolicy))
  errors.push(...validateSecurityContext(container.securityContext, `${path}.securityContext`, { hasHostUsers: ctx.spec.hostUsers ?? true, options: ctx.options }))
  return errors
}

const PROTOCOLS = ['SCTP', 'TCP', 'UDP']

function validatePorts(ports: readonly ContainerPort[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, { name = '', containerPort = 0, hostPort = 0, protocol = '' }] of ports.entries()) {
    const at = `${path}[${i}]`
    if (name) {
      const wrong = isValidPortName(name)
      for (const m of wrong) errors.push(field.invalid(`${at}.name`, name, m))
      if (wrong.length === 0 && names.has(name)) errors.push(field.duplicate(`${at}.name`, name))
      else if (wrong.length === 0) names.add(name)
    }
    if (!containerPort) errors.push(field.required(`${at}.containerPort`))
    else for (const m of isValidPortNum(containerPort)) errors.push(field.invalid(`${at}.containerPort`, containerPort, m))
    if (hostPort) for (const m of isValidPortNum(hostPort)) errors.push(field.invalid(`${at}.hostPort`, hostPort, m))
    if (!protocol) errors.push(field.required(`${at}.protocol`))
    else if (!PROTOCOLS.includes(protocol)) errors.push(field.notSupported(`${at}.protocol`, protocol, PROTOCOLS))
  }
  return errors
}

function validateHostPortConflicts(containers: readonly Container[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { ports = [] }] of containers.entries()) {
    for (const [j, { hostPort, hostIP = '', protocol = '' }] of ports.entries()) {
      if (!hostPort) continue
      const key = `${protocol}/${hostIP}/${hostPort}`
      if (seen.has(key)) errors.push(field.duplicate(`${path}[${i}].ports[${j}].hostPort`, key))
      seen.add(key)
    }
  }
  return errors
}

const RESIZE_RESOURCES = ['cpu', 'memory']
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer']

function validateResizePolicy(policies: readonly ContainerResizePolicy[], path: string, podRestartPolicy: string | undefined): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { resourceName = '', restartPolicy = '' }] of policies.entries()) {
    if (seen.has(resourceName)) errors.push(field.duplicate(`${path}[${i}]`, resourceName))
    seen.add(resourceName)
    if (!resourceName) errors.push(field.required(path))
    else if (!RESIZE_RESOURCES.includes(resourceName)) errors.push(field.notSupported(path, resourceName, RESIZE_RESOURCES))
    if (!restartPolicy) errors.push(field.required(path))
    else if (!RESIZE_POLICIES.includes(restartPolicy)) errors.push(field.notSupported(path, restartPolicy, RESIZE_POLICIES))
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') errors.push(field.invalid(path, restartPolicy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"))
  }
  return errors
}
