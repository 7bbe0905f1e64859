/** What workers share that run images: volumes, logs, network, and how an execution is made of them. */
import type { Pod, Service } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import type { Lister } from '../client/lister.ts'
import type { Network, Party } from '../network/network.ts'
import { containerConfig } from './container-config.ts'
import type { ContainerLogs } from './container-logs.ts'
import type { ContainerRecord } from './container-record.ts'
import type { Itself } from './downward.ts'
import type { Images } from './images.ts'
import type { KeptNode } from './node-keeper.ts'
import type { References } from './pod-needs.ts'
import type { PodVolumes } from './pod-volumes.ts'
import type { Pids } from './sandbox/pids.ts'
import type { Execution } from './runtimes/runtime.ts'

export interface Surroundings {
  clock: Clock
  refs: References
  services: Lister<Service>
  volumes: PodVolumes
  logs: ContainerLogs
  images: Images
  network: Network
  /** Of the cluster's DNS. */
  nameserver: string
}

export function partyOf({ metadata, spec }: Pod, node: KeptNode, podIPs: readonly string[]): Party {
  const { uid = '', namespace = '', name = '' } = metadata
  return { uid, namespace, name, ip: podIPs[0] ?? '', ...(podIPs.length > 1 ? { ips: podIPs } : {}), nodeName: node.name, ...(spec.hostNetwork ? { hostNetwork: true } : {}) }
}

export function nodeParty(node: KeptNode): Party {
  return { name: node.name, ip: node.hostIP, ...(node.hostIPs.length > 1 ? { ips: node.hostIPs } : {}), nodeName: node.name }
}

/** @throws ConfigError */
export function makeExecution(surroundings: Surroundings, { itself, node, record, pids }: { itself: Itself; node: KeptNode; record: ContainerRecord; pids: Pids }): Execution {
  const { clock, refs, services, volumes, logs, images, nameserver } = surroundings
  const { pod } = itself
  const { container, role } = record
  const namespace = pod.metadata.namespace ?? ''
  const latestImage = () => images.find(container.image ?? '', namespace)
  const image = latestImage()
  const kubernetes = services.get('default', 'kubernetes')
  const known = [...(kubernetes ? [kubernetes] : []), ...services.list(namespace)]
  const config = containerConfig({ itself, container, image, refs, services: known, volumes, nameserver, now: () => clock.now() })
  const log = logs.begin(pod.metadata.uid ?? '', record.name)
  return { config, image, latestImage, log, party: partyOf(pod, node, itself.podIPs), pids, hostRoot: () => volumes.nodeRoot(node.name), isTask: role === 'init' || isTask(pod) }
}

/** Pods of which an end is expected: of Jobs, and Helm's hooks. */
function isTask({ metadata, spec }: Pod): boolean {
  if (spec.restartPolicy === 'Always' || spec.restartPolicy === undefined) return false
  return (metadata.ownerReferences ?? []).some((o) => o.kind === 'Job') || metadata.annotations?.['helm.sh/hook'] !== undefined
}
