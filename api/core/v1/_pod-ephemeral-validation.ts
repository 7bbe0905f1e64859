/** Adding ephemeral containers to a pod. Models ValidatePodEphemeralContainersUpdate of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Pod } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { MIRROR_ANNOTATION, validatePodAnnotationUpdates } from './_pod-annotations-validation.ts'
import { toInternal } from './_pod-internal.ts'
import { optionsForPod } from './_pod-options.ts'
import { validatePod } from './_pod-validation.ts'
import { jsonDiff } from '../../../src/apimachinery/unified-diff.ts'

export function validatePodEphemeralContainersUpdate(pod: Pod, old: Pod, ctx: WriteContext): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined) return [field.forbidden('[]', 'static pods do not support ephemeral containers')]
  const errors = [...validateMetadataOf(pod, 'Namespaced'), ...validatePod(pod, optionsForPod(ctx, old.spec)), ...validatePodAnnotationUpdates(pod, old)]
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = pod.spec.ephemeralContainers?.findLast((c) => c.name === before.name)
    const name = quote(before.name ?? '')
    if (!now) errors.push(field.forbidden('spec.ephemeralContainers', `existing ephemeral containers ${name} may not be removed\n`))
    else if (!equalJSON(before, now)) {
      const diff = jsonDiff(toInternal('EphemeralContainer', before), toInternal('EphemeralContainer', now))
      errors.push(field.forbidden('spec.ephemeralContainers', `existing ephemeral containers ${name} may not be changed\n${diff}`))
    }
  }
  return errors
}
