/**
 * How built-in groups and versions are ranked: the priorities of their APIServices. Models
 * k8s.io/kubernetes/cmd/kube-apiserver/app/aggregator.go and pkg/controlplane/apiserver/aggregator.go.
 */
interface Ranked {
  group: number
  versions: Readonly<Record<string, number>>
}

const STABLE = 15

/** `v1` is 15 where nothing is told. */
const RANKED: Readonly<Record<string, number | Ranked>> = {
  '': { group: 18000, versions: { v1: 1 } },
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: { group: 17500, versions: { v1: STABLE, v2: 30 } },
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'apiextensions.k8s.io': 16700,
  'admissionregistration.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'resource.k8s.io': { group: 16200, versions: { v1: 21 } },
  'flowcontrol.apiserver.k8s.io': { group: 16100, versions: { v1: 21 } },
  // Upstream an aggregated server's, whose manifest ranks it.
  'metrics.k8s.io': { group: 100, versions: { v1beta1: 100 } },
}

/** undefined for what registers itself otherwise: custom resources, aggregated servers, the API of APIServices. */
export function apiPriority({ group, version }: { group: string; version: string }): { group: number; version: number } | undefined {
  const ranked = RANKED[group]
  if (ranked === undefined) return undefined
  const { group: rank, versions }: Ranked = typeof ranked === 'number' ? { group: ranked, versions: { v1: STABLE } } : ranked
  const versionRank = versions[version]
  return versionRank === undefined ? undefined : { group: rank, version: versionRank }
}
