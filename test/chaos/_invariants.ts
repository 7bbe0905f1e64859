/** What holds of every cluster that was left alone for a while. */
import type { ConfigMap, ControllerRevision, CronJob, DaemonSet, Deployment, EndpointSlice, HorizontalPodAutoscaler, Job, Namespace, Node, ObjectMeta, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, ReplicaSet, ResourceQuota, Service, StatefulSet } from '../../schemas/types.ts'
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
  cronJobs: CronJob[]
  autoscalers: HorizontalPodAutoscaler[]
  claims: PersistentVolumeClaim[]
  volumes: PersistentVolume[]
  configMaps: ConfigMap[]
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
  cronJobs: '/apis/batch/v1/cronjobs',
  autoscalers: '/apis/autoscaling/v2/horizontalpodautoscalers',
  claims: '/api/v1/persistentvolumeclaims',
  volumes: '/api/v1/persistentvolumes',
  configMaps: '/api/v1/configmaps',
}

type Check = (state: State) => string[]
type Named = { metadata: ObjectMeta }

const all = (s: State): Named[] => Object.values(s).flat() as Named[]
const nameOf = ({ metadata }: Named): string => `${metadata.namespace ?? ''}/${metadata.name}`
const selects = (labels: Record<string, string> | undefined, pod: Pod): boolean => labels !== undefined && Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value)
const number = (quantity: string | undefined): number => quantityToNumber(parseQuantity(quantity ?? '0'))
/** What a pod asks for, or what its node still gives it while it is resized. */
const cpuOf = ({ spec, status }: Pod): number =>
  (spec.containers ?? []).reduce((sum, { name, resources }) => sum + Math.max(number(resources?.requests?.cpu), number(status?.containerStatuses?.find((c) => c.name === name)?.resources?.requests?.cpu)), 0)
