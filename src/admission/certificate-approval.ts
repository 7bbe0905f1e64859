/** Approving a certificate request takes the right to approve for its signer. Models k8s.io/kubernetes/plugin/pkg/admission/certificates/approval. */
import type { CertificateSigningRequest } from '../../schemas/types.ts'
import { quote } from '../errors.ts'
import type { AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { mayUseSigner } from './signer-access.ts'
import { isFor } from './subject.ts'

export const certificateApproval: AdmissionPlugin = {
  name: 'CertificateApproval',
  validate(attributes) {
    const { operation, oldObject } = attributes
    if (operation !== 'UPDATE' || !isFor(attributes, 'certificatesigningrequests', 'certificates.k8s.io', 'approval') || !oldObject) return
    const { signerName = '' } = (oldObject as CertificateSigningRequest).spec
    return mayUseSigner(attributes, 'approve', signerName).then((may) => {
      if (!may) throw refuse(attributes, `user not permitted to approve requests with signerName ${quote(signerName)}`)
    })
  },
}
