/**
 * Establishes CustomResourceDefinitions whose names are accepted; from then on they are served.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/establish.
 */
import { whyNoAuthority } from '../api/apiextensions/v1/_webhook-authority.ts'
import type { CustomResourceDefinition } from '../schemas/types.ts'
import { conditionOf, isConditionTrue } from '../src/controller/conditions.ts'
import { defineController } from '../src/controller/controller.ts'
import { DEFINITION, SERVER, saysTheSame, withCRDCondition, type ConditionDraft } from './_crd-conditions.ts'

const GOOD: ConditionDraft = { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
const BAD_CA: ConditionDraft = { type: 'Established', status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' }

export default defineController<CustomResourceDefinition>({
  ...SERVER,
  name: 'crd-establishing',
  user: 'system:apiserver',
  for: DEFINITION,
  concurrency: 32,
  wakes: isWaiting,
  async reconcile(crd, { client, clock }) {
    if (!isWaiting(crd)) return
    const wanted = whyNoAuthority(crd.spec.conversion?.webhook?.clientConfig?.caBundle) ? BAD_CA : GOOD
    if (saysTheSame(conditionOf(crd.status?.conditions, wanted.type), wanted)) return
    await client.updateStatus(withCRDCondition(crd, wanted, clock.now()))
  },
})

function isWaiting({ status }: CustomResourceDefinition): boolean {
  return isConditionTrue(status?.conditions, 'NamesAccepted') && !isConditionTrue(status?.conditions, 'Established')
}
