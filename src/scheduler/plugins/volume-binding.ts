/** Places pods where their volumes are or can be made. Models pkg/scheduler/framework/plugins/volumebinding/volume_binding.go. */
import type { PersistentVolumeClaim, Pod } from '../../../schemas/types.ts'
import { isControlledBy } from '../../controller/owners.ts'
import { SKIP, definePlugin, failure, unresolvable, type Status } from '../framework.ts'
import { binderOf, type PodClaims, type VolumeBinder, type VolumeChoice } from '../volume-binder.ts'
import { claimNames, isClaimOf } from '../volumes.ts'

interface VolumeState {
  binder: VolumeBinder
  claims: PodClaims
  byNode: Map<string, VolumeChoice>
  timeoutMs: number
}

const UNBOUND = unresolvable('pod has unbound immediate PersistentVolumeClaims')

export default definePlugin<VolumeState>({
  name: 'VolumeBinding',
  order: 110,
  events: [
    { resource: 'StorageClass', actions: ['add', 'update'] },
    { resource: 'PersistentVolumeClaim', actions: ['add', 'update'], helps: isClaimOf },
    { resource: 'PersistentVolume', actions: ['add', 'update'] },
    { resource: 'Node', actions: ['add', 'labels'] },
    { resource: 'CSINode', actions: ['add', 'update'] },
    { resource: 'CSIDriver', actions: ['update'] },
    { resource: 'CSIStorageCapacity', actions: ['add', 'update'] },
  ],
  preFilter(cycle, info) {
    const { handle } = cycle
    if (info.claims.length === 0) return SKIP
    const binder = binderOf(handle)
    const found: PersistentVolumeClaim[] = []
    for (const { name, isEphemeral } of claimNames(info.pod)) {
      const claim = binder.claim(info.namespace, name)
      const problem = claim ? (problemOf(claim) ?? (isEphemeral ? notFor(info.pod, claim) : undefined)) : missing(name, isEphemeral)
      if (problem) return { status: unresolvable(problem) }
      if (claim) found.push(claim)
    }
    const claims = binder.sort(found)
    return claims.immediate.length > 0 ? { status: UNBOUND } : { state: { binder, claims, byNode: new Map(), timeoutMs: cycle.args('VolumeBinding').bindTimeoutSeconds * 1000 } }
  },
  filter({ binder, claims, byNode }, _pod, { name, node }) {
    const choice = binder.choose(claims, node)
    if (Array.isArray(choice)) return refusal(choice)
    byNode.set(name, choice)
    return undefined
  },
  reserve({ binder, byNode }, _pod, nodeName) {
    const choice = byNode.get(nodeName)
    if (choice) binder.promise(choice, nodeName)
    return undefined
  },
  unreserve({ binder, byNode }, _pod, nodeName) {
    const choice = byNode.get(nodeName)
    if (choice) binder.release(choice)
  },
  willPreBind: ({ byNode }, _pod, nodeName) => choiceToBind(byNode, nodeName) !== undefined,
  preBind({ binder, byNode, timeoutMs }, pod, nodeName) {
    const choice = choiceToBind(byNode, nodeName)
    if (!choice) return undefined
    const bound = async (): Promise<Status | undefined> => {
      try {
        await binder.bind(choice, { pod, nodeName, timeoutMs })
        binder.release(choice)
        return undefined
      } catch (error) {
        return failure(error instanceof Error ? error.message : String(error))
      }
    }
    return bound()
  },
})

/** Undefined when all is bound already. */
function choiceToBind(byNode: ReadonlyMap<string, VolumeChoice>, nodeName: string): VolumeChoice | undefined {
  const choice = byNode.get(nodeName)
  return choice && choice.bindings.length + choice.provisions.length > 0 ? choice : undefined
}

function missing(name: string, isEphemeral: boolean): string {
  return isEphemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : `persistentvolumeclaim "${name}" not found`
}

function problemOf({ metadata, status, spec }: PersistentVolumeClaim): string | undefined {
  if (status?.phase === 'Lost') return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${spec.volumeName}"`
  return metadata.deletionTimestamp ? `persistentvolumeclaim "${metadata.name}" is being deleted` : undefined
}

function notFor(pod: Pod, claim: PersistentVolumeClaim): string | undefined {
  return isControlledBy(claim, pod) ? undefined : `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`
}

const refusals = new Map<string, Status>()

function refusal(reasons: readonly string[]): Status {
  const key = reasons.join()
  let status = refusals.get(key)
  if (!status) refusals.set(key, (status = unresolvable(...reasons)))
  return status
}
