/**
 * Which nodes of a DaemonSet need a pod and which of its pods go: placement, rolling updates with unavailability or
 * surge, and the status. Pure; models manage, podsShouldBeOnNode and rollingUpdate of k8s.io/kubernetes/pkg/controller/daemon.
 */
import type { DaemonSet, DaemonSetStatus, Node, Pod } from '../schemas/types.ts'
import { scaled } from '../src/controller/int-or-percent.ts'
import { isPodAvailable, isPodReady, isPodTerminal } from '../src/controller/pods.ts'
import { omitZero } from '../src/controller/wire.ts'
import { isUpdated, shouldRunOn, targetNode } from './_daemonset-nodes.ts'

/** How many pods one pass creates or deletes at most. */
const BURST = 250

export interface DaemonInput {
  ds: DaemonSet
  nodes: readonly Node[]
  pods: readonly Pod[]
  /** Of the current revision. */
  hash: string
  nowMs: number
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  create: string[]
  delete: Pod[]
  /** Pods that failed or ended by themselves; they are deleted too unless their node is in back-off. */
  ended: { pod: Pod; node: string; failed: boolean }[]
}

type ByNode = Map<string, Pod[]>

/** Pods that are over and being deleted count as gone. */
export function byNode(pods: readonly Pod[], options: { withDeleted?: boolean } = {}): ByNode {
  const out: ByNode = new Map()
  for (const pod of pods) {
    if (!options.withDeleted && isPodTerminal(pod) && pod.metadata.deletionTimestamp) continue
    const node = targetNode(pod)
    if (node === undefined) continue
    const there = out.get(node)
    if (there) there.push(pod)
    else out.set(node, [pod])
  }
  return out
}

/** @param delayLeft how long a node's failed pod is left alone yet; 0 for not */
export function planPlacement(input: DaemonInput, delayLeft: (node: string) => number): DaemonPlan {
  const { ds, nodes, pods } = input
  const placed = byNode(pods)
  const plan: DaemonPlan = { create: [], delete: [], ended: [] }
  const known = new Set<string>()
  for (const node of nodes) {
    const name = node.metadata.name ?? ''
    known.add(name)
    const { run, keep } = shouldRunOn(ds, node)
    const there = placed.get(name)
    if (!there) {
      if (run) plan.create.push(name)
    } else if (keep) planNode(input, { name, run, pods: there, delayLeft, plan })
    else plan.delete.push(...there.filter((pod) => !pod.metadata.deletionTimestamp))
  }
  for (const [name, there] of placed) if (!known.has(name)) plan.delete.push(...there.filter((pod) => !pod.spec.nodeName))
  return { create: plan.create.slice(0, BURST), delete: plan.delete.slice(0, BURST), ended: plan.ended }
}

interface NodeState {
  name: string
  run: boolean
  pods: readonly Pod[]
  delayLeft(node: string): number
  plan: DaemonPlan
}

function planNode({ ds, hash, nowMs }: DaemonInput, { name, run, pods, delayLeft, plan }: NodeState): void {
  const running: Pod[] = []
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue
    const failed = pod.status?.phase === 'Failed'
    if (!failed && pod.status?.phase !== 'Succeeded') running.push(pod)
    else if (!failed || delayLeft(name) === 0) {
      plan.ended.push({ pod, node: name, failed })
      plan.delete.push(pod)
    }
  }
  if (!allowsSurge(ds)) {
    if (running.length > 1) plan.delete.push(...running.sort(oldestPlacedFirst).slice(1))
    return
  }
  if (running.length <= 1) {
    if (running.length === 0 && run) plan.create.push(name)
    return
  }
  running.sort(oldestPlacedFirst)
  const fresh = running.find((pod) => pod.metadata.labels?.['controller-revision-hash'] === hash)
  const old = running.find((pod) => pod.metadata.labels?.['controller-revision-hash'] !== hash)
  plan.delete.push(...running.filter((pod) => pod !== fresh && pod !== old))
  if (fresh && old && (!isPodReady(old) || isPodAvailable(fresh, ds.spec.minReadySeconds ?? 0, nowMs))) plan.delete.push(old)
}

