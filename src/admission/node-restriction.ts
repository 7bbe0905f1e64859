/**
 * Kubelets change only what is theirs: their node, its lease, the status of their pods. Models
 * k8s.io/kubernetes/plugin/pkg/admission/noderestriction.
 */
import type { CertificateSigningRequest, Node, PersistentVolumeClaim, ResourceSlice } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { quote } from '../errors.ts'
import { parseRequest } from './certificate-subject-restriction.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { forbiddenLabels } from './node-restriction/labels.ts'
import { checkPod, checkPodEviction, checkPodStatus } from './node-restriction/pods.ts'
import { checkTokenRequest } from './node-restriction/tokens.ts'
import { refuse } from './refuse.ts'

const NODE_USER = 'system:node:'
const NODE_GROUP = 'system:nodes'
const LEASE_NAMESPACE = 'kube-node-lease'
const KUBELET_SIGNERS = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet']

type Check = (nodeName: string, attributes: AdmissionAttributes) => void | Promise<void>

const CHECKS: Readonly<Record<string, Check>> = {
  pods: checkPods,
  nodes: checkNode,
  persistentvolumeclaims: checkClaim,
  serviceaccounts: checkTokenRequest,
  'leases.coordination.k8s.io': checkLease,
  'csinodes.storage.k8s.io': checkCSINode,
  'resourceslices.resource.k8s.io': checkResourceSlice,
  'certificatesigningrequests.certificates.k8s.io': checkCertificateRequest,
}

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  mutate(attributes) {
    const { operation, kind, ctx } = attributes
    const { name, groups } = ctx.user
    if (operation === 'CONNECT' || !name.startsWith(NODE_USER) || !groups.includes(NODE_GROUP)) return
    const nodeName = name.slice(NODE_USER.length)
    if (!nodeName) throw refuse(attributes, `could not determine node from user ${quote(name)}`)
    return CHECKS[kind.group ? `${kind.plural}.${kind.group}` : kind.plural]?.(nodeName, attributes)
  },
}

function checkPods(nodeName: string, attributes: AdmissionAttributes): void {
  const { subresource } = attributes
  if (subresource === '') return checkPod(nodeName, attributes)
  if (subresource === 'status') return checkPodStatus(nodeName, attributes)
  if (subresource === 'eviction') return checkPodEviction(nodeName, attributes)
  throw refuse(attributes, `unexpected pod subresource ${quote(subresource)}, only 'status' and 'eviction' are allowed`)
}

function checkNode(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, name, object, oldObject } = attributes
  if (name !== nodeName) throw refuse(attributes, `node ${quote(nodeName)} is not allowed to modify node ${quote(name)}`)
  const node = object as Node | undefined
  const old = oldObject as Node | undefined
  if (operation === 'CREATE' && node) {
    if (node.spec?.configSource) throw refuse(attributes, `node ${quote(nodeName)} is not allowed to create pods with a non-nil configSource`)
    const labels = forbiddenLabels(node.metadata.labels, undefined)
    if (labels.length > 0) throw refuse(attributes, `node ${quote(nodeName)} is not allowed to set the following labels: ${labels.join(', ')}`)
  }
  if (operation === 'UPDATE' && node && old) checkNodeUpdate(nodeName, node, old, attributes)
}

function checkNodeUpdate(nodeName: string, node: Node, old: Node, attributes: AdmissionAttributes): void {
  const deny = (what: string) => refuse(attributes, `node ${quote(nodeName)} is not allowed to ${what}`)
  if (node.spec?.configSource && !equalJSON(node.spec.configSource, old.spec?.configSource)) throw deny('update configSource to a new non-nil configSource')
  if (!equalJSON(node.spec?.taints ?? [], old.spec?.taints ?? [])) throw deny('modify taints')
  if (!equalJSON(node.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) throw deny('modify ownerReferences')
  const labels = forbiddenLabels(node.metadata.labels, old.metadata.labels)
  if (labels.length > 0) throw refuse(attributes, `is not allowed to modify labels: ${labels.join(', ')}`)
}

function checkClaim(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, subresource, object, oldObject } = attributes
  if (subresource !== 'status') throw refuse(attributes, 'may only update PVC status')
  if (operation !== 'UPDATE') throw refuse(attributes, `unexpected operation ${quote(operation)}`)
  const changed = changedMembers(withoutSizes(object as PersistentVolumeClaim), withoutSizes(oldObject as PersistentVolumeClaim))
  if (changed.length > 0) throw refuse(attributes, `node ${quote(nodeName)} is not allowed to update fields other than status.quantity and status.conditions: ${changed.join(', ')}`)
}

/** What a node may not change of a claim. */
function withoutSizes({ metadata, spec, status }: PersistentVolumeClaim): Record<string, unknown> {
  const { resourceVersion: _, managedFields: __, ...meta } = metadata
  const { capacity: ___, conditions: ____, allocatedResources: _____, allocatedResourceStatuses: ______, ...rest } = status ?? {}
  return { metadata: meta, spec, status: rest }
}

function changedMembers(now: Record<string, unknown>, before: Record<string, unknown>): string[] {
  return Object.keys(now).filter((key) => !equalJSON(now[key], before[key]))
}

/** The name of what is written, which a create only has in its object. */
function nameOf({ operation, name, object }: AdmissionAttributes): string {
  return operation === 'CREATE' ? (object?.metadata.name ?? '') : name
}

function checkLease(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.namespace !== LEASE_NAMESPACE) throw refuse(attributes, `can only access leases in the ${quote(LEASE_NAMESPACE)} system namespace`)
  if (nameOf(attributes) !== nodeName) throw refuse(attributes, 'can only access node lease with the same name as the requesting node')
}

function checkCSINode(nodeName: string, attributes: AdmissionAttributes): void {
  if (nameOf(attributes) !== nodeName) throw refuse(attributes, 'can only access CSINode with the same name as the requesting node')
}

function checkResourceSlice(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, object, oldObject } = attributes
  if (operation !== 'CREATE' && operation !== 'DELETE') return
  const slice = (operation === 'CREATE' ? object : oldObject) as ResourceSlice
  if (slice.spec.nodeName !== nodeName) throw refuse(attributes, `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`)
}

function checkCertificateRequest(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.operation !== 'CREATE' || !attributes.object) return
  const { spec } = attributes.object as CertificateSigningRequest
  if (!KUBELET_SIGNERS.includes(spec.signerName ?? '')) return
  const { commonName } = parseRequest(spec.request, attributes, (why) => `unable to parse csr: ${why}`)
  if (commonName !== NODE_USER + nodeName) throw refuse(attributes, `can only create a node CSR with CN=${NODE_USER}${nodeName}`)
}
