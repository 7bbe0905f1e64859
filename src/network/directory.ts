/** What the network knows of the cluster: who has which address, what is behind a Service, which policies there are. */
import type { EndpointSlice, Namespace, NetworkPolicy, Node, Pod, Service } from '../../schemas/types.ts'
import type { Informers, Lister } from '../client/lister.ts'
import { isPodTerminal } from '../controller/pods.ts'
import type { PolicySource } from './network-policy.ts'

const BY_IP = 'network-ip'
const BY_NODE_PORT = 'network-node-port'
const BY_SERVICE = 'network-service'
const SERVICE_NAME = 'kubernetes.io/service-name'

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
    const nodes = informers.for<Node>('v1/Node')
    nodes.addIndex(BY_IP, ({ status }) => (status?.addresses ?? []).flatMap(({ address, type }) => (type === 'Hostname' ? [] : (address ?? []))))
    const services = informers.for<Service>('v1/Service')
    services.addIndex(BY_IP, addressesOf)
    services.addIndex(BY_NODE_PORT, ({ spec }) => (spec?.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [String(nodePort)] : [])))
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

  nodeAt(ip: string): Node | undefined {
    return this.#nodes.byIndex(BY_IP, ip)[0]
  }

  serviceAt(ip: string): Service | undefined {
    return this.#services.byIndex(BY_IP, ip)[0]
  }

  serviceAtNodePort(port: number): Service | undefined {
    return this.#services.byIndex(BY_NODE_PORT, String(port))[0]
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

function addressesOf({ spec, status }: Service): string[] {
  if (spec?.type === 'ExternalName') return []
  const internal = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])
  const external = [...(spec?.externalIPs ?? []), ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])]
  return [...internal.filter((ip) => ip !== 'None'), ...external]
}
