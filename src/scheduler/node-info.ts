/**
 * A node and the pods on it, with their sums kept up to date as pods come and go. Models framework.NodeInfo.
 */
import type { Node, Taint } from '../../schemas/types.ts'
import type { HostPort, PodInfo } from './pod-info.ts'
import { addResource, cloneResource, emptyResource, resourceOf, type Resource } from './resources.ts'

const NO_LABELS: Readonly<Record<string, string>> = {}

let changes = 0

export class NodeInfo {
  readonly name: string
  /** Its place in tables of the cache; -1 for copies. */
  slot = -1
  /** Another number after every change. */
  generation = ++changes
  node: Node
  labels: Readonly<Record<string, string>>
  taints: readonly Taint[] | undefined
  allocatable: Resource
  /** By uid, in the order in which they came. */
  readonly pods: Map<string, PodInfo>
  readonly requested: Resource
  nonZeroMilliCPU = 0
  nonZeroMemory = 0
  readonly #usedPorts: Map<string, number>
  /** How many pods use a claim, by `namespace/name`. */
  readonly claims: Map<string, number>
  /** Sizes of the images that are here, by normalized name; undefined when the node tells of none. */
  images: ReadonlyMap<string, number> | undefined

  constructor(node: Node, from?: NodeInfo) {
    this.name = node.metadata.name ?? ''
    this.node = node
    this.labels = node.metadata.labels ?? NO_LABELS
    this.taints = node.spec.taints
    this.allocatable = from ? from.allocatable : resourceOf(node.status?.allocatable)
    this.pods = new Map(from?.pods)
    this.requested = from ? cloneResource(from.requested) : emptyResource()
    this.nonZeroMilliCPU = from?.nonZeroMilliCPU ?? 0
    this.nonZeroMemory = from?.nonZeroMemory ?? 0
    this.#usedPorts = from ? new Map(from.#usedPorts) : new Map()
    this.claims = new Map(from?.claims)
    this.images = from ? from.images : imagesOf(node)
  }

  /** A copy whose pods can be taken off and put on without anybody seeing it. */
  clone(): NodeInfo {
    return new NodeInfo(this.node, this)
  }

  setNode(node: Node): void {
    this.generation = ++changes
    this.node = node
    this.labels = node.metadata.labels ?? NO_LABELS
    this.taints = node.spec.taints
    this.allocatable = resourceOf(node.status?.allocatable)
    this.images = imagesOf(node)
  }

  addPod(info: PodInfo): void {
    this.removePod(info.uid)
    this.pods.set(info.uid, info)
    this.#count(info, 1)
  }

  removePod(uid: string): PodInfo | undefined {
    const info = this.pods.get(uid)
    if (!info) return undefined
    this.pods.delete(uid)
    this.#count(info, -1)
    return info
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    this.generation = ++changes
    addResource(this.requested, info.effective, sign)
    const { nonZero } = info
    this.nonZeroMilliCPU += sign * nonZero.milliCPU
    this.nonZeroMemory += sign * nonZero.memory
    for (const port of info.hostPorts) bump(this.#usedPorts, portKey(port), sign)
    for (const claim of info.claims) bump(this.claims, claim, sign)
  }

  /** Whether a port is taken, also by a port of the wildcard address or against one. */
  isPortUsed({ ip, protocol, port }: HostPort): boolean {
    if (this.#usedPorts.size === 0) return false
    if (ip !== '0.0.0.0') return this.#usedPorts.has(portKey({ ip, protocol, port })) || this.#usedPorts.has(portKey({ ip: '0.0.0.0', protocol, port }))
    const tail = `/${protocol}/${port}`
    for (const used of this.#usedPorts.keys()) if (used.endsWith(tail)) return true
    return false
  }
}

function portKey({ ip, protocol, port }: HostPort): string {
  return `${ip}/${protocol}/${port}`
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

function imagesOf(node: Node): ReadonlyMap<string, number> | undefined {
  const images = node.status?.images
  if (!images?.length) return undefined
  const sizes = new Map<string, number>()
  for (const { names, sizeBytes } of images) for (const name of names ?? []) sizes.set(name, sizeBytes ?? 0)
  return sizes
}
