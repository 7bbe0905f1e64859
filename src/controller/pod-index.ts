/**
 * The pods that concern an owner: those it controls, and those of its namespace that nobody controls, which it may
 * adopt. Also which owners a changed pod concerns. Models FilterPodsByOwner and AddPodControllerIndexer of
 * k8s.io/kubernetes/pkg/controller/controller_utils.go and the pod handlers that its controllers share.
 */
import type { Pod } from '../../schemas/types.ts'
import type { Selector } from '../apimachinery/labels.ts'
import type { KubeObject } from '../registry/kind.ts'
import { keyOf, type ControllerContext, type Key } from './controller.ts'
import { semanticEqual } from './equal.ts'
import { controllerKey, controllerOf } from './owners.ts'

const ORPHANS = 'orphans'

/** To be called in `setup` of a controller that uses `podsOf`. */
export function indexOrphans(ctx: ControllerContext, kind = 'v1/Pod'): void {
  ctx.informers.for(kind).addIndex(ORPHANS, (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? '']))
}

/** Owned objects and, as candidates for adoption, the namespace's orphans. */
export function ownedAndOrphans<T extends KubeObject>(ctx: ControllerContext, owner: KubeObject, kind: string): T[] {
  const lister = ctx.informers.lister<T>(kind)
  const owned = lister.ownedBy(owner.metadata.uid ?? '')
  const orphans = lister.byIndex(ORPHANS, owner.metadata.namespace ?? '')
  return orphans.length === 0 ? owned : [...owned, ...orphans]
}

/**
 * The `watches` entry of a kind that owners of kind `ownerKind` control: wakes the owner, now and formerly, and for an
 * orphan every owner whose selector matches it.
 * @param matters whether a change of an owned object is worth a reconcile; changes of labels, owner and deletion are
 */
export function watchOwned<T extends KubeObject, O extends KubeObject>(ownerKind: string, selector: (owner: O) => Selector, matters: (object: T, old: T) => boolean = () => true) {
  return (changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] => {
    const object = changed as T
    const old = before as T | undefined
    const key = controllerKey(object, ownerKind)
    if (!old) return key ? [key] : controllerOf(object) ? [] : adopters(ctx, ownerKind, selector, object)
    const oldKey = controllerKey(old, ownerKind)
    const relabelled = object.metadata.labels !== old.metadata.labels && !semanticEqual(object.metadata.labels, old.metadata.labels)
    if (key !== oldKey) return [...(key ? [key] : []), ...(oldKey ? [oldKey] : []), ...(controllerOf(object) ? [] : adopters(ctx, ownerKind, selector, object))]
    if (key) return relabelled || object.metadata.deletionTimestamp !== old.metadata.deletionTimestamp || matters(object, old) ? [key] : []
    return relabelled && !controllerOf(object) ? adopters(ctx, ownerKind, selector, object) : []
  }
}

function adopters<O extends KubeObject>(ctx: ControllerContext, ownerKind: string, selector: (owner: O) => Selector, object: KubeObject): Key[] {
  if (object.metadata.deletionTimestamp) return []
  const { namespace, labels } = object.metadata
  return ctx.informers
    .lister<O>(ownerKind)
    .list(namespace)
    .filter((owner) => selector(owner).matches(labels))
    .map(keyOf)
}

/** True when a pod changed in what workload controllers count: phase, conditions, restarts. Assignment to a node is not. */
export function podStatusChanged(pod: Pod, old: Pod): boolean {
  if (pod.status === old.status) return false
  return pod.status?.phase !== old.status?.phase || readiness(pod) !== readiness(old)
}

function readiness(pod: Pod): string {
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready')
  return ready ? `${ready.status}${ready.lastTransitionTime}` : ''
}
