/** Which taints a pod puts up with. Models k8s.io/component-helpers/scheduling/corev1. */
import type { Taint, Toleration } from '../../schemas/types.ts'

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { effect, key, operator, value } = toleration
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  return (operator === undefined || operator === '' || operator === 'Equal') && (value ?? '') === (taint.value ?? '')
}

export function toleratesTaint(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  if (tolerations) for (const t of tolerations) if (tolerates(t, taint)) return true
  return false
}

/** The first taint that keeps the pod away. */
export function untoleratedTaint(taints: readonly Taint[] | undefined, tolerations: readonly Toleration[] | undefined): Taint | undefined {
  if (taints) for (const taint of taints) if ((taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') && !toleratesTaint(tolerations, taint)) return taint
  return undefined
}
