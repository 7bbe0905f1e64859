/** Every container pulls its image anew, so that nobody runs one without the right to. Models k8s.io/kubernetes/plugin/pkg/admission/alwayspullimages. */
import type { Pod } from '../../schemas/types.ts'
import { aggregateTexts, field, type FieldError, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { allContainers } from './pod-references.ts'
import { refuse } from './refuse.ts'
import { writtenPod } from './subject.ts'

const ALWAYS = 'Always'

export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  mutate(attributes) {
    const pod = podWithNewImages(attributes)
    if (!pod) return
    for (const container of allContainers(pod.spec)) container.imagePullPolicy = ALWAYS
    for (const { image } of pod.spec.volumes ?? []) if (image) image.pullPolicy = ALWAYS
  },
  validate(attributes) {
    const pod = podWithNewImages(attributes)
    if (!pod) return
    const refusals = findings(pod).map((e) => refuse(attributes, `${e.field}: ${e.body}`).message)
    if (refusals.length > 0) throw new StatusError({ code: 500, message: aggregateTexts(refusals) })
  },
}

function podWithNewImages(attributes: AdmissionAttributes): Pod | undefined {
  const pod = writtenPod(attributes)
  if (!pod || attributes.operation === 'CREATE') return pod
  const old = new Set(allContainers((attributes.oldObject as Pod).spec).map((c) => c.image))
  return allContainers(pod.spec).some((c) => !old.has(c.image)) ? pod : undefined
}

function findings({ spec }: Pod): FieldError[] {
  const errors: FieldError[] = []
  const check = (path: string, policy: string | undefined) => {
    if (policy !== ALWAYS) errors.push(field.notSupported(path, policy ?? '', [ALWAYS]))
  }
  for (const list of ['initContainers', 'containers', 'ephemeralContainers'] as const) {
    for (const [i, { imagePullPolicy }] of (spec[list] ?? []).entries()) check(`spec.${list}[${i}].imagePullPolicy`, imagePullPolicy)
  }
  for (const [i, { image }] of (spec.volumes ?? []).entries()) if (image) check(`spec.volumes[${i}].image.pullPolicy`, image.pullPolicy)
  return errors
}
