/** Warnings about the spec of a job. Models k8s.io/kubernetes/pkg/api/job/warnings.go. */
import type { JobSpec } from '../../../schemas/types.ts'
import { podTemplateWarnings } from '../../core/v1/_pod-warnings.ts'

const COMPLETIONS_SOFT_LIMIT = 100_000
const PARALLELISM_SOFT_LIMIT = 10_000

export function jobSpecWarnings(spec: JobSpec, path: string): string[] {
  const out: string[] = []
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > COMPLETIONS_SOFT_LIMIT && (spec.parallelism ?? 0) > PARALLELISM_SOFT_LIMIT) {
    out.push(`${path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`)
  }
  return [...out, ...podTemplateWarnings(spec.template, `${path}.template`)]
}
