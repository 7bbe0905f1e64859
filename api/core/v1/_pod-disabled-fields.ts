/**
 * Fields of features that are off by default: dropped from what is written, unless the object had them before.
 * Models dropDisabledFields of k8s.io/kubernetes/pkg/api/pod/util.go for the default gates of 1.36.
 */
import type { PodSpec, PodStatus, PodTemplateSpec } from '../../../schemas/types.ts'
import { allContainers } from './_pod-containers.ts'

export function dropDisabledTemplateFields(template: PodTemplateSpec | undefined, old?: PodTemplateSpec): void {
  if (template?.spec) dropDisabledPodFields(template.spec, old?.spec)
}

export function dropDisabledPodFields(spec: PodSpec, old?: PodSpec): void {
  dropProjections(spec, old)
  if (spec.schedulingGroup && !old?.schedulingGroup) delete spec.schedulingGroup
  dropStopSignals(spec, old)
}

const projectionsOf = (spec: PodSpec | undefined) => (spec?.volumes ?? []).flatMap((v) => v.projected?.sources ?? [])

function dropProjections(spec: PodSpec, old: PodSpec | undefined): void {
  for (const key of ['clusterTrustBundle', 'podCertificate'] as const) {
    const used = projectionsOf(spec).filter((s) => s[key])
    if (used.length && !projectionsOf(old).some((s) => s[key])) for (const source of used) delete source[key]
  }
}

function dropStopSignals(spec: PodSpec, old: PodSpec | undefined): void {
  const using = (s: PodSpec | undefined) => allContainers(s).filter((c) => c.lifecycle?.stopSignal !== undefined)
  const used = using(spec)
  if (used.length === 0 || using(old).length) return
  for (const c of used) {
    delete c.lifecycle?.stopSignal
    if (c.lifecycle && Object.keys(c.lifecycle).length === 0) delete c.lifecycle
  }
}

export function dropDisabledPodStatusFields(status: PodStatus, old: PodStatus | undefined): void {
  if (status.nodeAllocatableResourceClaimStatuses && !old?.nodeAllocatableResourceClaimStatuses?.length) delete status.nodeAllocatableResourceClaimStatuses
  const mounts = (s: PodStatus | undefined) =>
    [...(s?.containerStatuses ?? []), ...(s?.initContainerStatuses ?? []), ...(s?.ephemeralContainerStatuses ?? [])].flatMap((c) => c.volumeMounts ?? []).filter((m) => m.volumeStatus)
  const used = mounts(status)
  if (used.length && mounts(old).length === 0) for (const mount of used) delete mount.volumeStatus
}
