/** How much of its resources a node would have in use, as scores. Models the strategies of pkg/scheduler/framework/plugins/noderesources. */
import { MAX_NODE_SCORE } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import { amountOf, isScalarResource } from './resources.ts'

export interface WeighedResource {
  name: string
  weight: number
}

/** Score of one resource from what would be in use and what there is. */
type ResourceScore = (requested: number, capacity: number) => number

export const leastAllocated: ResourceScore = (requested, capacity) => (requested > capacity ? 0 : Math.trunc(((capacity - requested) * MAX_NODE_SCORE) / capacity))

export const mostAllocated: ResourceScore = (requested, capacity) => Math.trunc((Math.min(requested, capacity) * MAX_NODE_SCORE) / capacity)

export interface ShapePoint {
  utilization: number
  score: number
}

/** Linear between the points of `shape`, whose scores go from 0 to 10. */
export function requestedToCapacityRatio(shape: readonly ShapePoint[]): ResourceScore {
  const points = shape.map((p) => ({ utilization: p.utilization, score: p.score * 10 }))
  const at = (p: number): number => {
    for (const [i, point] of points.entries()) {
      if (p > point.utilization) continue
      const before = points[i - 1]
      if (!before) return point.score
      return before.score + Math.trunc(((point.score - before.score) * (p - before.utilization)) / (point.utilization - before.utilization))
    }
    return points.at(-1)?.score ?? 0
  }
  return (requested, capacity) => (requested > capacity ? at(100) : at(Math.trunc((requested * 100) / capacity)))
}

export interface Scoring {
  resources: readonly WeighedResource[]
  score: ResourceScore
  /** Leaves resources that score nothing out of the average, and rounds instead of cutting off. */
  ofRatio?: boolean
}

/** @param wanted of the pod, in the order of the resources */
export function allocationScore({ resources, score, ofRatio }: Scoring, wanted: readonly number[], node: NodeInfo): number {
  let sum = 0
  let weights = 0
  for (let i = 0; i < resources.length; i++) {
    const resource = resources[i]
    const own = wanted[i] ?? 0
    if (!resource || (own === 0 && isScalarResource(resource.name))) continue
    const capacity = amountOf(node.allocatable, resource.name)
    if (capacity === 0) continue
    const value = score(inUse(node, resource.name) + own, capacity)
    if (ofRatio && value <= 0) continue
    sum += value * resource.weight
    weights += resource.weight
  }
  if (weights === 0) return 0
  return ofRatio ? Math.round(sum / weights) : Math.trunc(sum / weights)
}

function inUse(node: NodeInfo, name: string): number {
  if (name === 'cpu') return node.nonZeroMilliCPU
  if (name === 'memory') return node.nonZeroMemory
  return amountOf(node.requested, name)
}

/** 50…100: how evenly the resources are used. */
function balance(fractions: readonly number[]): number {
  let deviation = 0
  const [first = 0, second = 0] = fractions
  if (fractions.length === 2) {
    deviation = Math.abs((first - second) / 2)
  } else if (fractions.length > 2) {
    const mean = fractions.reduce((a, b) => a + b, 0) / fractions.length
    deviation = Math.sqrt(fractions.reduce((a, f) => a + (f - mean) * (f - mean), 0) / fractions.length)
  }
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE)
}

/** By how much the pod would make the use of the node more even: 75 when it changes nothing. */
export function balanceScore(resources: readonly WeighedResource[], wanted: readonly number[], node: NodeInfo): number {
  const before: number[] = []
  const after: number[] = []
  for (let i = 0; i < resources.length; i++) {
    const name = resources[i]?.name ?? ''
    const own = wanted[i] ?? 0
    if (own === 0 && isScalarResource(name)) continue
    const capacity = amountOf(node.allocatable, name)
    if (capacity === 0) continue
    const used = amountOf(node.requested, name)
    before.push(Math.min(1, used / capacity))
    after.push(Math.min(1, (used + own) / capacity))
  }
  const half = MAX_NODE_SCORE / 2
  return half + Math.trunc((half + balance(after) - balance(before)) / 2)
}
