/** What the network knows of the cluster: who has which address, what is behind a Service, which policies there are. */
import type { ContainerPort, EndpointSlice, Namespace, NetworkPolicy, Node, Pod, Service } from '../../schemas/types.ts'
import type { Informers, Lister } from '../client/lister.ts'
import { isPodTerminal } from '../controller/pods.ts'
import type { PolicySource } from './network-policy.ts'
import { isProxied } from './service-proxy.ts'

const BY_IP = 'network-ip'
const BY_NODE_PORT = 'network-node-port'
const BY_SERVICE = 'network-service'
const BY_HEALTH_PORT = 'network-health-port'
const BY_HOST_PORT = 'network-host-port'
const SERVICE_NAME = 'kubernetes.io/service-name'
const ZONE = 'topology.kubernetes.io/zone'

export class Directory implements PolicySource {
  readonly #pods: Lister<Pod>
  readonly #nodes: Lister<Node>
  readonly #services: Lister<Service>
  readonly #slices: Lister<EndpointSlice>
  readonly #policies: Lister<NetworkPolicy>
  readonly #namespaces: Lister<Namespace>

  constructor(informers: Informers) {
    const pods = informers.for<Pod>('v1/Pod')
    pods.addIndex(BY_IP, ({ status, spec }) => (spec.hostNetwork ? [] : (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])))
    pods.addIndex(BY_HOST_PORT, hostPortsOf)
    const nodes = informers.for<Node>('v1/Node')
    nodes.addIndex(BY_IP, ({ status }) => (status?.addresses ?? []).flatMap(({ address, type }) => (type === 'Hostname' ? [] : (address ?? []))))
    const services = informers.for<Service>('v1/Service')
    services.addIndex(BY_IP, (service) => (isProxied(service) ? addressesOf(service) : []))
    services.addIndex(BY_NODE_PORT, (service) => (isProxied(service) ? (service.spec?.ports ?? []) : []).flatMap(({ nodePort, protocol = 'TCP' }) => (nodePort ? [`${protocol} ${nodePort}`] : [])))
    services.addIndex(BY_HEALTH_PORT, ({ spec }) => (spec?.healthCheckNodePort ? [String(spec.healthCheckNodePort)] : []))
    const slices = informers.for<EndpointSlice>('discovery.k8s.io/v1/EndpointSlice')
    slices.addIndex(BY_SERVICE, ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[SERVICE_NAME] ?? ''}`])
    this.#pods = pods.lister
    this.#nodes = nodes.lister
    this.#services = services.lister
    this.#slices = slices.lister
    this.#policies = informers.lister<NetworkPolicy>('networking.k8s.io/v1/NetworkPolicy')
    this.#namespaces = informers.lister<Namespace>('v1/Namespace')
  }

  /** The pod that has the address now; finished ones have given theirs back. */
  podAt(ip: string): Pod | undefined {
    return this.#pods.byIndex(BY_IP, ip).find((pod) => !isPodTerminal(pod))
  }

  podByUid(uid: string): Pod | undefined {
    return this.#pods.byUid(uid)
  }

  /** Who speaks from an address. One that its kubelet knows by another uid (a static pod) is known by its address. */
  podOf({ uid, ip }: { uid?: string; ip: string }): Pod | undefined {
    return uid === undefined ? undefined : (this.podByUid(uid) ?? this.podAt(ip))
  }

  nodeAt(ip: string): Node | undefined {
    return this.#nodes.byIndex(BY_IP, ip)[0]
  }

  /** The address that who has this one is known by; the same where it has no other. */
  firstAddressOf(ip: string): string {
    return this.podAt(ip)?.status?.podIP ?? this.nodeAt(ip)?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ip
  }

  serviceAt(ip: string): Service | undefined {
    return this.#services.byIndex(BY_IP, ip)[0]
  }

  /** Of one number, each protocol may be another's. */
  serviceAtNodePort(port: number, protocol: string): Service | undefined {
    return this.#services.byIndex(BY_NODE_PORT, `${protocol} ${port}`)[0]
  }

  serviceAtHealthPort(port: number): Service | undefined {
    return this.#services.byIndex(BY_HEALTH_PORT, String(port))[0]
  }

  /** The pod and its port that a node's own port leads to, at the address asked for. */
  atHostPort(nodeName: string, { ip, port, protocol }: { ip: string; port: number; protocol: string }): { pod: Pod; port: number } | undefined {
    for (const pod of this.#pods.byIndex(BY_HOST_PORT, `${nodeName} ${protocol} ${port}`)) {
      if (isPodTerminal(pod)) continue
      const found = portsOf(pod).find((p) => p.hostPort === port && (p.protocol ?? 'TCP') === protocol && (!p.hostIP || p.hostIP === ip || p.hostIP === '0.0.0.0'))
      if (found) return { pod, port: found.containerPort ?? 0 }
    }
    return undefined
  }

  zoneOf(nodeName: string | undefined): string | undefined {
    return nodeName ? this.#nodes.get('', nodeName)?.metadata.labels?.[ZONE] : undefined
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get(namespace, name)
  }

  slicesOf({ metadata: { namespace, name } }: Service): EndpointSlice[] {
    return this.#slices.byIndex(BY_SERVICE, `${namespace}/${name}`)
  }

  endpointsAt(ip: string): EndpointSlice[] {
    return this.#slices.list().filter((slice) => slice.endpoints?.some(({ addresses }) => addresses?.includes(ip)))
  }

  policies(namespace: string): readonly NetworkPolicy[] {
    return this.#policies.list(namespace)
  }

  namespace(name: string): Namespace | undefined {
    return this.#namespaces.get('', name)
  }
}

/** Of all containers that stay. */
function portsOf({ spec }: Pod): readonly ContainerPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...(spec.containers ?? [])].flatMap(({ ports }) => ports ?? [])
}

function hostPortsOf(pod: Pod): string[] {
  const { nodeName, hostNetwork } = pod.spec
  if (!nodeName || hostNetwork) return []
  return portsOf(pod).flatMap(({ hostPort, protocol = 'TCP' }) => (hostPort ? [`${nodeName} ${protocol} ${hostPort}`] : []))
}

function addressesOf({ spec, status }: Service): string[] {
  if (spec?.type === 'ExternalName') return []
  const internal = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])
  const external = [...(spec?.externalIPs ?? []), ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])]
  return [...internal.filter((ip) => ip !== 'None'), ...external]
}
