/**
 * What a StatefulSet does next, one pod after the other or all at a time, and what its status says.
 * Pure; models k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_control.go.
 */
import type { ControllerRevision, PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, StatefulSetStatus } from '../schemas/types.ts'
import { isPodAvailable, isPodReady, isPodTerminal } from '../src/controller/pods.ts'
import { templateIn } from '../src/controller/revision-history.ts'
import { omitZero } from '../src/controller/wire.ts'
import { claimName, claimRefs, isClaimStale, isInRange, newPod, ordinalOf, replicasOf, retention, revisionOf, startOf, withIdentity } from './_statefulset-pods.ts'

export interface Step {
  /** claims: create those that miss, and set their owners; owners: only set owners; update: give the pod its identity back */
  do: 'create' | 'delete' | 'claims' | 'owners' | 'update'
  pod: Pod
}

export interface StatefulPlan {
  parallel: boolean
  /** Each group is done before the next; within one, one by one or, in parallel, in growing batches. */
  groups: Step[][]
}

export interface Revisions {
  current: ControllerRevision
  update: ControllerRevision
}

export interface PlanInput {
  set: StatefulSet
  pods: readonly Pod[]
  revisions: Revisions
  claim(name: string): PersistentVolumeClaim | undefined
  nowMs: number
}

export function plan(input: PlanInput): StatefulPlan {
  const { set, pods, nowMs } = input
  const parallel = set.spec.podManagementPolicy === 'Parallel'
  if (set.metadata.deletionTimestamp) return { parallel, groups: [] }
  const minReady = set.spec.minReadySeconds ?? 0
  const isUnavailable = (pod: Pod) => !isPodAvailable(pod, minReady, nowMs) || pod.metadata.deletionTimestamp !== undefined
  const replicas = new Replicas(input)
  const condemned = pods.filter((pod) => ordinalOf(pod) >= 0 && !isInRange(pod, set)).sort((a, b) => ordinalOf(b) - ordinalOf(a))
  const firstUnavailable = first(replicas, isUnavailable) ?? [...condemned].reverse().find(isUnavailable)

  const groups: Step[][] = []
  const growth = planReplicas(input, replicas, parallel)
  groups.push(growth.steps)
  if (growth.waits) return { parallel, groups }
  groups.push(condemned.filter((pod) => !ownersMatch(input, pod)).map((pod) => ({ do: 'owners', pod })))
  const shrink = planCondemned(condemned, { parallel, firstUnavailable, isUnavailable })
  groups.push(shrink.steps)
  if (shrink.waits || set.spec.updateStrategy?.type === 'OnDelete') return { parallel, groups }
  groups.push(planUpdate(input, replicas, isUnavailable))
  return { parallel, groups }
}

/** By ordinal, with the pods to be made where there is none; these are thought of only when somebody comes to them. */
class Replicas implements Iterable<Pod> {
  readonly length: number
  readonly #input: PlanInput
  readonly #byIndex: Map<number, Pod>
  readonly #former: number

  constructor(input: PlanInput) {
    const { set, pods } = input
    this.length = replicasOf(set)
    this.#input = input
    this.#former = formerReplicas(set)
    this.#byIndex = new Map(pods.filter((pod) => isInRange(pod, set)).map((pod) => [ordinalOf(pod) - startOf(set), pod]))
  }

  at(index: number): Pod {
    let pod = this.#byIndex.get(index)
    if (!pod) this.#byIndex.set(index, (pod = this.#make(index)))
    return pod
  }

  *[Symbol.iterator](): Iterator<Pod> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  #make(index: number): Pod {
    const { set, revisions } = this.#input
    const revision = index < this.#former ? revisions.current : revisions.update
    return newPod(set, startOf(set) + index, { template: templateOf(revision), revision: revision.metadata.name ?? '' })
  }
}

/** How many of the first ordinals are made anew in the current revision: those below the partition; where there is none, as many as have it still. */
function formerReplicas({ spec, status }: StatefulSet): number {
  const { type, rollingUpdate } = spec.updateStrategy ?? {}
  if (rollingUpdate) return rollingUpdate.partition ?? 0
  return type === 'RollingUpdate' ? (status?.currentReplicas ?? 0) : 0
}

function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  return templateIn(revision) as PodTemplateSpec | undefined
}

function first(replicas: Replicas, is: (pod: Pod) => boolean): Pod | undefined {
  for (const pod of replicas) if (is(pod)) return pod
  return undefined
}

const isCreated = (pod: Pod) => Boolean(pod.status?.phase)

