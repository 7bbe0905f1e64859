/** Certificate requests from their creation to a certificate by which the server knows its user. */
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import type { CertificateSigningRequest } from '../../schemas/types.ts'
import { deadlineOf } from '../../controllers/certificatesigningrequest-cleaner.ts'
import { eventually } from '../helpers/cluster.ts'
import { certificateRequest } from '../helpers/certificate-request.ts'
import { startApiCluster, type ApiTester, type Body } from '../helpers/http.ts'

const PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
const CLIENT = 'kubernetes.io/kube-apiserver-client'
const BOOTSTRAPPER = { 'impersonate-user': 'system:bootstrap:abcdef', 'impersonate-group': 'system:bootstrappers' }

interface Request {
  subject: string
  signerName: string
  usages: string[]
  expirationSeconds?: number
}

async function ask(api: ApiTester, name: string, { subject, ...spec }: Request, headers: Record<string, string> = {}): Promise<void> {
  const { status, text } = await api.post(PATH, { metadata: { name }, spec: { ...spec, request: await certificateRequest(subject) } }, { headers })
  if (status !== 201) throw new Error(text)
}

async function approve(api: ApiTester, name: string): Promise<void> {
  await api.patch(`${PATH}/${name}/approval`, { status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', message: 'by the test' }] } })
}

const statusOf = async (api: ApiTester, name: string) => ((await api.get(`${PATH}/${name}`)).body as Body & CertificateSigningRequest).status ?? {}
const condition = (type: string, status: CertificateSigningRequest['status']) => status?.conditions?.find((c) => c.type === type)
const signed = (api: ApiTester, name: string): Promise<X509Certificate> =>
  eventually(async () => {
    const { certificate } = await statusOf(api, name)
    return certificate ? new X509Certificate(Buffer.from(certificate, 'base64')) : false
  })

t.test('the standard signers', async (t) => {
  const api = await startApiCluster(t)
  await ask(api, 'jane', { subject: 'O=devs, O=ops, CN=jane', signerName: CLIENT, usages: ['digital signature', 'client auth'], expirationSeconds: 3600 })
  await approve(api, 'jane')
  const certificate = await signed(api, 'jane')
  t.equal(certificate.subject, 'O=devs + O=ops\nCN=jane')
  t.same(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  t.notOk(certificate.ca)
  t.equal(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom), 3600_000 + 5 * 60_000, 'a short one is not cut')

  const failures: [string, Request, string][] = [
    ['server', { subject: 'CN=a', signerName: CLIENT, usages: ['server auth', 'client auth'] }, 'invalid usage for client certificate: server auth'],
    ['none', { subject: 'CN=a', signerName: CLIENT, usages: ['digital signature'] }, 'missing required usage for client certificate: client auth'],
    ['nodes', { subject: 'O=devs, CN=system:node:a', signerName: `${CLIENT}-kubelet`, usages: ['digital signature', 'client auth'] }, 'subject organization is not system:nodes'],
    ['name', { subject: 'O=system:nodes, CN=a', signerName: `${CLIENT}-kubelet`, usages: ['digital signature', 'client auth'] }, 'subject common name does not begin with system:node:'],
    ['serving', { subject: 'O=system:nodes, CN=system:node:a', signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'server auth'] }, 'DNS or IP subjectAltName is required'],
  ]
  for (const [name, request, message] of failures) {
    await ask(api, name, request)
    await approve(api, name)
    const failed = await eventually(async () => condition('Failed', await statusOf(api, name)) ?? false)
    t.match(failed, { status: 'True', reason: 'SignerValidationFailure', message }, name)
  }
  await ask(api, 'own', { subject: 'CN=a', signerName: 'example.com/own', usages: ['client auth'] })
  await approve(api, 'own')
  t.notOk((await statusOf(api, 'own')).certificate, 'signers of others are left to them')
})

t.test('kubelets that join', async (t) => {
  const api = await startApiCluster(t)
  const request = { subject: 'O=system:nodes, CN=system:node:n1', signerName: `${CLIENT}-kubelet`, usages: ['digital signature', 'client auth'] }
  const bind = (name: string, role: string) =>
    api.make('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:bootstrappers' }],
    })
  await bind('bootstrap', 'system:node-bootstrapper')
  await ask(api, 'early', request, BOOTSTRAPPER)
  await bind('approve', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient')
  await ask(api, 'joins', request, BOOTSTRAPPER)
  t.equal((await signed(api, 'joins')).subject, 'O=system:nodes\nCN=system:node:n1')
  t.match(condition('Approved', await statusOf(api, 'joins')), { reason: 'AutoApproved', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' })
  t.same(await statusOf(api, 'early'), {}, 'nobody was allowed to then')
})

t.test('when a request has to go', async (t) => {
  const at = (hours: number) => new Date(hours * 3600_000).toISOString()
  const csr = (conditions: [string, number][], certificate?: string): CertificateSigningRequest => ({
    metadata: { creationTimestamp: at(100) },
    spec: {},
    status: { conditions: conditions.map(([type, hours]) => ({ type, status: 'True', lastUpdateTime: at(hours) })), ...(certificate ? { certificate } : {}) },
  })
  const hours = (request: CertificateSigningRequest) => deadlineOf(request) / 3600_000
  t.equal(hours(csr([])), 124, 'a day without an answer')
  t.equal(hours(csr([['Denied', 110]])), 111)
  t.equal(hours(csr([['Approved', 105], ['Failed', 110]])), 111)
  t.equal(hours(csr([['Approved', 110]])), Infinity, 'approved, and not signed yet')
  t.equal(hours(csr([['Approved', 110]], 'bm9uZQ==')), 111)
})
