/**
 * Which ReplicaSet is a Deployment's current one, which are former, and the annotations that number them.
 * Models k8s.io/kubernetes/pkg/controller/deployment/util/deployment_util.go and getNewReplicaSet of sync.go.
 */
import type { Deployment, PodTemplateSpec, ReplicaSet } from '../schemas/types.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { resolveFenceposts } from '../src/controller/int-or-percent.ts'
import { controllerRef } from '../src/controller/owners.ts'
import { templateHash } from '../src/controller/template-hash.ts'

export const KIND = 'apps/v1/Deployment'
export const SET_KIND = 'apps/v1/ReplicaSet'

export const REVISION = 'deployment.kubernetes.io/revision'
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history'
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas'
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas'
export const ROLLBACK_TO = 'deprecated.deployment.rollback.to'
const HASH_LABEL = 'pod-template-hash'
const MAX_HISTORY_CHARS = 2000
const MAX_NAME = 253

/** Annotations that are not the same on a Deployment and its ReplicaSets. */
const OWN_ANNOTATIONS = new Set(['kubectl.kubernetes.io/last-applied-configuration', REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, ROLLBACK_TO])

type Annotations = Record<string, string>

export interface Sets {
  /** The set that has the Deployment's template now. */
  current: ReplicaSet | undefined
  /** The others, oldest first. */
  old: ReplicaSet[]
}

export const sizeOf = (object: { spec: { replicas?: number } }): number => object.spec.replicas ?? 1

export function isRollingUpdate(d: Deployment): boolean {
  return d.spec.strategy?.type === 'RollingUpdate'
}

export function maxSurge(d: Deployment): number {
  return isRollingUpdate(d) ? resolveFenceposts(d.spec.strategy?.rollingUpdate?.maxSurge, d.spec.strategy?.rollingUpdate?.maxUnavailable, sizeOf(d)).surge : 0
}

export function maxUnavailable(d: Deployment): number {
  if (!isRollingUpdate(d) || sizeOf(d) === 0) return 0
  return Math.min(resolveFenceposts(d.spec.strategy?.rollingUpdate?.maxSurge, d.spec.strategy?.rollingUpdate?.maxUnavailable, sizeOf(d)).unavailable, sizeOf(d))
}

export function olderFirst(a: ReplicaSet, b: ReplicaSet): number {
  const [ta = '', tb = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  if (ta !== tb) return ta < tb ? -1 : 1
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}

/** Whether two templates are equal but for the label that tells their sets apart. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return semanticEqual(a?.spec, b?.spec) && semanticEqual(withoutHash(a), withoutHash(b))
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec['metadata'] {
  if (!template?.metadata?.labels) return template?.metadata
  const { [HASH_LABEL]: _, ...labels } = template.metadata.labels
  return { ...template.metadata, labels }
}

export function splitSets(d: Deployment, sets: readonly ReplicaSet[]): Sets {
  const sorted = [...sets].sort(olderFirst)
  const current = sorted.find((rs) => sameTemplate(rs.spec.template, d.spec.template))
  return { current, old: sorted.filter((rs) => rs !== current) }
}

const MAX_INT64 = 2n ** 63n - 1n

/** The number that a revision annotation or the like holds; undefined for what is no int64. */
export function parseRevision(text: string): bigint | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = BigInt(text.replace('+', ''))
  return value <= MAX_INT64 && value >= -MAX_INT64 - 1n ? value : undefined
}

/** The revision number in the annotation, 0 without one; undefined when it is no number. */
export function revisionOf(object: { metadata: { annotations?: Annotations } }): bigint | undefined {
  const text = object.metadata.annotations?.[REVISION]
  return text === undefined ? 0n : parseRevision(text)
}

export function nextRevision(old: readonly ReplicaSet[]): bigint {
  let max = 0n
  for (const rs of old) {
    const revision = revisionOf(rs) ?? 0n
    if (revision > max) max = revision
  }
  return max + 1n
}

/** The second highest revision: what an undo without a number goes back to; 0 when there is none. */
export function lastRevision(sets: readonly ReplicaSet[]): bigint {
  let [max, second] = [0n, 0n]
  for (const rs of sets) {
    const v = revisionOf(rs)
    if (v === undefined) continue
    if (v >= max) [max, second] = [v, max]
    else if (v > second) second = v
  }
  return second
}

/** The annotations of the current set, brought up to date with its Deployment's and with `revision`. */
export function currentAnnotations(d: Deployment, annotations: Annotations | undefined, revision: bigint): Annotations {
  const out: Annotations = { ...annotations }
  for (const [key, value] of Object.entries(d.metadata.annotations ?? {})) if (!OWN_ANNOTATIONS.has(key)) out[key] = value
  const before = out[REVISION]
  const beforeNumber = before === undefined || before === '' ? 0n : parseRevision(before)
  if (beforeNumber === undefined || beforeNumber >= revision) return out
  out[REVISION] = String(revision)
  if (before !== undefined) out[REVISION_HISTORY] = appendHistory(out[REVISION_HISTORY], before)
  return out
}

function appendHistory(history: string | undefined, revision: string): string {
  if (!history) return revision
  const revisions = history.split(',')
  while (revisions.length > 0 && revisions.join(',').length + revision.length + 1 > MAX_HISTORY_CHARS) revisions.shift()
  return [...revisions, revision].join(',')
}

export function replicasAnnotations(d: Deployment): Annotations {
  return { [DESIRED_REPLICAS]: String(sizeOf(d)), [MAX_REPLICAS]: String(sizeOf(d) + maxSurge(d)) }
}

/** The ReplicaSet for the Deployment's template, yet without replicas. */
export function newReplicaSet(d: Deployment, revision: bigint): ReplicaSet {
  const template = d.spec.template ?? {}
  const hash = templateHash(template, d.status?.collisionCount)
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${(d.metadata.name ?? '').slice(0, MAX_NAME - 1 - hash.length)}-${hash}`,
      namespace: d.metadata.namespace,
      ownerReferences: [controllerRef(d, KIND)],
      labels,
      annotations: { ...currentAnnotations(d, undefined, revision), ...replicasAnnotations(d) },
    },
    spec: {
      replicas: 0,
      ...(d.spec.minReadySeconds ? { minReadySeconds: d.spec.minReadySeconds } : {}),
      selector: { ...d.spec.selector, matchLabels: { ...d.spec.selector?.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** The current set as its Deployment wants it annotated; the same object when nothing changes. */
export function annotated(d: Deployment, current: ReplicaSet, revision: bigint): ReplicaSet {
  const annotations = currentAnnotations(d, current.metadata.annotations, revision)
  const minReadySeconds = d.spec.minReadySeconds ?? 0
  if (semanticEqual(annotations, current.metadata.annotations ?? {}) && minReadySeconds === (current.spec.minReadySeconds ?? 0)) return current
  return { ...current, metadata: { ...current.metadata, annotations }, spec: { ...current.spec, minReadySeconds } }
}

/** The Deployment with a former set's template and annotations. */
export function rolledBack(d: Deployment, to: ReplicaSet): Deployment {
  const annotations: Annotations = {}
  for (const [key, value] of Object.entries(d.metadata.annotations ?? {})) if (OWN_ANNOTATIONS.has(key) && key !== ROLLBACK_TO) annotations[key] = value
  for (const [key, value] of Object.entries(to.metadata.annotations ?? {})) if (!OWN_ANNOTATIONS.has(key)) annotations[key] = value
  return { ...d, metadata: { ...d.metadata, annotations }, spec: { ...d.spec, template: { metadata: withoutHash(to.spec.template), spec: to.spec.template?.spec } } }
}