/** Ordered sets stop at the first pod that is not there and available. */
function planReplicas(input: PlanInput, replicas: Replicas, parallel: boolean): { steps: Step[]; waits: boolean } {
  const { set, nowMs } = input
  const steps: Step[] = []
  for (const pod of replicas) {
    const step = stepFor(input, pod)
    if (step === 'wait') {
      if (!parallel) return { steps, waits: true }
      continue
    }
    const running = pod.status?.phase === 'Running' && isPodReady(pod) && !pod.metadata.deletionTimestamp
    const waits = !parallel && (!running || !isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs))
    if (step && !(waits && step.do === 'update')) steps.push(step)
    if (waits) return { steps, waits }
  }
  return { steps, waits: false }
}

function stepFor(input: PlanInput, pod: Pod): Step | 'wait' | undefined {
  const { set, claim } = input
  if (isPodTerminal(pod)) return pod.metadata.deletionTimestamp ? 'wait' : { do: 'delete', pod }
  if (!isCreated(pod)) return retention(set).deletesWhenScaled && claimsFor(set, pod, claim).some((c) => isClaimStale(c, pod)) ? 'wait' : { do: 'create', pod }
  if (pod.status?.phase === 'Pending') return set.spec.volumeClaimTemplates?.length ? { do: 'claims', pod } : undefined
  if (pod.metadata.deletionTimestamp) return undefined
  return withIdentity(set, pod) === pod && ownersMatch(input, pod) ? undefined : { do: 'update', pod }
}

function claimsFor(set: StatefulSet, pod: Pod, claim: PlanInput['claim']): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).flatMap((template) => claim(claimName(template, set, ordinalOf(pod))) ?? [])
}

function ownersMatch({ set, claim }: PlanInput, pod: Pod): boolean {
  return claimsFor(set, pod, claim).every((c) => claimRefs(c, set, pod) === undefined)
}

interface Condemning {
  parallel: boolean
  firstUnavailable: Pod | undefined
  isUnavailable(pod: Pod): boolean
}

/** Highest ordinal first; ordered sets take one at a time, and none while a lower one is unavailable. */
function planCondemned(condemned: readonly Pod[], { parallel, firstUnavailable, isUnavailable }: Condemning): { steps: Step[]; waits: boolean } {
  if (parallel) return { steps: condemned.filter((pod) => !pod.metadata.deletionTimestamp).map((pod) => ({ do: 'delete', pod })), waits: false }
  const [pod] = condemned
  if (!pod) return { steps: [], waits: false }
  const mustWait = pod.metadata.deletionTimestamp !== undefined || ((pod.status?.phase !== 'Running' || isUnavailable(pod)) && pod !== firstUnavailable)
  return { steps: mustWait ? [] : [{ do: 'delete', pod }], waits: true }
}

/** The highest pod of a former revision goes, if all above it are well. */
function planUpdate({ set, revisions }: PlanInput, replicas: Replicas, isUnavailable: (pod: Pod) => boolean): Step[] {
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
  for (let i = replicas.length - 1; i >= partition; i--) {
    const pod = replicas.at(i)
    if (revisionOf(pod) !== revisions.update.metadata.name && !pod.metadata.deletionTimestamp) return isCreated(pod) ? [{ do: 'delete', pod }] : []
    if (isUnavailable(pod)) return []
  }
  return []
}

/** @param collisionCount of the revisions' hash */
export function statusOf(set: StatefulSet, pods: readonly Pod[], { revisions, collisionCount, nowMs }: { revisions: Revisions; collisionCount: number; nowMs: number }): StatefulSetStatus {
  const minReady = set.spec.minReadySeconds ?? 0
  const [currentName, updateName] = [revisions.current.metadata.name ?? '', revisions.update.metadata.name ?? '']
  const n = { replicas: 0, ready: 0, available: 0, current: 0, updated: 0 }
  for (const pod of pods) {
    if (!isCreated(pod)) continue
    n.replicas++
    if (pod.status?.phase === 'Running' && isPodReady(pod)) {
      n.ready++
      if (isPodAvailable(pod, minReady, nowMs)) n.available++
    }
    if (pod.metadata.deletionTimestamp) continue
    if (revisionOf(pod) === currentName) n.current++
    if (revisionOf(pod) === updateName) n.updated++
  }
  const wanted = replicasOf(set)
  const complete = set.spec.updateStrategy?.type !== 'OnDelete' && n.updated === wanted && n.ready === wanted && n.replicas === wanted
  return {
    replicas: n.replicas,
    availableReplicas: n.available,
    collisionCount,
    ...omitZero({
      observedGeneration: set.metadata.generation,
      readyReplicas: n.ready,
      currentReplicas: complete ? n.updated : n.current,
      updatedReplicas: n.updated,
      currentRevision: complete ? updateName : currentName,
      updateRevision: updateName,
    }),
  }
}
