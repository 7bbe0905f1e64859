/** Removes requests that have been answered, or that nobody answers. Models k8s.io/kubernetes/pkg/controller/certificates/cleaner. */
import { X509Certificate } from 'node:crypto'
import type { CertificateSigningRequest } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { CERTIFICATE_CONTROLLER, conditionOf, CSR } from './_certificate-requests.ts'

const HOUR_MS = 3600_000
const ANSWERED_MS = HOUR_MS
const PENDING_MS = 24 * HOUR_MS

export default defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-cleaner',
  user: CERTIFICATE_CONTROLLER,
  for: CSR,
  async reconcile(csr, { client, clock }) {
    const name = csr.metadata.name ?? ''
    const inMs = deadlineOf(csr) - clock.now()
    // Upstream looks at all of them once an hour.
    if (inMs > 0) return { requeueAfterMs: Math.min(inMs, HOUR_MS) }
    await client.delete(CSR, { name }, { preconditions: { uid: csr.metadata.uid ?? '' } })
    return undefined
  },
})

/** When a request has to go. */
export function deadlineOf(csr: CertificateSigningRequest): number {
  const { certificate, conditions = [] } = csr.status ?? {}
  const since = (type: string): number => Date.parse(conditionOf(csr, type)?.lastUpdateTime ?? '') + ANSWERED_MS
  const deadlines = [since('Denied'), since('Failed'), certificate ? Math.min(since('Approved'), expiryOf(certificate)) : NaN]
  const waiting = conditions.length === 0 ? Date.parse(csr.metadata.creationTimestamp ?? '') + PENDING_MS : NaN
  return Math.min(...[...deadlines, waiting].map((at) => (Number.isNaN(at) ? Infinity : at)))
}

function expiryOf(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo)
  } catch {
    return Infinity
  }
}
