/** Nobody becomes an administrator by a client certificate. Models k8s.io/kubernetes/plugin/pkg/admission/certificates/subjectrestriction. */
import type { CertificateSigningRequest } from '../../schemas/types.ts'
import { CertificateRequestError, parseCertificateRequest, type CertificateRequest } from '../apimachinery/certificate-request.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'
const ADMINISTRATORS = 'system:masters'

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(attributes) {
    if (attributes.operation !== 'CREATE' || !isFor(attributes, 'certificatesigningrequests', 'certificates.k8s.io') || !attributes.object) return
    const { spec } = attributes.object as CertificateSigningRequest
    if (spec.signerName !== CLIENT_SIGNER) return
    const { organizations } = parseRequest(spec.request, attributes, (why) => `failed to parse CSR: ${why}`)
    if (organizations.includes(ADMINISTRATORS)) throw refuse(attributes, `use of ${CLIENT_SIGNER} signer with ${ADMINISTRATORS} group is not allowed`)
  },
}

/** @param request as objects carry it, in base64. @throws StatusError 403 when it is none */
export function parseRequest(request: string | undefined, attributes: AdmissionAttributes, because: (why: string) => string): CertificateRequest {
  try {
    return parseCertificateRequest(Buffer.from(request ?? '', 'base64').toString('latin1'))
  } catch (error) {
    if (error instanceof CertificateRequestError) throw refuse(attributes, because(error.message))
    throw error
  }
}
