/** Approves the client certificates that kubelets ask for, where their user may have them. Models k8s.io/kubernetes/pkg/controller/certificates/approver. */
import type { CertificateSigningRequest, SubjectAccessReview } from '../schemas/types.ts'
import { defineController, type ControllerContext } from '../src/controller/controller.ts'
import { CERTIFICATE_CONTROLLER, conditionOf, CSR, KUBELET_CLIENT, kubeletClientProblem, requestOf } from './_certificate-requests.ts'

const REASON = 'AutoApproved'

export default defineController<CertificateSigningRequest>({
  name: 'certificatesigningrequest-approving',
  user: CERTIFICATE_CONTROLLER,
  for: CSR,
  retryDelaysMs: [200, 1000_000],
  async reconcile(csr, ctx) {
    if (csr.status?.certificate || conditionOf(csr, 'Approved') || conditionOf(csr, 'Denied') || csr.spec.signerName !== KUBELET_CLIENT) return
    const request = requestOf(csr)
    if (kubeletClientProblem(request, csr.spec.usages ?? []) !== undefined) return
    const isOwn = csr.spec.username === request.commonName
    if (isOwn && (await mayCreate('selfnodeclient', csr, ctx))) await approve(csr, 'Auto approving self kubelet client certificate after SubjectAccessReview.', ctx)
    else if (await mayCreate('nodeclient', csr, ctx)) await approve(csr, 'Auto approving kubelet client certificate after SubjectAccessReview.', ctx)
    else ctx.log.debug({ name: csr.metadata.name }, 'recognized, but subject access review was not approved')
  },
})

async function mayCreate(subresource: string, { spec }: CertificateSigningRequest, { client }: ControllerContext): Promise<boolean> {
  const { username: user, uid, groups, extra } = spec
  const resourceAttributes = { group: 'certificates.k8s.io', version: '*', resource: 'certificatesigningrequests', subresource, verb: 'create' }
  const review = await client.create<SubjectAccessReview>({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec: { user, uid, groups, extra, resourceAttributes } })
  return review.status?.allowed ?? false
}

async function approve(csr: CertificateSigningRequest, message: string, { client }: ControllerContext): Promise<void> {
  const condition = { type: 'Approved', status: 'True', reason: REASON, message }
  await client.update<CertificateSigningRequest>({ ...csr, status: { ...csr.status, conditions: [...(csr.status?.conditions ?? []), condition] } }, { subresource: 'approval' })
}
