/** What a stricter level means for the pods that are there. Models EvaluatePodsInNamespace of k8s.io/pod-security-admission/admission. */
import type { Pod } from '../../../schemas/types.ts'
import { quote } from '../../errors.ts'
import { evaluatePod, reasonsText } from './evaluate.ts'
import { formatLevel, type LevelVersion } from './policy.ts'

const MAX_PODS = 3000

/** The warnings that a change of the enforced level gives. */
export function podWarnings(namespace: string, enforce: LevelVersion, pods: readonly Pod[]): string[] {
  const ordered = prioritized(pods)
  const checked = ordered.slice(0, MAX_PODS)
  const violators = new Map<string, { first: string; count: number }>()
  for (const { metadata, spec } of checked) {
    const findings = evaluatePod(enforce, { metadata, spec })
    if (findings.length === 0) continue
    const text = reasonsText(findings)
    const name = metadata.name ?? ''
    const seen = violators.get(text)
    violators.set(text, seen ? { first: name < seen.first ? name : seen.first, count: seen.count + 1 } : { first: name, count: 1 })
  }
  const warnings: string[] = []
  if (checked.length < ordered.length) warnings.push(`new PodSecurity enforce level only checked against the first ${checked.length} of ${ordered.length} existing pods`)
  if (violators.size > 0) warnings.push(`existing pods in namespace ${quote(namespace)} violate the new PodSecurity enforce level ${quote(formatLevel(enforce))}`)
  const texts = [...violators].map(([text, { first, count }]) => `${first}${others(count)}: ${text}`)
  return [...warnings, ...texts.sort()]
}

function others(count: number): string {
  if (count === 1) return ''
  return count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`
}

/** Of the pods of one controller the first, then the rest: they are likely all the same. */
function prioritized(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>()
  const first: Pod[] = []
  const rest: Pod[] = []
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find((ref) => ref.controller)?.uid
    if (owner === undefined || !seen.has(owner)) first.push(pod)
    else rest.push(pod)
    if (owner !== undefined) seen.add(owner)
  }
  return [...first, ...rest]
}
