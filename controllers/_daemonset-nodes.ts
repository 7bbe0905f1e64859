/**
 * On which nodes a DaemonSet wants a pod, which node a pod is meant for, and how a pod is pinned to one.
 * Pure; models NodeShouldRunDaemonPod and k8s.io/kubernetes/pkg/controller/daemon/util.
 */
import type { Affinity, DaemonSet, Node, Pod, PodTemplateSpec, Toleration } from '../schemas/types.ts'
import { requiredNodeAffinity } from '../src/apimachinery/node-affinity.ts'
import { toleratesTaint } from '../src/apimachinery/tolerations.ts'

export const REVISION_LABEL = 'controller-revision-hash'
const GENERATION_LABEL = 'pod-template-generation'
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'

interface Predicates {
  nodeName: string
  tolerations: Toleration[]
  fitsAffinity(node: Node): boolean
}

/** Compiled once per template: stored objects are frozen. */
const compiled = new WeakMap<object, Predicates>()

function predicatesOf(template: PodTemplateSpec): Predicates {
  let known = compiled.get(template)
  if (!known) {
    const spec = template.spec ?? {}
    const affinity = requiredNodeAffinity({ metadata: {}, spec })
    known = { nodeName: spec.nodeName ?? '', tolerations: daemonTolerations(spec.tolerations, spec.hostNetwork === true), fitsAffinity: (node) => affinity?.(node) ?? true }
    compiled.set(template, known)
  }
  return known
}

/** run: a pod belongs there; keep: one that is there may stay (a NoSchedule taint came later). */
export function shouldRunOn(ds: DaemonSet, node: Node): { run: boolean; keep: boolean } {
  const { nodeName, tolerations, fitsAffinity } = predicatesOf(ds.spec.template ?? {})
  if ((nodeName !== '' && nodeName !== node.metadata.name) || !fitsAffinity(node)) return { run: false, keep: false }
  const bad = node.spec?.taints?.filter((taint) => !toleratesTaint(tolerations, taint)) ?? []
  if (bad.some((taint) => taint.effect === 'NoExecute')) return { run: false, keep: false }
  return { run: !bad.some((taint) => taint.effect === 'NoSchedule'), keep: true }
}

/** Daemons put up with what would keep others from a node that is in trouble. */
export function daemonTolerations(own: readonly Toleration[] = [], hostNetwork: boolean): Toleration[] {
  const always: Toleration[] = [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
  ]
  if (hostNetwork) always.push({ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' })
  const same = (a: Toleration, b: Toleration) => a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '')
  const kept = own.map((t) => always.find((a) => same(a, t)) ?? t)
  return [...kept, ...always.filter((a) => !own.some((t) => same(a, t)))]
}

export function generationOf(ds: DaemonSet): string | undefined {
  const text = ds.metadata.annotations?.[GENERATION_ANNOTATION]
  return text !== undefined && /^-?\d+$/.test(text) ? text : undefined
}

/** The template of the pods as they are made. @param hash of the current revision */
export function daemonTemplate(ds: DaemonSet, hash: string): PodTemplateSpec {
  const { metadata, spec } = ds.spec.template ?? {}
  const generation = generationOf(ds)
  const labels = { ...metadata?.labels, ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }), [REVISION_LABEL]: hash }
  return { metadata: { ...metadata, labels }, spec: { ...spec, tolerations: daemonTolerations(spec?.tolerations, spec?.hostNetwork === true) } }
}

/** The affinity that keeps a pod to one node, whatever else was required of nodes. */
export function pinnedTo(affinity: Affinity | undefined, nodeName: string): Affinity {
  const required = { ...affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution, nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }] }
  return { ...affinity, nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required } }
}

/** The node that a pod runs on or is pinned to. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName
  for (const term of pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [])
    for (const { key, operator, values } of term.matchFields ?? []) if (key === 'metadata.name' && operator === 'In') return values?.length === 1 ? values[0] : undefined
  return undefined
}

export function isUpdated(pod: Pod, ds: DaemonSet, hash: string): boolean {
  const labels = pod.metadata.labels
  const generation = generationOf(ds)
  return (hash !== '' && labels?.[REVISION_LABEL] === hash) || (generation !== undefined && labels?.[GENERATION_LABEL] === generation)
}
