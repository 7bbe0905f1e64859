/** What the standard signers ask of a request. */
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { SIGNERS } from '../../controllers/_certificate-requests.ts'
import type { CertificateRequest } from '../../src/apimachinery/certificate-request.ts'

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const NODE: CertificateRequest = { commonName: 'system:node:n', organizations: ['system:nodes'], dnsNames: [], emailAddresses: [], ipAddresses: [], uris: [], publicKey, isSignatureValid: () => true }
const request = (more: Partial<CertificateRequest> = {}): CertificateRequest => ({ ...NODE, ...more })
const CLIENT = ['digital signature', 'key encipherment', 'client auth']
const SERVER = ['digital signature', 'key encipherment', 'server auth']

t.test('signers', (t) => {
  const cases: readonly (readonly [signer: string, CertificateRequest, string[], string | undefined])[] = [
    ['kube-apiserver-client', request({ organizations: ['any'] }), ['client auth'], undefined],
    ['kube-apiserver-client', request(), ['digital signature'], 'missing required usage for client certificate: client auth'],
    ['kube-apiserver-client', request(), ['client auth', 'server auth'], 'invalid usage for client certificate: server auth'],
    ['kube-apiserver-client-kubelet', request(), CLIENT, undefined],
    ['kube-apiserver-client-kubelet', request(), ['client auth', 'digital signature'], undefined],
    ['kube-apiserver-client-kubelet', request(), SERVER, 'usages did not match [client auth digital signature key encipherment]'],
    ['kube-apiserver-client-kubelet', request({ organizations: ['system:nodes', 'x'] }), CLIENT, 'subject organization is not system:nodes'],
    ['kube-apiserver-client-kubelet', request({ commonName: 'n' }), CLIENT, 'subject common name does not begin with system:node:'],
    ['kube-apiserver-client-kubelet', request({ dnsNames: ['n'] }), CLIENT, 'DNS subjectAltNames are not allowed'],
    ['kube-apiserver-client-kubelet', request({ ipAddresses: ['10.0.0.1'] }), CLIENT, 'IP subjectAltNames are not allowed'],
    ['kube-apiserver-client-kubelet', request({ emailAddresses: ['a@b'] }), CLIENT, 'Email subjectAltNames are not allowed'],
    ['kube-apiserver-client-kubelet', request({ uris: ['spiffe://x'] }), CLIENT, 'URI subjectAltNames are not allowed'],
    ['kubelet-serving', request({ ipAddresses: ['10.0.0.1'] }), SERVER, undefined],
    ['kubelet-serving', request({ dnsNames: ['n'] }), ['digital signature', 'server auth'], undefined],
    ['kubelet-serving', request(), SERVER, 'DNS or IP subjectAltName is required'],
    ['kubelet-serving', request({ dnsNames: ['n'] }), CLIENT, 'usages did not match [digital signature key encipherment server auth]'],
    ['legacy-unknown', request({ organizations: [] }), ['any'], undefined],
  ]
  for (const [signer, asked, usages, problem] of cases) t.equal(SIGNERS[`kubernetes.io/${signer}`]?.(asked, usages), problem, `${signer}: ${problem ?? usages.join()}`)
  t.end()
})
