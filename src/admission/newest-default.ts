/** Which of several classes that are marked as the default is taken. */
import type { KubeObject } from '../registry/kind.ts'

/** The newest counts; of equally old ones the first by name. */
export function newestDefault<T extends KubeObject>(classes: readonly T[], markers: readonly string[]): T | undefined {
  const marked = classes.filter(({ metadata: { annotations = {} } }) => markers.some((marker) => annotations[marker] === 'true'))
  return marked.reduce<T | undefined>((best, c) => (!best || comesBefore(c, best) ? c : best), undefined)
}

function comesBefore({ metadata: a }: KubeObject, { metadata: b }: KubeObject): boolean {
  const newer = Date.parse(a.creationTimestamp ?? '') - Date.parse(b.creationTimestamp ?? '')
  return newer === 0 ? (a.name ?? '') < (b.name ?? '') : newer > 0
}
