/**
 * Binding a pod to a node. Models BindingREST of k8s.io/kubernetes/pkg/registry/core/pod/storage/storage.go: the write is
 * not an update of the pod as a user could make it, so neither its validation nor its generation take part.
 */
import type { Binding, Pod } from '../../../schemas/types.ts'
import { aggregateErrors, badRequest, conflict, field, type FieldError, type Status, StatusError } from '../../../src/errors.ts'
import type { KubeObject, WriteContext } from '../../../src/registry/kind.ts'
import { withPodCondition } from './_pod-conditions.ts'

const PODS = { group: '', resource: 'pods' }

/** What a POST that only reports success answers. */
export const created: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

export async function bindPod({ name, body, ctx }: { name: string; body: KubeObject; ctx: WriteContext }): Promise<Status> {
  const binding: Binding = body
  if (name !== binding.metadata.name) throw badRequest('name in URL does not match name in Binding object')
  const errors = validateBinding(binding)
  if (errors.length) throw new StatusError({ code: 500, message: aggregateErrors(errors) })
  await ctx.system.update<Pod>('v1/Pod', { namespace: ctx.namespace, name }, (pod) => bound(pod, binding, ctx), { subresource: 'binding', dryRun: ctx.dryRun })
  return created
}

function validateBinding(binding: Binding): FieldError[] {
  const errors: FieldError[] = []
  const { kind = '', name = '' } = binding.target ?? {}
  if (kind && kind !== 'Node') errors.push(field.notSupported('target.kind', kind, ['Node', '<empty>']))
  if (!name) errors.push(field.required('target.name'))
  return errors
}

function bound(pod: Pod, binding: Binding, ctx: WriteContext): Pod {
  checkPreconditions(pod, binding)
  const name = pod.metadata.name ?? ''
  const refuse = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, why)
  if (pod.metadata.deletionTimestamp) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`)
  if (pod.spec.nodeName) throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`)
  if (pod.spec.schedulingGates?.length) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`)
  const metadata = { ...pod.metadata }
  if (binding.metadata.annotations) metadata.annotations = { ...metadata.annotations, ...binding.metadata.annotations }
  if (binding.metadata.labels) metadata.labels = { ...metadata.labels, ...binding.metadata.labels }
  const { nominatedNodeName: _, ...status } = withPodCondition(pod.status, { type: 'PodScheduled', status: 'True' }, ctx.clock.now())
  return { ...pod, metadata, spec: { ...pod.spec, nodeName: binding.target?.name ?? '' }, status }
}

function checkPreconditions(pod: Pod, { metadata }: Binding): void {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = pod.metadata
  const fail = (what: string, wanted: string, found: string) =>
    conflict(PODS, name, `StorageError: invalid object, Code: 4, Key: /registry/pods/${namespace}/${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`)
  if (metadata.uid && metadata.uid !== uid) throw fail('UID', metadata.uid, uid)
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) throw fail('ResourceVersion', metadata.resourceVersion, resourceVersion)
}
