/** How the cluster's network reaches the API server, and the API server the network. */
import type { Party } from '../network/network.ts'
import { ClusterNetwork } from '../network/cluster-network.ts'
import { dnsGateways } from '../network/dns-server.ts'
import { tcpGateway } from '../network/gateway.ts'
import { nthAddress } from '../apimachinery/ip-address.ts'
import { ADVERTISED, clusterDNS, type AddressRanges } from './options.ts'

export const API_SERVER: Party = { name: 'kube-apiserver', ip: '127.0.0.1', nodeName: '' }

/** Pods reach the API server by its Service and by the address behind it, and the cluster's DNS by that of kubeadm's. */
export function joinNetwork(network: ClusterNetwork, server: { host: string; port: number }, { serviceCIDRs }: AddressRanges): void {
  const [range = ''] = serviceCIDRs
  network.addGateway(tcpGateway({ ip: nthAddress(range, 1), port: 443 }, server))
  for (const ip of Object.values(ADVERTISED)) network.addGateway(tcpGateway({ ip, port: server.port }, server))
  for (const gateway of dnsGateways(network.directory, clusterDNS({ serviceCIDRs }))) network.addGateway(gateway)
}

/** The host of a URL by which clients on this machine reach what listens on `host`. */
export function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
