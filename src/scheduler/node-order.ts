/** The order in which nodes are looked at: zones in turns, so that a sample of them is spread. Models pkg/scheduler/backend/cache/node_tree.go. */
import type { NodeInfo } from './node-info.ts'

export function zoneInterleaved(nodes: readonly NodeInfo[]): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>()
  for (const node of nodes) {
    const zone = zoneOf(node)
    const known = zones.get(zone)
    if (known) known.push(node)
    else zones.set(zone, [node])
  }
  if (zones.size <= 1) return [...nodes]
  const ordered: NodeInfo[] = []
  for (let i = 0; ordered.length < nodes.length; i++) {
    for (const members of zones.values()) {
      const next = members[i]
      if (next) ordered.push(next)
    }
  }
  return ordered
}

function zoneOf({ labels }: NodeInfo): string {
  const zone = labels['topology.kubernetes.io/zone'] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? ''
  const region = labels['topology.kubernetes.io/region'] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? ''
  return `${region}:\x00:${zone}`
}
