/** Who may approve, sign or attest for a signer. Models k8s.io/kubernetes/pkg/certauthorization. */
import type { AdmissionAttributes } from './chain.ts'

/** Whether the user may `verb` for this signer, or for all signers of its domain. */
export async function mayUseSigner({ ctx }: AdmissionAttributes, verb: 'approve' | 'sign' | 'attest', signerName: string): Promise<boolean> {
  const { authorizer } = ctx.system
  if (!authorizer) return true
  const attributes = { user: ctx.user, verb, namespace: '', apiGroup: 'certificates.k8s.io', apiVersion: '*', resource: 'signers', subresource: '' }
  for (const name of [signerName, `${signerName.split('/')[0]}/*`]) {
    const { decision } = await authorizer.authorize({ ...attributes, name })
    if (decision === 'Allow') return true
  }
  return false
}
