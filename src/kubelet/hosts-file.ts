/** The files a kubelet writes into every container: hosts, hostname, resolv.conf. Models pkg/kubelet/kubelet_pods.go and pkg/kubelet/network/dns. */
import type { Pod } from '../../schemas/types.ts'

export const CLUSTER_DOMAIN = 'cluster.local'
const MAX_HOSTNAME = 63

export function hostnameOf({ metadata, spec }: Pod): string {
  if (spec.hostNetwork) return spec.nodeName ?? ''
  const name = (spec.hostnameOverride || spec.hostname || metadata.name || '').slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '')
  return spec.setHostnameAsFQDN && spec.subdomain ? `${name}.${spec.subdomain}.${metadata.namespace}.svc.${CLUSTER_DOMAIN}` : name
}

export function hostsFile(pod: Pod, ips: readonly string[]): string {
  const { metadata, spec } = pod
  const header = spec.hostNetwork ? '# Kubernetes-managed hosts file (host network).\n' : '# Kubernetes-managed hosts file.\n'
  const name = hostnameOf(pod)
  const full = spec.subdomain && !spec.hostnameOverride ? `${name}.${spec.subdomain}.${metadata.namespace}.svc.${CLUSTER_DOMAIN}\t` : ''
  const own = spec.hostNetwork ? '' : `fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n`
  const lines = `${header}127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${own}${ips.map((ip) => `${ip}\t${full}${name}\n`).join('')}`
  const aliases = spec.hostAliases ?? []
  if (aliases.length === 0) return lines
  return `${lines}\n# Entries added by HostAliases.\n${aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join('\t')}\n`).join('')}`
}

export function resolvConf(pod: Pod, nameserver: string): string {
  const { spec, metadata } = pod
  const isCluster = spec.dnsPolicy === 'ClusterFirstWithHostNet' || (spec.dnsPolicy === 'ClusterFirst' && !spec.hostNetwork) || spec.dnsPolicy === undefined
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {}
  const servers = spec.dnsPolicy === 'None' ? nameservers : [nameserver, ...nameservers]
  const search = isCluster ? [`${metadata.namespace}.svc.${CLUSTER_DOMAIN}`, `svc.${CLUSTER_DOMAIN}`, CLUSTER_DOMAIN, ...searches] : searches
  const all = [...(isCluster ? ['ndots:5'] : []), ...options.map((o) => (o.value === undefined ? (o.name ?? '') : `${o.name}:${o.value}`))]
  const kept = all.filter((o, i) => all.findLastIndex((p) => p.split(':')[0] === o.split(':')[0]) === i)
  return `${search.length > 0 ? `search ${search.join(' ')}\n` : ''}${servers.map((s) => `nameserver ${s}\n`).join('')}${kept.length > 0 ? `options ${kept.join(' ')}\n` : ''}`
}
