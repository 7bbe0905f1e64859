/**
 * The status of a pod as its kubelet writes it. Pure.
 * Models generateAPIPodStatus and convertToAPIContainerStatuses of pkg/kubelet/kubelet_pods.go.
 */
import type { ContainerState, ContainerStatus, Pod, PodCondition, PodStatus, VolumeMountStatus } from '../../schemas/types.ts'
import { fullImageName, imageID, terminatedState, type ContainerRecord } from './container-record.ts'
import { podLevelResources } from './allocation.ts'
import type { Eviction } from './eviction.ts'
import type { Rejection } from './pod-admission.ts'
import { KUBELET_CONDITIONS, podConditions } from './pod-conditions.ts'
import { podPhase } from './pod-plan.ts'

export interface StatusInput {
  pod: Pod
  records: readonly ContainerRecord[]
  now: string
  /** The first one first; empty while it has none. */
  podIPs: readonly string[]
  hostIPs: readonly string[]
  /** The node reports like a kubelet, not only outcomes. */
  inFull: boolean
  /** The pod is on its way out: what has ended stays so. */
  isEnding?: boolean
  /** With the resources that were granted. */
  allocation?: { pod: Pod; conditions(): PodCondition[] }
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, records, now, podIPs, hostIPs, inFull, isEnding, allocation } = input
  const old = pod.status ?? {}
  const phase = podPhase(pod, records, isEnding)
  const apps = records.filter((r) => r.role === 'app')
  const init = records.filter((r) => r.role === 'init' || r.role === 'sidecar')
  const ephemeral = records.filter((r) => r.role === 'ephemeral')
  const waits = init.length > 0 ? 'PodInitializing' : 'ContainerCreating'
  return {
    ...old,
    observedGeneration: pod.metadata.generation,
    phase,
    conditions: podConditions({ pod, records, phase, hasSandbox: podIPs.length > 0 && phase !== 'Succeeded' && phase !== 'Failed', now, inFull, ...(allocation && phase !== 'Succeeded' && phase !== 'Failed' ? { resize: allocation.conditions() } : {}) }),
    ...(hostIPs[0] ? { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) } : {}),
    ...(podIPs[0] ? { podIP: podIPs[0], podIPs: podIPs.map((ip) => ({ ip })) } : {}),
    startTime: old.startTime ?? now,
    ...(inFull && allocation ? podLevel(allocation.pod) : {}),
    ...(init.length > 0 ? { initContainerStatuses: init.map((r) => containerStatus(pod, r, { waits, inFull })) } : {}),
    containerStatuses: byName(apps.map((r) => containerStatus(pod, r, { waits, inFull }))),
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: byName(ephemeral.map((r) => containerStatus(pod, r, { waits, inFull }))) } : {}),
  }
}

/** Of a pod that has had to go. Models evictPod of pkg/kubelet/eviction. */
export function evictedStatus(status: PodStatus, { message, condition, reason = 'Evicted' }: Eviction): PodStatus {
  const conditions = (status.conditions ?? []).filter((c) => c.type !== condition?.type)
  return { ...status, phase: 'Failed', reason, message, conditions: [...(condition ? [condition] : []), ...conditions] }
}

/** Of a pod that its node did not take. Models rejectPod of pkg/kubelet/kubelet.go. */
export function refusedStatus({ metadata, status }: Pod, { reason, message }: Rejection, now: string): PodStatus {
  return {
    ...(status?.qosClass ? { qosClass: status.qosClass } : {}),
    observedGeneration: metadata.generation,
    phase: 'Failed',
    reason,
    message: `Pod was rejected: ${message}`,
    startTime: now,
    conditions: status?.conditions?.filter((c) => !KUBELET_CONDITIONS.has(c.type ?? '')) ?? [],
  }
}

function byName(statuses: ContainerStatus[]): ContainerStatus[] {
  return statuses.length < 2 ? statuses : statuses.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
}

export function containerStatus(pod: Pod, record: ContainerRecord, { waits, inFull }: { waits: string; inFull: boolean }): ContainerStatus {
  const { container, name, ready, restartCount, containerID, lastState } = record
  const ran = record.state === 'running' || record.state === 'exited'
  const image = container.image ?? ''
  return {
    name,
    state: stateOf(record, waits),
    lastState: record.state === 'exited' && record.waiting ? { terminated: terminatedState(record) } : (lastState ?? {}),
    ready,
    restartCount,
    image: ran && inFull ? fullImageName(image) : image,
    imageID: ran ? imageID(image) : '',
    ...(ran && containerID ? { containerID } : {}),
    // Of those that no probe looks after nothing is told.
    ...(record.role === 'ephemeral' ? {} : { started: record.state === 'running' ? record.started : false }),
    ...(ran && inFull ? resourcesOf(record) : {}),
    ...(inFull ? details(pod, record, ran) : {}),
  }
}

function stateOf(record: ContainerRecord, waits: string): ContainerState {
  if (record.state === 'running') return { running: { startedAt: record.startedAt } }
  if (record.waiting) return { waiting: record.waiting }
  if (record.state === 'exited') return { terminated: terminatedState(record) }
  return { waiting: { reason: waits } }
}

function resourcesOf({ container, state, actual }: ContainerRecord): Pick<ContainerStatus, 'allocatedResources' | 'resources'> {
  const { resources = {} } = container
  return { ...(resources.requests ? { allocatedResources: resources.requests } : {}), resources: state === 'running' ? (actual ?? resources) : resources }
}

/** What is granted to the pod as a whole. */
function podLevel(pod: Pod): Pick<PodStatus, 'allocatedResources' | 'resources'> {
  const { requests, limits } = podLevelResources(pod)
  const isAny = (list: object) => Object.keys(list).length > 0
  return { ...(isAny(requests) ? { allocatedResources: requests } : {}), resources: { ...(isAny(limits) ? { limits } : {}), ...(isAny(requests) ? { requests } : {}) } }
}

function details(pod: Pod, { container, user }: ContainerRecord, ran: boolean): Pick<ContainerStatus, 'volumeMounts' | 'user'> {
  const mounts = container.volumeMounts
  const told = { ...pod.spec.securityContext, ...container.securityContext }
  const { uid, gid, groups } = user ?? { uid: told.runAsUser ?? 0, gid: told.runAsGroup ?? 0, groups: pod.spec.securityContext?.supplementalGroups ?? [] }
  return {
    ...(mounts?.length ? { volumeMounts: mounts.map(mountStatus) } : {}),
    ...(ran ? { user: { linux: { uid, gid, supplementalGroups: [...new Set([gid, ...groups])] } } } : {}),
  }
}

function mountStatus({ name, mountPath, readOnly }: { name?: string; mountPath?: string; readOnly?: boolean }): VolumeMountStatus {
  return { name, mountPath, ...(readOnly ? { readOnly, recursiveReadOnly: 'Disabled' } : {}) }
}
