/** Issuing a certificate takes the right to sign for the request's signer. Models k8s.io/kubernetes/plugin/pkg/admission/certificates/signing. */
import type { CertificateSigningRequest } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { quote } from '../errors.ts'
import type { AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { mayUseSigner } from './signer-access.ts'
import { isFor } from './subject.ts'

export const certificateSigning: AdmissionPlugin = {
  name: 'CertificateSigning',
  validate(attributes) {
    const { operation, object, oldObject } = attributes
    if (operation !== 'UPDATE' || !isFor(attributes, 'certificatesigningrequests', 'certificates.k8s.io', 'status') || !object || !oldObject) return
    const { spec, status: before } = oldObject as CertificateSigningRequest
    const { status } = object as CertificateSigningRequest
    if ((status?.certificate ?? '') === (before?.certificate ?? '') && equalJSON(status?.conditions ?? [], before?.conditions ?? [])) return
    const { signerName = '' } = spec
    return mayUseSigner(attributes, 'sign', signerName).then((may) => {
      if (!may) throw refuse(attributes, `user not permitted to sign requests with signerName ${quote(signerName)}`)
    })
  },
}
