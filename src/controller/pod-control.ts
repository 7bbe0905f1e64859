/**
 * Pods made from a template and deleted on behalf of an owner, with the events that tell of it.
 * Models RealPodControl of k8s.io/kubernetes/pkg/controller/controller_utils.go and slowStartBatch of replicaset.
 */
import type { Pod, PodTemplateSpec } from '../../schemas/types.ts'
import type { KubeObject } from '../registry/kind.ts'
import { isStatusError } from '../errors.ts'
import type { ControllerContext } from './controller.ts'
import { controllerRef, refOf } from './owners.ts'

/** A pod as the template wants it; parts are shared with the template. @param kind the owner's, as `apps/v1/ReplicaSet` */
export function podFromTemplate(template: PodTemplateSpec | undefined, owner: KubeObject, kind: string): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${owner.metadata.name ?? ''}-`,
      namespace: owner.metadata.namespace,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerRef(owner, kind)],
    },
    spec: template?.spec ?? {},
  }
}

/** True when an error only says that the namespace is going away, which needs no telling and no retry. */
export function isNamespaceTerminating(error: unknown): boolean {
  return isStatusError(error) && (error.details?.causes?.some((c) => c.reason === 'NamespaceTerminating') ?? false)
}

export async function createPod(ctx: ControllerContext, owner: KubeObject, pod: Pod): Promise<Pod> {
  let made: Pod
  try {
    made = await ctx.client.create(pod)
  } catch (error) {
    if (!isNamespaceTerminating(error)) ctx.events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
    throw error
  }
  ctx.events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata.name}`)
  return made
}

/** A pod that is gone already is no error and no event. */
export async function deletePod(ctx: ControllerContext, owner: KubeObject, pod: Pod): Promise<void> {
  try {
    await ctx.client.delete('v1/Pod', refOf(pod))
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return
    ctx.events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
    throw new Error(`unable to delete pods: ${messageOf(error)}`, { cause: error })
  }
  ctx.events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
}

/**
 * Calls `write` for the numbers below `count` in batches of 1, 2, 4 … and stops after the batch in which one failed, so
 * that a refusal that meets all of them (quota) is met a few times only. Rejects with the first failure.
 */
export async function slowStart(count: number, write: (index: number) => Promise<unknown>): Promise<void> {
  for (let done = 0, size = 1; done < count; size *= 2) {
    const batch: Promise<unknown>[] = []
    for (const end = Math.min(done + size, count); done < end; done++) batch.push(write(done))
    await all(batch)
  }
}

/** Waits for all, then rejects with the first failure if there was one. */
export async function all(writes: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(writes)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
