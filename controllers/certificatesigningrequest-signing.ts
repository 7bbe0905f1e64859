/** Signs what is approved with the cluster's authority, for the standard signers. Models k8s.io/kubernetes/pkg/controller/certificates/signer. */
import type { CertificateSigningRequest } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { defineController } from '../src/controller/controller.ts'
import { CERTIFICATE_CONTROLLER, CSR, hasTrue, requestOf, SIGNERS } from './_certificate-requests.ts'

const DAY_SECONDS = 24 * 3600
/** The longest that is given (--cluster-signing-duration), and what is given where nothing is asked. */
const MAX_SECONDS = 365 * DAY_SECONDS
const MIN_SECONDS = 600

export default defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-signing',
  user: CERTIFICATE_CONTROLLER,
  for: CSR,
  retryDelaysMs: [200, 1000_000],
  async reconcile(csr, { client, clock, signCertificate }) {
    const { signerName = '', usages = [], request = '', expirationSeconds = MAX_SECONDS } = csr.spec
    const check = Object.hasOwn(SIGNERS, signerName) ? SIGNERS[signerName] : undefined
    if (!check || !signCertificate || csr.status?.certificate || !hasTrue(csr, 'Approved') || hasTrue(csr, 'Failed')) return
    const problem = check(requestOf(csr), usages)
    if (problem !== undefined) {
      const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: problem, lastUpdateTime: formatTime(clock.now()) }
      await client.updateStatus<CertificateSigningRequest>({ ...csr, status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), failed] } })
      return
    }
    const seconds = Math.min(Math.max(expirationSeconds, MIN_SECONDS), MAX_SECONDS)
    const certificate = await signCertificate({ request: Buffer.from(request, 'base64').toString(), usages, seconds })
    await client.updateStatus<CertificateSigningRequest>({ ...csr, status: { ...csr.status, certificate: Buffer.from(certificate).toString('base64') } })
  },
})
