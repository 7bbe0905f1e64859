/** How the cluster's network reaches the API server, and the API server the network. */
import type { Party } from '../network/network.ts'
import { ClusterNetwork } from '../network/cluster-network.ts'
import { dnsGateways } from '../network/dns-server.ts'
import { tcpGateway } from '../network/gateway.ts'
import { formatIP, parseCIDR } from '../apimachinery/ip-address.ts'
import { firstAddress } from '../registry/bootstrap-objects.ts'
import { ADVERTISED, SETTINGS } from './options.ts'

export const API_SERVER: Party = { name: 'kube-apiserver', ip: '127.0.0.1', nodeName: '' }

/** The tenth address of the Services' range, as kubeadm gives it to the cluster's DNS. */
const DNS_HOST = 10

/** Pods reach the API server by its Service and by the address behind it, and the cluster's DNS by that of kubeadm's. */
export function joinNetwork(network: ClusterNetwork, server: { host: string; port: number }): void {
  const { network: serviceNetwork } = parseCIDR(SETTINGS.serviceCIDR) ?? { network: new Uint8Array(4) }
  network.addGateway(tcpGateway({ ip: firstAddress(SETTINGS.serviceCIDR), port: 443 }, server))
  network.addGateway(tcpGateway({ ip: ADVERTISED, port: server.port }, server))
  for (const gateway of dnsGateways(network.directory, formatIP(serviceNetwork.with(-1, (serviceNetwork.at(-1) ?? 0) + DNS_HOST)))) network.addGateway(gateway)
}

/** The host of a URL by which clients on this machine reach what listens on `host`. */
export function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
