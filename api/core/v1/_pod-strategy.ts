/**
 * What a write of a pod changes by itself: the first status, generation, the fields that each subresource may not touch.
 * Models k8s.io/kubernetes/pkg/registry/core/pod/strategy.go and the dropping of disabled fields of pkg/api/pod/util.go.
 */
import type { AppArmorProfile, Container, LabelSelector, ObjectMeta, Pod, PodSpec } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { formatTime } from '../../../src/clock.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { appArmorFieldForAnnotation, APPARMOR_ANNOTATION_PREFIX, isValidLocalhostProfile } from './_pod-apparmor.ts'
import { dropDisabledPodFields, dropDisabledPodStatusFields } from './_pod-disabled-fields.ts'
import { allContainers } from './_pod-containers.ts'
import { computePodQOS } from './_pod-resources.ts'

export function preparePodForCreate(pod: Pod, ctx: WriteContext): void {
  pod.status = { phase: 'Pending', qosClass: pod.status?.qosClass || computePodQOS(pod) }
  dropDisabledPodFields(pod.spec)
  if (pod.spec.schedulingGates?.length) {
    pod.status.conditions = [
      {
        type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates',
        lastTransitionTime: formatTime(ctx.clock.now()),
      },
    ]
  }
  mergeLabelKeys(pod)
  syncAppArmor(pod, ctx)
}

export function preparePodForUpdate(pod: Pod, old: Pod): void {
  dropDisabledPodFields(pod.spec, old.spec)
}

/** Only the spec counts: templates and labels of running pods change without a new generation. */
export function podSpecChanged(pod: Pod, old: Pod): boolean {
  return !equalJSON(pod.spec, old.spec)
}

/** Seconds until the pod is gone; at once when no kubelet has to end it. */
export function podGracePeriod(pod: Pod, requestedSeconds: number | undefined): number {
  const phase = pod.status?.phase
  if (!pod.spec.nodeName || phase === 'Failed' || phase === 'Succeeded') return 0
  const seconds = requestedSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 0
  return seconds < 0 ? 1 : seconds
}

export function preparePodForStatusUpdate(pod: Pod, old: Pod): void {
  pod.spec = old.spec
  delete pod.metadata.deletionTimestamp
  restore(pod.metadata, old.metadata, 'ownerReferences')
  const status = (pod.status ??= {})
  if (!status.qosClass && old.status?.qosClass) status.qosClass = old.status.qosClass
  keepObservedGeneration(pod, old)
  dropDisabledPodStatusFields(status, old.status)
}

/** Clients that do not know the field send none; the old values stay, condition by condition. */
function keepObservedGeneration(pod: Pod, old: Pod): void {
  const status = (pod.status ??= {})
  if (!status.observedGeneration && old.status?.observedGeneration) status.observedGeneration = old.status.observedGeneration
  const known = new Map<string, (number | undefined)[]>()
  for (const c of old.status?.conditions ?? []) {
    const list = known.get(c.type ?? '')
    if (list) list.push(c.observedGeneration)
    else known.set(c.type ?? '', [c.observedGeneration])
  }
  for (const c of status.conditions ?? []) {
    const before = known.get(c.type ?? '')?.shift()
    if (!c.observedGeneration && before) c.observedGeneration = before
  }
}

export function preparePodForEphemeralContainers(pod: Pod, old: Pod): void {
  const added = pod.spec.ephemeralContainers
  pod.spec = { ...old.spec }
  if (added) pod.spec.ephemeralContainers = added
  else delete pod.spec.ephemeralContainers
  resetForSubresource(pod, old)
  dropDisabledPodFields(pod.spec, old.spec)
}

export function preparePodForResize(pod: Pod, old: Pod): void {
  const { containers = [], initContainers = [], resources } = pod.spec
  // A changed list of containers is left as it is: validation refuses it.
  if (containers.length !== (old.spec.containers?.length ?? 0) || initContainers.length !== (old.spec.initContainers?.length ?? 0)) return
  const spec: PodSpec = { ...old.spec }
  if (containers.length) spec.containers = withResizes(containers, old.spec.containers ?? [])
  if (initContainers.length) spec.initContainers = withResizes(initContainers, old.spec.initContainers ?? [])
  if (resources) spec.resources = resources
  else delete spec.resources
  pod.spec = spec
  resetForSubresource(pod, old)
  dropDisabledPodFields(pod.spec, old.spec)
}

function withResizes(containers: Container[], old: Container[]): Container[] {
  if (containers.some((c, i) => c.name !== old[i]?.name)) return containers
  return containers.map((c, i) => {
    const merged: Container = { ...old[i], resources: c.resources ?? {} }
    if (c.resizePolicy) merged.resizePolicy = c.resizePolicy
    else delete merged.resizePolicy
    return merged
  })
}

function resetForSubresource(pod: Pod, old: Pod): void {
  if (old.status) pod.status = old.status
  restore(pod.metadata, old.metadata, 'deletionTimestamp')
  restore(pod.metadata, old.metadata, 'generation')
  restore(pod.metadata, old.metadata, 'labels')
  restore(pod.metadata, old.metadata, 'annotations')
  restore(pod.metadata, old.metadata, 'finalizers')
  restore(pod.metadata, old.metadata, 'ownerReferences')
}

function restore(meta: ObjectMeta, old: ObjectMeta, key: keyof ObjectMeta): void {
  if (old[key] === undefined) delete meta[key]
  else Object.assign(meta, { [key]: old[key] })
}

/** matchLabelKeys become requirements of the selectors beside them, with the pod's own values. */
function mergeLabelKeys(pod: Pod): void {
  const labels = pod.metadata.labels ?? {}
  const { affinity, topologySpreadConstraints } = pod.spec
  for (const part of [affinity?.podAffinity, affinity?.podAntiAffinity]) {
    const terms = [...(part?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((w) => w.podAffinityTerm), ...(part?.requiredDuringSchedulingIgnoredDuringExecution ?? [])]
    for (const term of terms) {
      addRequirements(term?.labelSelector, term?.matchLabelKeys, { operator: 'In', labels })
      addRequirements(term?.labelSelector, term?.mismatchLabelKeys, { operator: 'NotIn', labels })
    }
  }
  for (const c of topologySpreadConstraints ?? []) addRequirements(c.labelSelector, c.matchLabelKeys, { operator: 'In', labels })
}

function addRequirements(selector: LabelSelector | undefined, keys: string[] | undefined, { operator, labels }: { operator: string; labels: Record<string, string> }): void {
  if (!selector) return
  for (const key of keys ?? []) {
    const value = labels[key]
    if (value !== undefined) (selector.matchExpressions ??= []).push({ key, operator, values: [value] })
  }
}

/** The annotation of old becomes the field, where it says something that the pod's own profile does not. */
function syncAppArmor(pod: Pod, ctx: WriteContext): void {
  const { spec, metadata } = pod
  if (!metadata.annotations || spec.os?.name === 'windows') return
  for (const c of allContainers(spec)) {
    const key = APPARMOR_ANNOTATION_PREFIX + (c.name ?? '')
    const annotation = metadata.annotations[key]
    if (annotation === undefined || c.securityContext?.appArmorProfile) continue
    const meant: AppArmorProfile | undefined = appArmorFieldForAnnotation(annotation)
    const profile = isValidLocalhostProfile(meant?.localhostProfile) ? meant : undefined
    const differs = profile !== undefined && !equalJSON(profile, spec.securityContext?.appArmorProfile)
    if (profile && differs) (c.securityContext ??= {}).appArmorProfile = profile
    if (!profile || differs) ctx.warn(`metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`)
  }
}