function oldestPlacedFirst(a: Pod, b: Pod): number {
  const placed = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName))
  const [ta = '', tb = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  return placed || (ta < tb ? -1 : ta > tb ? 1 : (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1)
}

function surgeOf(ds: DaemonSet, count: number): number {
  const { type, rollingUpdate } = ds.spec.updateStrategy ?? {}
  return type === 'RollingUpdate' ? (scaled(rollingUpdate?.maxSurge, count, 'up') ?? 0) : 0
}

function allowsSurge(ds: DaemonSet): boolean {
  return surgeOf(ds, 1) > 0
}

/** The pods of former revisions that may go now, and under surge the nodes that may have a second pod. */
export function planRolling(input: DaemonInput): Pick<DaemonPlan, 'create' | 'delete'> {
  const { ds, nodes, pods } = input
  const placed = byNode(pods)
  const wanted = nodes.filter((node) => shouldRunOn(ds, node).run)
  for (const node of wanted) if (!placed.has(node.metadata.name ?? '')) placed.set(node.metadata.name ?? '', [])
  const surge = surgeOf(ds, wanted.length)
  const unavailable = scaled(ds.spec.updateStrategy?.rollingUpdate?.maxUnavailable, wanted.length, 'up') ?? 0
  if (surge === 0) return planUnavailable(input, placed, wanted.length > 0 && unavailable === 0 ? 1 : unavailable)
  return planSurge(input, placed, { surge, wanted: wanted.length })
}

/** The pods of the current and of a former revision on a node; undefined when there are several of one. */
function pairOn({ ds, hash }: DaemonInput, pods: readonly Pod[]): { fresh: Pod | undefined; old: Pod | undefined } | undefined {
  const alive = pods.filter((pod) => !pod.metadata.deletionTimestamp)
  const fresh = alive.filter((pod) => isUpdated(pod, ds, hash))
  const old = alive.filter((pod) => !isUpdated(pod, ds, hash))
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] }
}

function planUnavailable(input: DaemonInput, placed: ByNode, most: number): Pick<DaemonPlan, 'create' | 'delete'> {
  const available = (pod: Pod) => isPodAvailable(pod, input.ds.spec.minReadySeconds ?? 0, input.nowMs)
  let unavailable = 0
  const ill: Pod[] = []
  const candidates: Pod[] = []
  for (const pods of placed.values()) {
    const pair = pairOn(input, pods)
    if (!pair || Boolean(pair.fresh) === Boolean(pair.old)) unavailable++
    else if (pair.fresh) unavailable += available(pair.fresh) ? 0 : 1
    else if (pair.old && !available(pair.old)) {
      ill.push(pair.old)
      unavailable++
    } else if (pair.old) candidates.push(pair.old)
  }
  return { create: [], delete: [...ill, ...candidates.slice(0, Math.max(0, most - unavailable))].slice(0, BURST) }
}

function planSurge(input: DaemonInput, placed: ByNode, { surge, wanted }: { surge: number; wanted: number }): Pick<DaemonPlan, 'create' | 'delete'> {
  const { ds, nodes, nowMs } = input
  const available = (pod: Pod) => isPodAvailable(pod, ds.spec.minReadySeconds ?? 0, nowMs)
  const known = new Map(nodes.map((node) => [node.metadata.name ?? '', node]))
  const runs = (name: string) => {
    const node = known.get(name)
    return node !== undefined && shouldRunOn(ds, node).run
  }
  const n = { surge: 0, available: 0 }
  const out = { now: [] as Pod[], homeless: [] as Pod[], allowed: [] as string[], candidates: [] as string[] }
  for (const [name, pods] of placed) {
    const pair = pairOn(input, pods)
    if (!pair) {
      n.surge++
      continue
    }
    const { fresh, old } = pair
    const counted = old ?? fresh
    if (counted && available(counted)) n.available++
    if (!old) continue
    if (fresh) {
      if (available(fresh)) out.now.push(old)
      else n.surge++
    } else if (!available(old)) {
      if (runs(name)) out.allowed.push(name)
      else out.now.push(old)
    } else if (runs(name)) out.candidates.push(name)
    else out.homeless.push(old)
  }
  const spare = Math.max(0, n.available - wanted)
  return {
    create: [...out.allowed, ...out.candidates.slice(0, Math.max(0, surge - n.surge))].slice(0, BURST),
    delete: [...out.now, ...out.homeless.slice(0, spare)].slice(0, BURST),
  }
}

export function statusOf({ ds, nodes, pods, hash, nowMs }: DaemonInput): DaemonSetStatus {
  const placed = byNode(pods)
  const n = { desired: 0, current: 0, mis: 0, ready: 0, updated: 0, available: 0 }
  for (const node of nodes) {
    const there = placed.get(node.metadata.name ?? '')
    const { run } = shouldRunOn(ds, node)
    if (!run) {
      if (there) n.mis++
      continue
    }
    n.desired++
    const [pod] = there ? [...there].sort(oldestPlacedFirst) : []
    if (!pod) continue
    n.current++
    if (isPodReady(pod)) n.ready++
    if (isPodAvailable(pod, ds.spec.minReadySeconds ?? 0, nowMs)) n.available++
    if (isUpdated(pod, ds, hash)) n.updated++
  }
  const { collisionCount, conditions } = ds.status ?? {}
  return {
    currentNumberScheduled: n.current,
    numberMisscheduled: n.mis,
    desiredNumberScheduled: n.desired,
    numberReady: n.ready,
    ...omitZero({ observedGeneration: ds.metadata.generation, updatedNumberScheduled: n.updated, numberAvailable: n.available, numberUnavailable: n.desired - n.available, conditions }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  }
}
