/** Small nodes and pods for scheduler tests. */
import type { Node, NodeSpec, Pod, PodSpec } from '../../schemas/types.ts'

export interface NodeParts {
  labels?: Record<string, string>
  allocatable?: Record<string, string>
  spec?: NodeSpec
  images?: { names: string[]; sizeBytes: number }[]
}

export function node(name: string, { labels, allocatable = { cpu: '4', memory: '8Gi', pods: '20' }, spec = {}, images }: NodeParts = {}): Node {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } }, spec, status: { capacity: allocatable, allocatable, ...(images ? { images } : {}) } }
}

export interface PodParts extends Partial<PodSpec> {
  labels?: Record<string, string>
  cpu?: string
  memory?: string
  uid?: string
  namespace?: string
}

let made = 0

export function pod(name: string, { labels, cpu, memory, uid = `${name}-${++made}`, namespace = 'default', ...spec }: PodParts = {}): Pod {
  const requests = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) }
  const containers = [{ name: 'c', image: 'app:1', ...(cpu || memory ? { resources: { requests } } : {}) }]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid, labels, generation: 1 }, spec: { containers, schedulerName: 'default-scheduler', ...spec }, status: { phase: 'Pending' } }
}
