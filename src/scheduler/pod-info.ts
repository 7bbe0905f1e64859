/**
 * A pod with everything the scheduler asks about it computed once: requests as numbers, compiled selectors and terms,
 * host ports, claims. What most pods do not have is computed only when asked for.
 * Models framework.PodInfo.
 */
import type { Affinity, Container, Node, Pod, Toleration } from '../../schemas/types.ts'
import type { Labels } from '../apimachinery/labels.ts'
import { compileAffinityTerm, type AffinityTerm } from './affinity-term.ts'
import { requiredNodeAffinity } from '../apimachinery/node-affinity.ts'
import { podRequests, type Resource } from './resources.ts'

export interface HostPort {
  ip: string
  protocol: string
  port: number
}

export interface AffinityTerms {
  requiredAffinity: readonly AffinityTerm[]
  requiredAntiAffinity: readonly AffinityTerm[]
  preferredAffinity: readonly AffinityTerm[]
  preferredAntiAffinity: readonly AffinityTerm[]
}

const NO_TERMS: AffinityTerms = { requiredAffinity: [], requiredAntiAffinity: [], preferredAffinity: [], preferredAntiAffinity: [] }
const NO_PORTS: readonly HostPort[] = []
const NO_CLAIMS: readonly string[] = []

export class PodInfo {
  /** The newest version; changes that matter here make a new PodInfo. */
  pod: Pod
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly key: string
  readonly labels: Labels | undefined
  readonly priority: number
  readonly tolerations: readonly Toleration[] | undefined
  /** What it asks for before it runs. */
  readonly requests: Resource
  readonly hostPorts: readonly HostPort[]
  /** `namespace/name` of the claims it uses. */
  readonly claims: readonly string[]
  #nonZero: Resource | undefined
  #effective: Resource | undefined
  #terms: AffinityTerms | undefined
  #signature: string | undefined
  #nodeAffinity: { matches: ((node: Node) => boolean) | undefined } | undefined

  constructor(pod: Pod) {
    const { uid = '', namespace = '', name = '', labels } = pod.metadata
    this.pod = pod
    this.uid = uid
    this.namespace = namespace
    this.name = name
    this.key = `${namespace}/${name}`
    this.labels = labels
    this.priority = pod.spec.priority ?? 0
    this.tolerations = pod.spec.tolerations
    this.requests = podRequests(pod)
    this.hostPorts = hostPortsOf(pod)
    this.claims = claimsOf(pod)
  }

  /** The requests with defaults for containers that name none. */
  get nonZero(): Resource {
    return (this.#nonZero ??= podRequests(this.pod, { nonZero: true, useStatus: true }))
  }

  /** What it takes on its node, resizes included. */
  get effective(): Resource {
    return (this.#effective ??= this.pod.status?.containerStatuses ? podRequests(this.pod, { useStatus: true }) : this.requests)
  }

  /** Equal for pods that ask the same of a node by itself: what plugins that are local look at. */
  get signature(): string {
    return (this.#signature ??= signatureOf(this.pod))
  }

  get isTerminating(): boolean {
    return this.pod.metadata.deletionTimestamp !== undefined
  }

  get hasPodAffinity(): boolean {
    const { affinity } = this.pod.spec
    return affinity?.podAffinity !== undefined || affinity?.podAntiAffinity !== undefined
  }

  /** Throws ParseError. */
  get terms(): AffinityTerms {
    if (!this.hasPodAffinity) return NO_TERMS
    return (this.#terms ??= compileTerms(this.pod, this.pod.spec.affinity ?? {}))
  }

  /** Undefined when the pod goes anywhere. */
  get nodeAffinity(): ((node: Node) => boolean) | undefined {
    return (this.#nodeAffinity ??= { matches: requiredNodeAffinity(this.pod) }).matches
  }
}

const known = new WeakMap<Pod, PodInfo>()

/** The same version of a pod gives the same PodInfo. */
export function podInfoOf(pod: Pod): PodInfo {
  let info = known.get(pod)
  if (!info) known.set(pod, (info = new PodInfo(pod)))
  return info
}

function signatureOf({ spec, status }: Pod): string {
  const { containers = [], initContainers = [], nodeName, nodeSelector, affinity, tolerations, overhead, resources } = spec
  const parts = ({ resources: own, ports, restartPolicy }: Container) => [own?.requests, ports, restartPolicy]
  const sizes = status?.containerStatuses ? [status.containerStatuses, status.initContainerStatuses] : undefined
  return JSON.stringify([containers.map(parts), initContainers.map(parts), nodeName, nodeSelector, affinity?.nodeAffinity, tolerations, overhead, resources, sizes])
}

function compileTerms(pod: Pod, { podAffinity, podAntiAffinity }: Affinity): AffinityTerms {
  const required = (terms = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution) => (terms ?? []).map((t) => compileAffinityTerm(pod, t))
  const preferred = (terms = podAffinity?.preferredDuringSchedulingIgnoredDuringExecution) =>
    (terms ?? []).flatMap(({ weight, podAffinityTerm }) => (podAffinityTerm ? [compileAffinityTerm(pod, podAffinityTerm, weight)] : []))
  return {
    requiredAffinity: required(),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    preferredAffinity: preferred(),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
  }
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  let ports: HostPort[] | undefined
  const look = (containers: typeof spec.containers) => {
    for (const container of containers ?? []) {
      for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
        if (hostPort) (ports ??= []).push({ ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP', port: hostPort })
      }
    }
  }
  look(spec.containers)
  if (spec.initContainers) look(spec.initContainers.filter((c) => c.restartPolicy === 'Always'))
  return ports ?? NO_PORTS
}

function claimsOf({ spec, metadata }: Pod): readonly string[] {
  let claims: string[] | undefined
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim?.claimName) (claims ??= []).push(`${metadata.namespace}/${persistentVolumeClaim.claimName}`)
    else if (ephemeral) (claims ??= []).push(`${metadata.namespace}/${metadata.name}-${name}`)
  }
  return claims ?? NO_CLAIMS
}
