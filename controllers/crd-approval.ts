/**
 * Tells whether a CustomResourceDefinition of a group of the community has been approved.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/apiapproval.
 */
import { approvalOf, isProtectedGroup } from '../api/apiextensions/v1/_approval.ts'
import type { CustomResourceDefinition } from '../schemas/types.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController } from '../src/controller/controller.ts'
import { DEFINITION, SERVER, saysTheSame, withCRDCondition, type ConditionDraft } from './_crd-conditions.ts'

const REASONS = { missing: 'MissingAnnotation', bypassed: 'UnapprovedAnnotation', approved: 'ApprovedAnnotation', invalid: 'InvalidAnnotation' } as const

export default defineController<CustomResourceDefinition>({
  ...SERVER,
  name: 'crd-approval',
  user: 'system:apiserver',
  for: DEFINITION,
  wakes: ({ spec }) => isProtectedGroup(spec.group ?? ''),
  async reconcile(crd, { client, clock }) {
    const { state, message } = approvalOf(crd)
    const wanted: ConditionDraft = { type: 'KubernetesAPIApprovalPolicyConformant', status: state === 'approved' ? 'True' : 'False', reason: REASONS[state], message }
    if (!isProtectedGroup(crd.spec.group ?? '') || saysTheSame(conditionOf(crd.status?.conditions, wanted.type), wanted)) return
    await client.updateStatus(withCRDCondition(crd, wanted, clock.now()))
  },
})