const isOver = ({ status }: Job): boolean => (status?.conditions ?? []).some((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True')
const hasFailed = ({ status }: Job): boolean => (status?.conditions ?? []).some((c) => c.type === 'Failed' && c.status === 'True')
const rounded = (n: number): number => Math.round(n * 1000) / 1000
const differs = (what: string, found: unknown, wanted: unknown): string[] => (JSON.stringify(found) === JSON.stringify(wanted) ? [] : [`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`])
const messageOf = ({ status }: Pod): string => status?.conditions?.find((c) => c.type === 'PodScheduled')?.message ?? ''
const isWaiting = (pod: Pod): boolean => !pod.spec.nodeName && !isPodTerminal(pod) && !pod.metadata.deletionTimestamp

/** Where a quota holds things back they may be fewer than they are meant to be, and so may those that wait for a node. */
function isFree(s: State): (o: Named) => boolean {
  const held = new Set(s.pods.filter(isWaiting).map((pod) => `${pod.metadata.namespace}/${pod.metadata.labels?.app}`))
  return (o) => o.metadata.namespace !== 'limited' && !held.has(`${o.metadata.namespace}/${appOf(o)}`)
}

const appOf = (o: Named): string | undefined => ((o as CronJob).spec?.jobTemplate?.spec ?? (o as ReplicaSet).spec)?.template?.metadata?.labels?.app

/** Claims stay while a pod on a node has them. */
const isInUse = (o: Named, s: State): boolean => s.claims.some((claim) => claim === o) && s.pods.some((pod) => pod.metadata.namespace === o.metadata.namespace && pod.spec.nodeName && !isPodTerminal(pod) && claimsOf(pod).includes(o.metadata.name ?? ''))

/** The node that a daemon is for; undefined for other pods. */
const ownNode = (pod: Pod): string | undefined => pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values?.[0]

/** Where a pod may be by the volumes it has; undefined for anywhere. */
function nodesOfVolumes(pod: Pod, { claims, volumes }: State): string[] | undefined {
  const found = claimsOf(pod).flatMap((name) => {
    const claim = claims.find(({ metadata }) => metadata.namespace === pod.metadata.namespace && metadata.name === name)
    const terms = volumes.find(({ metadata }) => metadata.name === claim?.spec.volumeName)?.spec.nodeAffinity?.required?.nodeSelectorTerms
    return terms?.[0]?.matchExpressions?.[0]?.values ?? []
  })
  return found.length > 0 ? found : undefined
}

/** A quota may keep a claim from being made. */
const lacksClaim = (pod: Pod, { claims }: State): boolean => pod.metadata.namespace === 'limited' && claimsOf(pod).some((name) => !claims.some(({ metadata }) => metadata.namespace === 'limited' && metadata.name === name))

const claimsOf = ({ metadata, spec }: Pod): string[] => (spec.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? (v.ephemeral ? `${metadata.name}-${v.name}` : []))

/** Whether the pod would have a place when those less important than it gave way. */
function hasRoom(node: Node, { pod, s }: { pod: Pod; s: State }): boolean {
  const { name = '' } = node.metadata
  if ((ownNode(pod) ?? name) !== name || !(nodesOfVolumes(pod, s) ?? [name]).includes(name)) return false
  const there = s.pods.filter((p) => p.spec.nodeName === name && !isPodTerminal(p) && (p.spec.priority ?? 0) >= (pod.spec.priority ?? 0))
  const { pods, cpu } = node.status?.allocatable ?? {}
  return there.length < number(pods) && there.reduce((sum, p) => sum + cpuOf(p), cpuOf(pod)) <= number(cpu)
}

const checks: Readonly<Record<string, Check>> = {
  'nothing is left in deletion': (s) => all(s).flatMap((o) => (o.metadata.deletionTimestamp && !isInUse(o, s) ? [nameOf(o)] : [])),
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
      const { active = 0, succeeded = 0, uncountedTerminatedPods: uncounted } = job.status ?? {}
      const isCounted = !uncounted?.succeeded?.length && !uncounted?.failed?.length
      return isOver(job) && active === 0 && isCounted && (hasFailed(job) || succeeded === job.spec.completions) ? [] : [`${nameOf(job)} ${JSON.stringify(job.status)}`]
    }),
  'ended jobs let go of their pods': (s) =>
    s.pods.flatMap((pod) => (pod.metadata.finalizers?.some((f) => f === 'batch.kubernetes.io/job-tracking') && !s.jobs.some((job) => isControlledBy(pod, job) && !isOver(job)) ? [nameOf(pod)] : [])),
  'cron jobs keep what they are told to': (s) =>
    s.cronJobs.filter(isFree(s)).flatMap((cron) => {
      const own = s.jobs.filter((job) => isControlledBy(job, cron) && isOver(job))
      const failed = own.filter(hasFailed).length
      const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cron.spec
      const isKept = own.length - failed <= successfulJobsHistoryLimit && failed <= failedJobsHistoryLimit
      return [...(isKept ? [] : [`${nameOf(cron)}: ${own.length - failed} succeeded, ${failed} failed`]), ...(cron.status?.active ?? []).flatMap(({ name, uid }) => (s.jobs.some((job) => job.metadata.uid === uid && !isOver(job)) ? [] : [`${nameOf(cron)} has ${name} active`]))]
    }),
  'autoscalers keep their bounds': (s) =>
    s.autoscalers.flatMap((hpa) => {
      const { scaleTargetRef: { kind, name } = {}, minReplicas = 1, maxReplicas = 0 } = hpa.spec
      const target = [...(kind === 'Deployment' ? s.deployments : s.statefulSets)].find(({ metadata }) => metadata.namespace === hpa.metadata.namespace && metadata.name === name)
      const replicas = target?.spec.replicas ?? 0
      return replicas === 0 || (replicas >= minReplicas && replicas <= maxReplicas) ? [] : [`${nameOf(hpa)}: ${replicas} of ${minReplicas} to ${maxReplicas}`]
    }),
  'pods have their claims, claims their volumes': (s) => {
    const ofPods = s.pods.filter(({ spec }) => spec.nodeName).filter((pod) => !isPodTerminal(pod))
    const isBound = (namespace: string | undefined, name: string) => s.claims.some(({ metadata, status }) => metadata.namespace === namespace && metadata.name === name && status?.phase === 'Bound')
    const unbound = ofPods.flatMap((pod) => claimsOf(pod).flatMap((name) => (isBound(pod.metadata.namespace, name) ? [] : [`${nameOf(pod)} without ${name}`])))
    const strays = s.volumes.filter(({ metadata, spec, status }) => status?.phase !== 'Bound' || !s.claims.some((c) => c.metadata.uid === spec.claimRef?.uid && c.spec.volumeName === metadata.name))
    const halves = s.claims.filter((c) => c.spec.volumeName && !s.volumes.some(({ metadata, spec }) => metadata.name === c.spec.volumeName && spec.claimRef?.uid === c.metadata.uid))
    return [...unbound, ...strays.map(({ metadata, status }) => `${metadata.name} is ${status?.phase}`), ...halves.map((c) => `${nameOf(c)} lost ${c.spec.volumeName}`)]
  },
  'nodes are sound': (s) => s.nodes.flatMap((n) => (n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') && !n.spec.taints?.length ? [] : [`${n.metadata.name} ${JSON.stringify(n.spec.taints)}`])),
  'old revisions go': (s) => s.deployments.filter(isFree(s)).flatMap((d) => (s.replicaSets.filter((rs) => isControlledBy(rs, d)).length <= 1 + (d.spec.revisionHistoryLimit ?? 10) ? [] : [nameOf(d)])),
  'balancers have an address each': (s) => {
    const given = s.services.filter(({ spec }) => spec.type === 'LoadBalancer').map((service) => [nameOf(service), service.status?.loadBalancer?.ingress?.[0]?.ip] as const)
    return given.flatMap(([name, ip]) => (ip && given.filter((g) => g[1] === ip).length === 1 ? [] : [`${name}: ${ip}`]))
  },
  'pods are on nodes that exist': (s) => s.pods.flatMap((p) => (p.spec.nodeName && !s.nodes.some((n) => n.metadata.name === p.spec.nodeName) ? [`${nameOf(p)} on ${p.spec.nodeName}`] : [])),
  'a pod waits because there is no room': (s) =>
    s.pods.filter((pod) => isWaiting(pod) && !lacksClaim(pod, s)).flatMap((pod) => s.nodes.filter((n) => hasRoom(n, { pod, s })).map((n) => `${nameOf(pod)} in spite of ${n.metadata.name}: ${messageOf(pod)}`)),
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
      const claims = s.claims.filter(inside)
      const counts: Record<string, number> = {
        'count/deployments.apps': s.deployments.filter(inside).length,
        'count/jobs.batch': s.jobs.filter(inside).length,
        persistentvolumeclaims: claims.length,
        pods: pods.length,
        'requests.cpu': rounded(pods.reduce((sum, p) => sum + cpuOf(p), 0)),
        'requests.storage': claims.reduce((sum, c) => sum + number(c.spec.resources?.requests?.storage), 0),
        services: s.services.filter(inside).length,
      }
      const used = Object.fromEntries(Object.keys(counts).map((name) => [name, rounded(number(q.status?.used?.[name]))]))
      return [...differs(nameOf(q), used, counts), ...Object.keys(counts).flatMap((name) => ((counts[name] ?? 0) > number(q.spec?.hard?.[name]) ? [`${nameOf(q)}: ${counts[name]} of ${name}`] : []))]
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
      return differs(nameOf(b), [b.status?.currentHealthy, b.status?.disruptionsAllowed], [healthy, b.status?.expectedPods ? Math.max(0, healthy - (b.status.desiredHealthy ?? 0)) : 0])
    }),
}

/** What does not hold; empty for a sound cluster. */
export async function violations(world: World): Promise<string[]> {
  const entries = await Promise.all(Object.entries(PATHS).map(async ([name, path]) => [name, await world.list(path)] as const))
  const state = Object.fromEntries(entries) as unknown as State
  return Object.entries(checks).flatMap(([what, check]) => check(state).map((text) => `${what}: ${text}`))
}
