/** Defaults of a job's spec that its template in a CronJob gets too. Models k8s.io/kubernetes/pkg/apis/batch/v1/defaults.go. */
import type { JobSpec } from '../../../schemas/types.ts'
import { defaultPodTemplate } from '../../core/v1/_pod-defaults.ts'

export function defaultJobSpec(spec: JobSpec): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  defaultPodTemplate((spec.template ??= {}))
}
