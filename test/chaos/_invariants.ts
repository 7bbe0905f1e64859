/** What holds of every cluster that was left alone for a while. */
import type { ControllerRevision, DaemonSet, Deployment, EndpointSlice, Job, Namespace, Node, ObjectMeta, Pod, PodDisruptionBudget, ReplicaSet, ResourceQuota, Service, StatefulSet } from '../../schemas/types.ts'
import { parseQuantity, quantityToNumber } from '../../src/apimachinery/quantity.ts'
import { isControlledBy } from '../../src/controller/owners.ts'
import { isPodReady, isPodTerminal } from '../../src/controller/pods.ts'
import type { World } from './_world.ts'

interface State {
  nodes: Node[]
  namespaces: Namespace[]
  pods: Pod[]
  services: Service[]
  quotas: ResourceQuota[]
  deployments: Deployment[]
  replicaSets: ReplicaSet[]
  statefulSets: StatefulSet[]
  daemonSets: DaemonSet[]
  revisions: ControllerRevision[]
  jobs: Job[]
  slices: EndpointSlice[]
  budgets: PodDisruptionBudget[]
}

const PATHS: Record<keyof State, string> = {
  nodes: '/api/v1/nodes',
  namespaces: '/api/v1/namespaces',
  pods: '/api/v1/pods',
  services: '/api/v1/services',
  quotas: '/api/v1/resourcequotas',
  deployments: '/apis/apps/v1/deployments',
  replicaSets: '/apis/apps/v1/replicasets',
  statefulSets: '/apis/apps/v1/statefulsets',
  daemonSets: '/apis/apps/v1/daemonsets',
  revisions: '/apis/apps/v1/controllerrevisions',
  jobs: '/apis/batch/v1/jobs',
  slices: '/apis/discovery.k8s.io/v1/endpointslices',
  budgets: '/apis/policy/v1/poddisruptionbudgets',
}

type Check = (state: State) => string[]
type Named = { metadata: ObjectMeta }

const all = (s: State): Named[] => Object.values(s).flat() as Named[]
const nameOf = ({ metadata }: Named): string => `${metadata.namespace ?? ''}/${metadata.name}`
const selects = (labels: Record<string, string> | undefined, pod: Pod): boolean => labels !== undefined && Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value)
const number = (quantity: string | undefined): number => quantityToNumber(parseQuantity(quantity ?? '0'))
const cpuOf = (pod: Pod): number => (pod.spec.containers ?? []).reduce((sum, c) => sum + number(c.resources?.requests?.cpu), 0)
const rounded = (n: number): number => Math.round(n * 1000) / 1000
const differs = (what: string, found: unknown, wanted: unknown): string[] => (JSON.stringify(found) === JSON.stringify(wanted) ? [] : [`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`])
const isWaiting = (pod: Pod): boolean => !pod.spec.nodeName && !isPodTerminal(pod) && !pod.metadata.deletionTimestamp

/** Where a quota holds things back they may be fewer than they are meant to be, and so may those that wait for a node. */
function isFree(s: State): (o: Named) => boolean {
  const held = new Set(s.pods.filter(isWaiting).map((pod) => `${pod.metadata.namespace}/${pod.metadata.labels?.app}`))
  return (o) => o.metadata.namespace !== 'limited' && !held.has(`${o.metadata.namespace}/${appOf(o)}`)
}

const appOf = (o: Named): string | undefined => (o as ReplicaSet).spec?.template?.metadata?.labels?.app

/** The node that a daemon is for; undefined for other pods. */
const ownNode = (pod: Pod): string | undefined => pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values?.[0]

function hasRoom(node: Node, { pod, s }: { pod: Pod; s: State }): boolean {
  const there = s.pods.filter((p) => p.spec.nodeName === node.metadata.name && !isPodTerminal(p))
  const { pods, cpu } = node.status?.allocatable ?? {}
  return there.length < number(pods) && there.reduce((sum, p) => sum + cpuOf(p), cpuOf(pod)) <= number(cpu)
}

