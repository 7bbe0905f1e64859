/** What may change of a pod that exists. Models ValidatePodUpdate of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Affinity, Container, NodeAffinity, NodeSelectorTerm, Pod, PodSpec, Toleration } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { inclusiveRangeError } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { validateImageSpace } from './_container-validation.ts'
import { need } from './_path-validation.ts'
import { validatePodAnnotationUpdates } from './_pod-annotations-validation.ts'
import { sorted, toInternalList, toInternalPodSpec } from './_pod-internal.ts'
import { optionsForPod, type PodOptions } from './_pod-options.ts'
import { validatePod } from './_pod-validation.ts'
import { validateTolerations } from './_scheduling-validation.ts'
import { jsonDiff } from '../../../src/apimachinery/unified-diff.ts'

const MAX_INT32 = 2 ** 31 - 1
const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

export function validatePodUpdate(pod: Pod, old: Pod, ctx: WriteContext): FieldError[] {
  const options = optionsForPod(ctx, old.spec)
  const errors = [...validateMetadataOf(pod, 'Namespaced'), ...validatePod(pod, options), ...validatePodAnnotationUpdates(pod, old)]
  for (const key of ['containers', 'initContainers'] as const) {
    const [now, before] = [pod.spec[key] ?? [], old.spec[key] ?? []]
    if (now.length !== before.length) return [...errors, field.forbidden(`spec.${key}`, 'pod updates may not add or remove containers')]
    for (const [i, container] of now.entries()) errors.push(...need(container.image, `spec.${key}[${i}].image`), ...validateImageSpace(container, `spec.${key}[${i}]`))
  }
  const deadline = validateDeadline(pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds)
  errors.push(...deadline.errors)
  if (deadline.isFinal) return errors
  errors.push(...validateOnlyAddedTolerations(pod.spec, old.spec, options), ...validateOnlyDeletedGates(pod.spec, old.spec))
  return equalJSON(pod.spec, old.spec) ? errors : [...errors, ...validateUnchanged(pod.spec, old.spec)]
}

function validateDeadline(now: number | undefined, before: number | undefined): { errors: FieldError[]; isFinal: boolean } {
  const path = 'spec.activeDeadlineSeconds'
  if (now === undefined) return { errors: before === undefined ? [] : [field.invalid(path, null, 'must not update from a positive integer to nil value')], isFinal: false }
  if (now < 0 || now > MAX_INT32) return { errors: [field.invalid(path, now, inclusiveRangeError(0, MAX_INT32))], isFinal: true }
  if (before !== undefined && before < now) return { errors: [field.invalid(path, now, 'must be less than or equal to previous value')], isFinal: true }
  return { errors: [], isFinal: false }
}

function validateOnlyAddedTolerations(spec: PodSpec, old: PodSpec, options: PodOptions): FieldError[] {
  const timeless = ({ tolerationSeconds: _, ...rest }: Toleration) => rest
  const now = (spec.tolerations ?? []).map(timeless)
  const isKept = (old.tolerations ?? []).every((t) => now.some((n) => equalJSON(n, timeless(t))))
  if (!isKept) return [field.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')]
  return validateTolerations(spec.tolerations ?? [], 'spec.tolerations', options)
}

function validateOnlyDeletedGates({ schedulingGates = [] }: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set((old.schedulingGates ?? []).map((g) => g.name ?? ''))
  return schedulingGates.flatMap(({ name = '' }, i) => (before.has(name) ? [] : [field.forbidden(`spec.schedulingGates[${i}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`)]))
}

/** What is left after the changes that are allowed were taken back must be the old spec. */
function validateUnchanged(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const munged: PodSpec = { ...spec }
  withImagesOf(munged, old)
  put(munged, old, 'activeDeadlineSeconds')
  put(munged, old, 'schedulingGates')
  put(munged, old, 'tolerations')
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && munged.terminationGracePeriodSeconds === 1) put(munged, old, 'terminationGracePeriodSeconds')
  if (old.schedulingGates?.length) errors.push(...allowGatedChanges(munged, old))
  if (equalJSON(munged, old)) return errors
  const diff = jsonDiff(toInternalPodSpec(old), toInternalPodSpec(munged))
  return [...errors, field.forbidden('spec', `pod updates may not change fields other than ${UPDATABLE}\n${diff}`)]
}

function put(munged: PodSpec, old: PodSpec, key: keyof PodSpec): void {
  if (old[key] === undefined) delete munged[key]
  else Object.assign(munged, { [key]: old[key] })
}

function withImagesOf(munged: PodSpec, old: PodSpec): void {
  const restore = (containers: Container[] | undefined, before: Container[] | undefined) => containers?.map((c, i) => ({ ...c, image: before?.[i]?.image ?? '' }))
  for (const key of ['containers', 'initContainers'] as const) {
    const restored = restore(munged[key], old[key])
    if (restored) munged[key] = restored
  }
}

/** A gated pod may still be narrowed to fewer nodes. Takes such changes back and answers what is wrong with them. */
function allowGatedChanges(munged: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  if (!equalJSON(munged.nodeSelector ?? {}, old.nodeSelector ?? {})) {
    const isNarrowed = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => munged.nodeSelector?.[key] === value)
    if (!isNarrowed) errors.push(field.invalid('spec.nodeSelector', sorted(munged.nodeSelector), 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'))
    put(munged, old, 'nodeSelector')
  }
  const before = old.affinity?.nodeAffinity
  const now = munged.affinity?.nodeAffinity
  if (equalJSON(before, now)) return errors
  errors.push(...validateNodeAffinityMutation(now, before))
  const { nodeAffinity: _, ...others } = munged.affinity ?? {}
  const affinity: Affinity = before ? { ...others, nodeAffinity: before } : others
  if (!old.affinity && Object.keys(affinity).length === 0) delete munged.affinity
  else munged.affinity = affinity
  return errors
}

function validateNodeAffinityMutation(now: NodeAffinity | undefined, before: NodeAffinity | undefined): FieldError[] {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const terms = before?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const newTerms = now?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  if (terms.length === 0) return []
  const shown = toInternalList('NodeSelectorTerm', newTerms)
  if (terms.length !== newTerms.length) return [field.invalid(path, shown, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')]
  return terms.flatMap((term, i) => {
    const next = newTerms[i] ?? {}
    return hasOnlyAdditions(next, term) ? [] : [field.invalid(`${path}[${i}]`, Array.isArray(shown) ? shown[i] : null, 'only additions are allowed (no mutations or deletions)')]
  })
}

function hasOnlyAdditions(now: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const lists = (term: NodeSelectorTerm) => [term.matchExpressions ?? [], term.matchFields ?? []]
  const [old, next] = [lists(before), lists(now)]
  // An empty term matches nothing, so that any requirement would widen it.
  if (old.every((l) => l.length === 0) && next.some((l) => l.length > 0)) return false
  return old.every((list, i) => equalJSON(list, next[i]?.slice(0, list.length)))
}
