/** What extenders have to say, one after the other. Models findNodesThatPassExtenders, prioritizeNodes and callExtenders of upstream. */
import type { Logger } from 'pino'
import { quote } from '../errors.ts'
import type { Extender } from './extender.ts'
import { failure, unresolvable, unschedulable, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Victims } from './victims.ts'

/** Extenders score up to 10, plugins up to 100. */
const SCALE = 10

interface Asking {
  extenders: readonly Extender[]
  pod: PodInfo
  log: Logger
}

/** Nodes that all agree to; refusals are added to `byNode`. Rejects when one fails that may not be ignored. */
export async function passExtenders({ extenders, pod, log }: Asking, nodes: readonly NodeInfo[], byNode: Map<NodeInfo, Status>): Promise<readonly NodeInfo[]> {
  let left = nodes
  for (const extender of extenders) {
    if (left.length === 0) break
    if (!extender.isInterested(pod)) continue
    try {
      const verdict = await extender.filter(pod, left)
      for (const node of nodes) {
        const hopeless = verdict.unresolvable[node.name]
        const failed = verdict.failed[node.name]
        if (hopeless !== undefined) byNode.set(node, unresolvable(hopeless))
        else if (failed !== undefined) byNode.set(node, unschedulable(failed))
      }
      left = verdict.nodes
    } catch (error) {
      if (!extender.isIgnorable) throw error
      log.info({ extender: extender.name, err: error }, 'skipping extender that failed and may be ignored')
    }
  }
  return left
}

/** Adds their scores; one that fails has none to give. */
export async function addExtenderScores({ extenders, pod, log }: Asking, nodes: readonly NodeInfo[], totals: Float64Array): Promise<void> {
  const asked = extenders.filter((e) => e.isPrioritizer && e.isInterested(pod))
  const answers = await Promise.allSettled(asked.map((e) => e.prioritize(pod, nodes)))
  answers.forEach((answer, i) => {
    const extender = asked[i]
    if (!extender) return
    if (answer.status === 'rejected') return log.debug({ extender: extender.name, err: answer.reason as unknown }, 'extender gave no scores')
    nodes.forEach((node, n) => (totals[n] = (totals[n] ?? 0) + (answer.value.get(node.name) ?? 0) * extender.weight * SCALE))
  })
}

/** The extender that binds this pod, if there is one; resolves to undefined when none does. */
export async function bindByExtender({ extenders, pod, log }: Asking, nodeName: string): Promise<{ status: Status | undefined } | undefined> {
  for (const extender of extenders) {
    if (!extender.isBinder || !extender.isInterested(pod)) continue
    try {
      await extender.bind(pod, nodeName)
      return { status: undefined }
    } catch (error) {
      if (!extender.isIgnorable) return { status: failure(error instanceof Error ? error.message : String(error)) }
      log.info({ extender: extender.name, err: error }, 'skipping extender that failed to bind and may be ignored')
    }
  }
  return undefined
}

/** Candidates for preemption that extenders leave. */
export async function preemptByExtenders({ extenders, pod, log }: Asking, candidates: readonly Victims[]): Promise<readonly Victims[] | Status> {
  let left = candidates
  for (const extender of extenders) {
    if (left.length === 0) break
    if (!extender.supportsPreemption || !extender.isInterested(pod)) continue
    try {
      const answered = await extender.preempt(pod, left)
      const empty = answered.find((v) => v.pods.length === 0)
      if (empty && !extender.isIgnorable) return failure(`expected at least one victim pod on node ${quote(empty.node.name)}`)
      left = answered.filter((v) => v.pods.length > 0)
    } catch (error) {
      if (!extender.isIgnorable) return failure(error instanceof Error ? error.message : String(error))
      log.info({ extender: extender.name, err: error }, 'skipping extender that failed and may be ignored')
    }
  }
  return left
}
