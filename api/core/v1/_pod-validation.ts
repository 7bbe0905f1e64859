/** Whole pods at creation, and pod templates. Models ValidatePodCreate and ValidatePodTemplateSpec of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Pod, PodTemplateSpec } from '../../../schemas/types.ts'
import { validateAnnotations, validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateImageSpace } from './_container-validation.ts'
import { MIRROR_ANNOTATION, validatePodAnnotations, validateProfilesMatch } from './_pod-annotations-validation.ts'
import { optionsForPod, type PodOptions } from './_pod-options.ts'
import { validatePodSpec } from './_pod-spec-validation.ts'

export function validatePodCreate(pod: Pod, ctx: WriteContext): FieldError[] {
  const { spec, metadata } = pod
  const errors = validatePod(pod, optionsForPod(ctx))
  if (spec.ephemeralContainers?.length) errors.push(field.forbidden('spec.ephemeralContainers', 'cannot be set on create'))
  if (spec.nodeName && spec.schedulingGates?.length) errors.push(field.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  return [...errors, ...validateProfilesMatch(metadata.annotations, spec, 'spec')]
}

/** All of a pod but what any metadata is checked for. */
export function validatePod({ spec, metadata }: Pod, options: PodOptions): FieldError[] {
  const pod = { name: metadata.name ?? '', isStatic: metadata.annotations?.[MIRROR_ANNOTATION] !== undefined }
  const errors = [...validatePodAnnotations(metadata.annotations, spec, 'metadata.annotations'), ...validatePodSpec(spec, 'spec', { options, pod })]
  if (!spec.serviceAccountName) {
    for (const [i, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [j, source] of (projected?.sources ?? []).entries()) {
        if (source.serviceAccountToken) errors.push(field.forbidden(`spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`, 'must not be specified when serviceAccountName is not set'))
      }
    }
  }
  for (const key of ['containers', 'initContainers'] as const) {
    for (const [i, container] of (spec[key] ?? []).entries()) errors.push(...validateImageSpace(container, `spec.${key}[${i}]`))
  }
  return errors
}

export function validatePodTemplateSpec(template: PodTemplateSpec, path: string, options: PodOptions): FieldError[] {
  const { metadata = {}, spec = {} } = template
  const errors = [
    ...validateLabels(metadata.labels, `${path}.labels`),
    ...validateAnnotations(metadata.annotations, `${path}.annotations`),
    ...validatePodAnnotations(metadata.annotations, spec, `${path}.annotations`),
    ...validatePodSpec(spec, `${path}.spec`, { options }),
    ...validateProfilesMatch(metadata.annotations, spec, `${path}.spec`),
  ]
  if (spec.ephemeralContainers?.length) errors.push(field.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
  return errors
}
