/** Sets of tolerations. Models k8s.io/kubernetes/pkg/util/tolerations. */
import type { Toleration } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'

/** Both lists, without what another toleration in them covers; of equal ones the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second]
  const merged: Toleration[] = []
  all.forEach((toleration, i) => {
    const isCovered = merged.some((t) => covers(t, toleration)) || all.slice(i + 1).some((t) => !equalJSON(t, toleration) && covers(t, toleration))
    if (!isCovered) merged.push(toleration)
  })
  return merged
}

/** Whether each toleration is covered by one of the list; an empty list allows all. */
export function areAllowed(tolerations: readonly Toleration[], allowed: readonly Toleration[]): boolean {
  return allowed.length === 0 || tolerations.every((toleration) => allowed.some((a) => covers(a, toleration)))
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (equalJSON(wide, narrow)) return true
  const { key = '', operator = '', effect = '', value = '', tolerationSeconds } = wide
  if (key !== (narrow.key ?? '') && (key !== '' || operator !== 'Exists')) return false
  if (effect !== '' && effect !== (narrow.effect ?? '')) return false
  if (effect === 'NoExecute' && tolerationSeconds !== undefined && (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > tolerationSeconds)) return false
  if (operator === 'Exists') return true
  return (operator === '' || operator === 'Equal') && narrow.operator === 'Equal' && (narrow.value ?? '') === value
}
