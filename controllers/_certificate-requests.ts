/**
 * Which certificates the standard signers give to whom. Models k8s.io/kubernetes/pkg/apis/certificates/helpers.go and the
 * verification of pkg/controller/certificates/signer.
 */
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../schemas/types.ts'
import { parseCertificateRequest, type CertificateRequest } from '../src/apimachinery/certificate-request.ts'

export const CSR = 'certificates.k8s.io/v1/CertificateSigningRequest'
export const CERTIFICATE_CONTROLLER = 'system:serviceaccount:kube-system:certificate-controller'
const SIGNER = 'kubernetes.io/'
export const KUBELET_CLIENT = `${SIGNER}kube-apiserver-client-kubelet`

type Usages = readonly string[]
type Check = (request: CertificateRequest, usages: Usages) => string | undefined

/** What each signer asks of a request; nothing where it may be signed. */
export const SIGNERS: Readonly<Record<string, Check>> = {
  [`${SIGNER}kube-apiserver-client`]: (_request, usages) => clientUsagesProblem(usages),
  [KUBELET_CLIENT]: kubeletClientProblem,
  [`${SIGNER}kubelet-serving`]: kubeletServingProblem,
  [`${SIGNER}legacy-unknown`]: () => undefined,
}

export function requestOf({ spec }: CertificateSigningRequest): CertificateRequest {
  return parseCertificateRequest(Buffer.from(spec.request ?? '', 'base64').toString())
}

export const conditionOf = ({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition | undefined => status?.conditions?.find((c) => c.type === type)
export const hasTrue = (csr: CertificateSigningRequest, type: string): boolean => conditionOf(csr, type)?.status === 'True'

function clientUsagesProblem(usages: Usages): string | undefined {
  const other = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (other !== undefined) return `invalid usage for client certificate: ${other}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

export function kubeletClientProblem(request: CertificateRequest, usages: Usages): string | undefined {
  if (!isOfNodes(request)) return 'subject organization is not system:nodes'
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return nameProblem(request) ?? usagesProblem(usages, 'client auth')
}

function kubeletServingProblem(request: CertificateRequest, usages: Usages): string | undefined {
  if (!isOfNodes(request)) return 'subject organization is not system:nodes'
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed'
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return usagesProblem(usages, 'server auth') ?? nameProblem(request)
}

const isOfNodes = ({ organizations: [first, ...more] }: CertificateRequest): boolean => first === 'system:nodes' && more.length === 0
const nameProblem = ({ commonName }: CertificateRequest): string | undefined => (commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:')

/** Keys that are not RSA cannot encipher, so that usage may be left out. */
function usagesProblem(usages: Usages, role: string): string | undefined {
  const required = [role, 'digital signature', 'key encipherment'].sort()
  const given = [...new Set(usages)].sort()
  const fits = (wanted: readonly string[]): boolean => wanted.length === given.length && wanted.every((usage, i) => usage === given[i])
  return fits(required) || fits(required.filter((usage) => usage !== 'key encipherment')) ? undefined : `usages did not match [${required.join(' ')}]`
}