const checks: Readonly<Record<string, Check>> = {
  'nothing is left in deletion': (s) => all(s).flatMap((o) => (o.metadata.deletionTimestamp ? [nameOf(o)] : [])),
  'nothing is without its owner': (s) => {
    const uids = new Set(all(s).map((o) => o.metadata.uid))
    return all(s).flatMap((o) => (o.metadata.ownerReferences?.length && !o.metadata.ownerReferences.some((r) => uids.has(r.uid)) ? [nameOf(o)] : []))
  },
  'deployments are what they are meant to be': (s) =>
    s.deployments.filter(isFree(s)).flatMap((d) => {
      const { replicas } = d.spec
      const { observedGeneration, replicas: have = 0, updatedReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = d.status ?? {}
      return differs(nameOf(d), [observedGeneration, have, updatedReplicas, readyReplicas, availableReplicas], [d.metadata.generation, replicas, replicas, replicas, replicas])
    }),
  'each set has its pods': (s) => [...s.replicaSets, ...s.statefulSets].filter(isFree(s)).flatMap((set) => differs(nameOf(set), s.pods.filter((pod) => isControlledBy(pod, set)).length, set.spec.replicas)),
  'stateful sets number their pods': (s) =>
    s.statefulSets.filter(isFree(s)).flatMap((set) => {
      const wanted = Array.from({ length: set.spec.replicas ?? 0 }, (_, i) => `${set.metadata.name}-${i}`)
      const names = s.pods.filter((pod) => isControlledBy(pod, set)).map((p) => p.metadata.name)
      const { currentRevision, updateRevision, readyReplicas = 0 } = set.status ?? {}
      return [...differs(nameOf(set), names.sort(), wanted), ...differs(`${nameOf(set)} status`, [currentRevision, readyReplicas], [updateRevision, set.spec.replicas])]
    }),
  'each node has its daemons': (s) =>
    s.daemonSets.filter(isFree(s)).flatMap((ds) => {
      const on = s.pods.filter((pod) => isControlledBy(pod, ds)).map((p) => p.spec.nodeName)
      const { desiredNumberScheduled, numberReady, updatedNumberScheduled = 0 } = ds.status ?? {}
      return [...differs(nameOf(ds), on.sort(), s.nodes.map((n) => n.metadata.name).sort()), ...differs(`${nameOf(ds)} status`, [desiredNumberScheduled, numberReady, updatedNumberScheduled], [on.length, on.length, on.length])]
    }),
  'jobs end': (s) =>
    s.jobs.filter(isFree(s)).flatMap((job) => {
      const isOver = job.status?.conditions?.some((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True')
      return isOver && !job.status?.active && job.status?.succeeded === job.spec.completions ? [] : [`${nameOf(job)} ${JSON.stringify(job.status)}`]
    }),
  'pods are on nodes that exist': (s) => s.pods.flatMap((p) => (p.spec.nodeName && !s.nodes.some((n) => n.metadata.name === p.spec.nodeName) ? [`${nameOf(p)} on ${p.spec.nodeName}`] : [])),
  'a pod waits because there is no room': (s) =>
    s.pods.filter(isWaiting).flatMap((pod) => s.nodes.filter((n) => (ownNode(pod) ?? n.metadata.name) === n.metadata.name && hasRoom(n, { pod, s })).map((n) => `${nameOf(pod)} in spite of ${n.metadata.name}`)),
  'no node has more than it can': (s) =>
    s.nodes.flatMap((n) => {
      const there = s.pods.filter((p) => p.spec.nodeName === n.metadata.name && !isPodTerminal(p))
      const cpu = there.reduce((sum, p) => sum + cpuOf(p), 0)
      const { pods, cpu: cores } = n.status?.allocatable ?? {}
      return there.length > number(pods) || rounded(cpu) > number(cores) ? [`${n.metadata.name}: ${there.length} pods, ${cpu} cores`] : []
    }),
  'no address is given twice': (s) => {
    const ips = s.pods.filter((p) => !isPodTerminal(p)).flatMap((p) => p.status?.podIP ?? [])
    return ips.filter((ip, i) => ips.indexOf(ip) !== i)
  },
  'quotas count what is there': (s) =>
    s.quotas.flatMap((q) => {
      const inside = (o: Named) => o.metadata.namespace === q.metadata.namespace
      const pods = s.pods.filter((p) => inside(p) && !isPodTerminal(p))
      const { 'count/deployments.apps': deployments, pods: count, 'requests.cpu': cpu } = q.status?.used ?? {}
      const used = [s.deployments.filter(inside).length, pods.length, rounded(pods.reduce((sum, p) => sum + cpuOf(p), 0))]
      return [...differs(nameOf(q), [number(deployments), number(count), rounded(number(cpu))], used), ...(pods.length > number(q.spec?.hard?.pods) ? [`${nameOf(q)}: ${pods.length} pods`] : [])]
    }),
  'endpoints are the ready pods': (s) =>
    s.services.flatMap((service) => {
      if (!service.spec.selector) return []
      const pods = s.pods.filter((p) => p.metadata.namespace === service.metadata.namespace && selects(service.spec.selector, p) && isPodReady(p))
      const endpoints = s.slices.filter((slice) => isControlledBy(slice, service)).flatMap((slice) => slice.endpoints ?? [])
      const told = endpoints.filter((e) => e.conditions?.ready).flatMap((e) => e.addresses ?? [])
      return differs(nameOf(service), told.sort(), pods.map((p) => p.status?.podIP).sort())
    }),
  'budgets know their pods': (s) =>
    s.budgets.flatMap((b) => {
      const pods = s.pods.filter((p) => p.metadata.namespace === b.metadata.namespace && selects(b.spec?.selector?.matchLabels, p) && !isPodTerminal(p))
      const healthy = pods.filter(isPodReady).length
      return differs(nameOf(b), [b.status?.currentHealthy, b.status?.disruptionsAllowed], [healthy, Math.max(0, healthy - (b.status?.desiredHealthy ?? 0))])
    }),
}

/** What does not hold; empty for a sound cluster. */
export async function violations(world: World): Promise<string[]> {
  const entries = await Promise.all(Object.entries(PATHS).map(async ([name, path]) => [name, await world.list(path)] as const))
  const state = Object.fromEntries(entries) as unknown as State
  return Object.entries(checks).flatMap(([what, check]) => check(state).map((text) => `${what}: ${text}`))
}
