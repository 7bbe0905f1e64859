/** What metrics of pods and nodes share. Models sigs.k8s.io/metrics-server/pkg/{api,storage}. */
import type { Pod } from '../../../schemas/types.ts'
import { formatTime } from '../../../src/clock.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { usageByRequests, type Usage } from '../../../src/registry/usage.ts'

export const METRICS = { group: 'metrics.k8s.io', version: 'v1beta1' } as const

/** Over which figures are means. */
const WINDOW = '15s'

/** When the figures are from, and of which time. */
export function measured({ clock }: WriteContext): { timestamp: string; window: string } {
  return { timestamp: formatTime(clock.now()), window: WINDOW }
}

/** The figures of the containers that run, in their order. */
export function containerUsage(pod: Pod, { system }: WriteContext): { name: string; usage: Usage }[] {
  if (pod.status?.phase !== 'Running') return []
  const source = system.usage ?? usageByRequests
  const running = new Set([...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].filter(({ state }) => state?.running).map(({ name }) => name))
  return [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].flatMap((container) => {
    const usage = running.has(container.name ?? '') ? source(pod, container) : undefined
    return usage ? [{ name: container.name ?? '', usage }] : []
  })
}
