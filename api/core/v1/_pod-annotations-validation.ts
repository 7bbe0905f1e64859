/**
 * Annotations of pods that mean something: static pods, old security profiles, the cost of deletion.
 * Models ValidatePodSpecificAnnotations and the annotation parts of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { Pod, PodSpec, SeccompProfile, Toleration } from '../../../schemas/types.ts'
import { isRecord } from '../../../src/apimachinery/json.ts'
import { parseInt64 } from '../../../src/apimachinery/labels-requirement.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { validateLocalDescendingPath } from './_path-validation.ts'
import { APPARMOR_ANNOTATION_PREFIX } from './_pod-apparmor.ts'
import { allContainers, containersWithPath } from './_pod-containers.ts'
import { validateTolerations } from './_scheduling-validation.ts'

export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'
const TOLERATIONS_ANNOTATION = 'scheduler.alpha.kubernetes.io/tolerations'
const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost'
export const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod'
export const SECCOMP_CONTAINER_PREFIX = 'container.seccomp.security.alpha.kubernetes.io/'
const LOCALHOST_PREFIX = 'localhost/'

type Annotations = Readonly<Record<string, string>> | undefined

/** @param path of the annotations */
export function validatePodAnnotations(annotations: Annotations, spec: PodSpec, path: string): FieldError[] {
  if (!annotations) return []
  const errors: FieldError[] = []
  const mirror = annotations[MIRROR_ANNOTATION]
  if (mirror !== undefined && !spec.nodeName) errors.push(field.invalid(`${path}[${MIRROR_ANNOTATION}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set'))
  if (annotations[TOLERATIONS_ANNOTATION]) errors.push(...validateTolerationsAnnotation(annotations[TOLERATIONS_ANNOTATION], path))
  const cost = annotations[DELETION_COST_ANNOTATION]
  if (cost !== undefined && !isDeletionCost(cost)) errors.push(field.invalid(`${path}[${DELETION_COST_ANNOTATION}]`, cost, 'must be a 32bit integer'))
  const keys = Object.keys(annotations).sort()
  const seccomp = annotations[SECCOMP_POD_ANNOTATION]
  if (seccomp !== undefined) errors.push(...validateSeccompAnnotation(seccomp, `${path}.${SECCOMP_POD_ANNOTATION}`))
  for (const key of keys) if (key.startsWith(SECCOMP_CONTAINER_PREFIX)) errors.push(...validateSeccompAnnotation(annotations[key] ?? '', `${path}.${key}`))
  for (const key of keys) if (key.startsWith(APPARMOR_ANNOTATION_PREFIX)) errors.push(...validateAppArmorAnnotation(key, annotations[key] ?? '', { path, spec }))
  return errors
}

function validateTolerationsAnnotation(text: string, path: string): FieldError[] {
  let tolerations: unknown
  try {
    tolerations = JSON.parse(text)
  } catch {
    return [field.invalid(path, TOLERATIONS_ANNOTATION, 'invalid character in the value')]
  }
  if (!Array.isArray(tolerations)) return [field.invalid(path, TOLERATIONS_ANNOTATION, 'json: cannot unmarshal into Go value of type []core.Toleration')]
  return validateTolerations(tolerations.filter(isRecord).map((t): Toleration => t), `${path}.${TOLERATIONS_ANNOTATION}`)
}

function isDeletionCost(text: string): boolean {
  const value = parseInt64(text)
  return /^(-|0$|[1-9])/.test(text) && value !== undefined && value === BigInt.asIntN(32, value)
}

function validateSeccompAnnotation(profile: string, path: string): FieldError[] {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return []
  if (profile.startsWith(LOCALHOST_PREFIX)) return validateLocalDescendingPath(profile.slice(LOCALHOST_PREFIX.length), path)
  return [field.invalid(path, profile, 'must be a valid seccomp profile')]
}

function validateAppArmorAnnotation(key: string, profile: string, { path, spec }: { path: string; spec: PodSpec }): FieldError[] {
  const name = key.slice(APPARMOR_ANNOTATION_PREFIX.length)
  const errors = allContainers(spec).some((c) => (c.name ?? '') === name) ? [] : [field.invalid(`${path}[${key}]`, name, 'container not found')]
  const isKnown = profile === '' || profile === 'runtime/default' || profile === 'unconfined' || profile.startsWith(LOCALHOST_PREFIX)
  if (!isKnown) errors.push(field.invalid(`${path}[${key}]`, profile, `invalid AppArmor profile name: ${quote(profile)}`))
  return errors
}

/** Some annotations stay as they were when the pod was made. */
export function validatePodAnnotationUpdates(pod: Pod, old: Pod): FieldError[] {
  const path = 'metadata.annotations'
  const [now, before] = [pod.metadata.annotations ?? {}, old.metadata.annotations ?? {}]
  const errors: FieldError[] = []
  for (const key of Object.keys(before).sort()) {
    if (now[key] === before[key]) continue
    if (key.startsWith(APPARMOR_ANNOTATION_PREFIX)) errors.push(field.forbidden(`${path}[${key}]`, 'may not remove or update AppArmor annotations'))
    if (key === MIRROR_ANNOTATION) errors.push(field.forbidden(`${path}[${key}]`, 'may not remove or update mirror pod annotation'))
  }
  for (const key of Object.keys(now).sort()) {
    if (before[key] !== undefined) continue
    if (key.startsWith(APPARMOR_ANNOTATION_PREFIX)) errors.push(field.forbidden(`${path}[${key}]`, 'may not add AppArmor annotations'))
    if (key === MIRROR_ANNOTATION) errors.push(field.forbidden(`${path}[${key}]`, 'may not add mirror pod annotation'))
  }
  return [...errors, ...validatePodAnnotations(pod.metadata.annotations, pod.spec, path)]
}

/** Where a profile is given as annotation and as field, the two must say the same. @param path of the spec */
export function validateProfilesMatch(annotations: Annotations, spec: PodSpec, path: string): FieldError[] {
  if (!annotations) return []
  const errors: FieldError[] = []
  const ofPod = annotations[SECCOMP_POD_ANNOTATION]
  const match = (annotation: string | undefined, profile: SeccompProfile | undefined, { at, kind }: { at: string; kind: 'seccomp' | 'apparmor' }) => {
    if (annotation === undefined || !profile) return
    const wrong = mismatch(annotation, profile, kind)
    if (wrong) errors.push(field.forbidden(`${at}.${wrong === 'type' ? 'type' : 'localhostProfile'}`, `${kind} ${wrong} in annotation and field must match`))
  }
  match(ofPod, spec.securityContext?.seccompProfile, { at: `${path}.securityContext.seccompProfile`, kind: 'seccomp' })
  const containers = containersWithPath(spec, path)
  for (const { container, path: at } of containers) {
    match(annotations[SECCOMP_CONTAINER_PREFIX + (container.name ?? '')], container.securityContext?.seccompProfile, { at: `${at}.securityContext.seccompProfile`, kind: 'seccomp' })
  }
  if (spec.os?.name === 'windows') return errors
  for (const { container, path: at } of containers) {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile
    match(annotations[APPARMOR_ANNOTATION_PREFIX + (container.name ?? '')], profile, { at: `${at}.securityContext.appArmorProfile`, kind: 'apparmor' })
  }
  return errors
}

function mismatch(annotation: string, { type, localhostProfile }: SeccompProfile, kind: 'seccomp' | 'apparmor'): 'type' | 'profile' | undefined {
  if (type === 'Unconfined') return annotation === 'unconfined' ? undefined : 'type'
  if (type === 'RuntimeDefault') return annotation === 'runtime/default' || (kind === 'seccomp' && annotation === 'docker/default') ? undefined : 'type'
  if (type !== 'Localhost') return undefined
  if (!annotation.startsWith(LOCALHOST_PREFIX)) return 'type'
  return annotation.slice(LOCALHOST_PREFIX.length) === localhostProfile ? undefined : 'profile'
}
