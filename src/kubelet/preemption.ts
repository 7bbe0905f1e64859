/**
 * Who makes room on a node for a pod that it must not refuse. Pure. Models pkg/kubelet/preemption/preemption.go and
 * Preemptable of pkg/kubelet/types/pod_update.go.
 */
import type { Pod } from '../../schemas/types.ts'
import { isCritical, type Eviction } from './eviction.ts'
import { requestedAmount, type Shortage } from './pod-admission.ts'

const QOS = ['BestEffort', 'Burstable', 'Guaranteed'] as const

/** What is lacking, by resource. */
type Lack = readonly { resource: string; amount: number }[]

/** The fewest that are enough, of the lowest class where there is a choice; undefined when all together are not. */
export function podsToPreempt(pod: Pod, others: readonly Pod[], shortages: readonly Shortage[]): Pod[] | undefined {
  const lack = shortages.map(({ resource, requested, used, capacity }) => ({ resource, amount: requested + used - capacity }))
  const candidates = others.filter((other) => isPreemptable(pod, other))
  if (without(lack, candidates).length > 0) return undefined
  const [bestEffort = [], burstable = [], guaranteed = []] = QOS.map((qos) => candidates.filter(({ status }) => (status?.qosClass ?? 'BestEffort') === qos))
  const ofGuaranteed = closest(guaranteed, without(lack, [...bestEffort, ...burstable]))
  const ofBurstable = closest(burstable, without(lack, [...bestEffort, ...ofGuaranteed]))
  const ofBestEffort = closest(bestEffort, without(lack, [...ofBurstable, ...ofGuaranteed]))
  return [...ofBestEffort, ...ofBurstable, ...ofGuaranteed]
}

export function preempted({ metadata }: Pod, now: string): Eviction {
  const message = 'Preempted in order to admit critical pod'
  return { reason: 'Preempting', message, signal: '', condition: { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: 'Pod was preempted by Kubelet to accommodate a critical pod.', lastTransitionTime: now, observedGeneration: metadata.generation } }
}

function isPreemptable(pod: Pod, other: Pod): boolean {
  return (isCritical(pod) && !isCritical(other)) || (pod.spec.priority ?? 0) > (other.spec.priority ?? 0)
}

function without(lack: Lack, pods: readonly Pod[]): Lack {
  const left = lack.map(({ resource, amount }) => ({ resource, amount: amount - pods.reduce((sum, pod) => sum + requestedAmount(pod, resource), 0) }))
  return left.filter(({ amount }) => amount > 0)
}

/** Those that leave the least unmet, one after the other; of equals the smaller. */
function closest(pods: readonly Pod[], lack: Lack): Pod[] {
  const left = [...pods]
  const chosen: Pod[] = []
  for (let rest = lack; rest.length > 0 && left.length > 0; rest = without(rest, chosen.slice(-1))) {
    const unmet = (pod: Pod) => rest.reduce((sum, { resource, amount }) => sum + (Math.max(0, amount - requestedAmount(pod, resource)) / amount) ** 2, 0)
    const size = (pod: Pod, resource: string) => requestedAmount(pod, resource)
    const [best] = [...left].sort((a, b) => unmet(a) - unmet(b) || size(a, 'memory') - size(b, 'memory') || size(a, 'cpu') - size(b, 'cpu'))
    if (!best) break
    chosen.push(best)
    left.splice(left.indexOf(best), 1)
  }
  return chosen
}
