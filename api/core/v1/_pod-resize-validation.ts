/** Resizing a pod in place. Models ValidatePodResize of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { MIRROR_ANNOTATION } from './_pod-annotations-validation.ts'
import { optionsForPod } from './_pod-options.ts'
import { computePodQOS, type ResourceList } from './_pod-resources.ts'
import { validatePod } from './_pod-validation.ts'

export function validatePodResize(pod: Pod, old: Pod, ctx: WriteContext): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return [field.forbidden('[]', 'static pods cannot be resized')]
  if (old.spec.os?.name === 'windows') return [field.forbidden('[]', 'windows pods cannot be resized')]
  const errors = [...validateMetadataOf(pod, 'Namespaced'), ...validatePod(pod, optionsForPod(ctx, old.spec))]
  if ((old.status?.qosClass || computePodQOS(old)) !== computePodQOS(pod)) errors.push(field.invalid('spec', pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
  if (!isResizable(old)) errors.push(field.forbidden('spec', 'Pod running on node without support for resize'))
  const munged: PodSpec = { ...pod.spec }
  if (hasOwnResources(old.spec) || hasOwnResources(pod.spec)) errors.push(...validatePodLevelResize(munged, old.spec))
  if (old.status?.nodeAllocatableResourceClaimStatuses?.length) errors.push(field.forbidden('spec', 'pods with node allocatable resource claims cannot be resized'))
  const moved = validateOrder(pod.spec, old.spec)
  if (moved.length) return [...errors, ...moved]
  for (const key of ['initContainers', 'containers'] as const) {
    for (const [i, before] of (old.spec[key] ?? []).entries()) errors.push(...validateNothingRemoved(pod.spec[key]?.[i]?.resources, before.resources, `spec.${key}[${i}].resources`))
  }
  errors.push(...validateContainersOtherwiseSame(munged, old.spec))
  if (errors.length === 0 && !equalJSON(munged, old.spec)) errors.push(field.forbidden('spec', 'only cpu and memory resources are mutable'))
  return errors
}

/** The kubelet tells that it can by reporting the resources of what runs. */
function isResizable({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find((c) => c.state?.running)
  return !running || running.resources !== undefined
}

function hasOwnResources({ resources }: PodSpec): boolean {
  return Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0
}

function validateOrder(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  for (const key of ['containers', 'initContainers'] as const) {
    const [now, before] = [spec[key] ?? [], old[key] ?? []]
    if (now.length !== before.length) errors.push(field.forbidden(`spec.${key}`, `${key} may not be added or removed on resize`))
    else for (const [i, c] of before.entries()) if (now[i]?.name !== c.name) errors.push(field.forbidden(`spec.${key}[${i}].name`, `${key} may not be renamed or reordered on resize`))
  }
  return errors
}

function isRemoved(now: ResourceList | undefined, before: ResourceList | undefined): boolean {
  return Object.keys(before ?? {}).some((name) => now?.[name] === undefined)
}

function validateNothingRemoved(now: ResourceRequirements | undefined, before: ResourceRequirements | undefined, path: string): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((key) => (isRemoved(now?.[key], before?.[key]) ? [field.forbidden(`${path}.${key}`, `resource ${key} cannot be removed`)] : []))
}

function validatePodLevelResize(munged: PodSpec, old: PodSpec): FieldError[] {
  if (old.resources && !munged.resources) return [field.forbidden('spec.resources', 'pod-level resources cannot be removed')]
  const errors: FieldError[] = []
  for (const key of ['requests', 'limits'] as const) {
    if (isRemoved(munged.resources?.[key], old.resources?.[key])) errors.push(field.forbidden(`spec.resources.${key}`, `pod-level resource ${key} cannot be removed`))
  }
  const restored = withoutResize(munged.resources, old.resources)
  if (!old.resources && Object.keys(restored).length === 0) delete munged.resources
  else munged.resources = restored
  if (!equalJSON(munged.resources, old.resources)) errors.push(field.forbidden('spec', 'only cpu and memory resources are mutable at pod-level'))
  return errors
}

/** The resources with the cpu and memory of before. */
function withoutResize(now: ResourceRequirements | undefined, before: ResourceRequirements | undefined): ResourceRequirements {
  const out: ResourceRequirements = { ...now }
  for (const key of ['requests', 'limits'] as const) {
    const { cpu: _, memory: __, ...rest } = now?.[key] ?? {}
    const list: ResourceList = rest
    for (const name of ['cpu', 'memory']) if (before?.[key]?.[name] !== undefined) list[name] = before[key][name]
    if (Object.keys(list).length) out[key] = list
    else delete out[key]
  }
  return out
}

function validateContainersOtherwiseSame(munged: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const restore = (containers: Container[], before: Container[] | undefined) => containers.map((c, i) => {
    const { claims: _, ...resources } = withoutResize(c.resources, before?.[i]?.resources)
    return { ...c, resources }
  })
  if (munged.containers) {
    munged.containers = restore(munged.containers, old.containers)
    for (const [i, c] of munged.containers.entries()) if (!equalJSON(c, old.containers?.[i])) errors.push(field.forbidden('spec', 'only cpu and memory resources are mutable'))
  }
  if (!munged.initContainers) return errors
  const given = munged.initContainers
  munged.initContainers = restore(given, old.initContainers)
  for (const [i, c] of munged.initContainers.entries()) {
    const path = `spec.initContainers[${i}]`
    if (!equalJSON(c, old.initContainers?.[i])) errors.push(field.forbidden(path, 'only cpu and memory resources for init or sidecar containers are mutable'))
    if (c.restartPolicy === 'Always' || equalJSON(given[i], old.initContainers?.[i])) continue
    for (const { restartPolicy } of c.resizePolicy ?? []) {
      if (restartPolicy === 'RestartContainer') errors.push(field.forbidden(path, 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'))
    }
  }
  return errors
}
