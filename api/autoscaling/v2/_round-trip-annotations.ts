/** Annotations in which autoscaling/v1 carries what only v2 has fields for. Models k8s.io/kubernetes/pkg/apis/autoscaling/{annotations,helpers}.go. */
import type { ObjectMeta } from '../../../schemas/types.ts'

const PREFIX = 'autoscaling.alpha.kubernetes.io/'

export const METRICS = `${PREFIX}metrics`
export const CURRENT_METRICS = `${PREFIX}current-metrics`
export const CONDITIONS = `${PREFIX}conditions`
export const BEHAVIOR = `${PREFIX}behavior`
export const ROUND_TRIP_ANNOTATIONS = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR, `${PREFIX}scale-down-tolerance`, `${PREFIX}scale-up-tolerance`]

/** In place; the annotations themselves are copied. */
export function dropRoundTripAnnotations(metadata: ObjectMeta): void {
  const { annotations } = metadata
  if (!annotations || !ROUND_TRIP_ANNOTATIONS.some((key) => Object.hasOwn(annotations, key))) return
  metadata.annotations = Object.fromEntries(Object.entries(annotations).filter(([key]) => !ROUND_TRIP_ANNOTATIONS.includes(key)))
}
