/**
 * Establishes CustomResourceDefinitions whose names are accepted; from then on they are served.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/establish.
 */
import { X509Certificate } from 'node:crypto'
import type { CustomResourceDefinition } from '../schemas/types.ts'
import { decodePem } from '../src/apimachinery/pem.ts'
import { isConditionTrue } from '../src/controller/conditions.ts'
import { defineController } from '../src/controller/controller.ts'
import { DEFINITION, SERVER, saysTheSame, withCRDCondition, type ConditionDraft } from './_crd-conditions.ts'
import { conditionOf } from '../src/controller/conditions.ts'

const GOOD: ConditionDraft = { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
const BAD_CA: ConditionDraft = { type: 'Established', status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' }

export default defineController<CustomResourceDefinition>({
  ...SERVER,
  name: 'crd-establishing',
  for: DEFINITION,
  concurrency: 32,
  wakes: isWaiting,
  async reconcile(crd, { client, clock }) {
    if (!isWaiting(crd)) return
    const wanted = hasUsableAuthority(crd) ? GOOD : BAD_CA
    if (saysTheSame(conditionOf(crd.status?.conditions, wanted.type), wanted)) return
    await client.updateStatus(withCRDCondition(crd, wanted, clock.now()))
  },
})

function isWaiting({ status }: CustomResourceDefinition): boolean {
  return isConditionTrue(status?.conditions, 'NamesAccepted') && !isConditionTrue(status?.conditions, 'Established')
}

/** Whether a certificate can be read from what a conversion webhook is to be trusted by; nothing means the system's own authorities. */
function hasUsableAuthority({ spec }: CustomResourceDefinition): boolean {
  const bundle = spec.conversion?.webhook?.clientConfig?.caBundle
  if (!bundle) return true
  return decodePem(Buffer.from(bundle, 'base64').toString()).some(({ type, bytes }) => type === 'CERTIFICATE' && isCertificate(bytes))
}

function isCertificate(bytes: Uint8Array): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0
  } catch {
    return false
  }
}
