/** What a node may do to pods. Models admitPod, admitPodStatus and admitPodEviction of the NodeRestriction plugin. */
import type { Node, Pod, PodResourceClaimStatus } from '../../../schemas/types.ts'
import { equalJSON } from '../../apimachinery/json.ts'
import { notFound, quote } from '../../errors.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { apiReference } from '../pod-references.ts'
import { refuse } from '../refuse.ts'

const MIRROR = 'kubernetes.io/config.mirror'

/** @throws StatusError 404 */
export function mustGetPod({ namespace, ctx }: AdmissionAttributes, name: string): Pod {
  const found = ctx.system.get<Pod>('v1/Pod', namespace, name)
  if (!found) throw notFound({ group: '', resource: 'pod' }, name)
  return found
}

export function checkPod(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, name } = attributes
  if (operation === 'CREATE') return checkMirrorPod(nodeName, attributes)
  if (operation !== 'DELETE') throw refuse(attributes, `unexpected operation ${quote(operation)}, node ${quote(nodeName)} can only create and delete mirror pods`)
  if (mustGetPod(attributes, name).spec.nodeName !== nodeName) throw refuse(attributes, `node ${quote(nodeName)} can only delete pods with spec.nodeName set to itself`)
}

function checkMirrorPod(nodeName: string, attributes: AdmissionAttributes): void {
  const pod = attributes.object as Pod
  const node = `node ${quote(nodeName)}`
  if (pod.metadata.annotations?.[MIRROR] === undefined) throw refuse(attributes, `pod does not have ${quote(MIRROR)} annotation, ${node} can only create mirror pods`)
  if (pod.spec.nodeName !== nodeName) throw refuse(attributes, `${node} can only create pods with spec.nodeName set to itself`)
  checkOwner(nodeName, pod, attributes)
  const { resource, unknown } = apiReference(pod)
  if (unknown !== undefined) throw refuse(attributes, `error checking mirror pod for API references: ${unknown}`)
  if (resource !== undefined) throw refuse(attributes, `${node} can not create pods that reference ${resource}`)
}

function checkOwner(nodeName: string, { metadata: { ownerReferences = [] } }: Pod, attributes: AdmissionAttributes): void {
  const node = `node ${quote(nodeName)}`
  const [owner] = ownerReferences
  if (ownerReferences.length > 1) throw refuse(attributes, `${node} can only create pods with a single owner reference set to itself`)
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName) throw refuse(attributes, `${node} can only create pods with an owner reference set to itself`)
  if (!owner.controller) throw refuse(attributes, `${node} can only create pods with a controller owner reference set to itself`)
  if (owner.blockOwnerDeletion) throw refuse(attributes, `${node} must not set blockOwnerDeletion on an owner reference`)
  const found = attributes.ctx.system.get<Node>('v1/Node', '', nodeName)
  if (!found) throw notFound({ group: '', resource: 'node' }, nodeName)
  if (owner.uid !== found.metadata.uid) throw refuse(attributes, `node ${nodeName} UID mismatch: expected ${owner.uid ?? ''} got ${found.metadata.uid ?? ''}`)
}

export function checkPodStatus(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, object, oldObject } = attributes
  if (operation !== 'UPDATE') throw refuse(attributes, `unexpected operation ${quote(operation)}`)
  const node = `node ${quote(nodeName)}`
  const old = oldObject as Pod
  const pod = object as Pod
  if (old.spec.nodeName !== nodeName) throw refuse(attributes, `${node} can only update pod status for pods with spec.nodeName set to itself`)
  if (!equalJSON(old.metadata.labels ?? {}, pod.metadata.labels ?? {})) throw refuse(attributes, `${node} cannot update labels through pod status`)
  if (!sameClaims(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses)) throw refuse(attributes, `${node} cannot update resource claim statues`)
  if (!equalJSON(old.status?.extendedResourceClaimStatus, pod.status?.extendedResourceClaimStatus)) throw refuse(attributes, `${node} cannot update extended resource claim status`)
}

function sameClaims(a: readonly PodResourceClaimStatus[] = [], b: readonly PodResourceClaimStatus[] = []): boolean {
  return a.length === b.length && a.every(({ name, resourceClaimName }, i) => name === b[i]?.name && resourceClaimName === b[i]?.resourceClaimName)
}

export function checkPodEviction(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, name, object } = attributes
  if (operation !== 'CREATE') throw refuse(attributes, `unexpected operation ${operation}`)
  const podName = name || (object?.metadata.name ?? '')
  if (!podName) throw refuse(attributes, 'could not determine pod from request data')
  if (mustGetPod(attributes, podName).spec.nodeName !== nodeName) throw refuse(attributes, `node ${nodeName} can only evict pods with spec.nodeName set to itself`)
}

