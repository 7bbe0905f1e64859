import { webcrypto } from 'node:crypto'
import t from 'tap'
import { encodePem } from '../../../../src/apimachinery/pem.ts'
import { startApi, userNamed } from '../../../helpers/in-process-api.ts'
import { checkRefusals } from '../../../helpers/refusals.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

async function certificateRequest(): Promise<{ request: string; certificate: string }> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=jane, O=devs', keys, signingAlgorithm: algorithm })
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=jane', keys, signingAlgorithm: algorithm, notBefore: new Date(0), notAfter: new Date(86_400_000) })
  return { request: base64(request.toString('pem')), certificate: base64(certificate.toString('pem')) }
}

const made = certificateRequest()
const draft = async () => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', spec: { request: (await made).request, signerName: 'example.com/s', usages: ['client auth'] } })

t.test('what is refused', async (t) => {
  const broken = Buffer.from((await made).request, 'base64').toString().replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')
  await checkRefusals(t, await draft(), [
    ['no PEM', { 'spec.request': base64('x') }, `spec.request: Invalid value: "${base64('x')}": PEM block type must be CERTIFICATE REQUEST`],
    ['another PEM', { 'spec.request': base64(broken) }, `spec.request: Invalid value: "${base64(broken)}": PEM block type must be CERTIFICATE REQUEST`],
    ['no usage', { 'spec.usages': [] }, 'spec.usages: Required value'],
    ['a usage twice', { 'spec.usages': ['any', 'any'] }, 'spec.usages[1]: Duplicate value: "any"'],
    ['no signer', { 'spec.signerName': '' }, 'spec.signerName: Required value'],
    ['a signer of no domain', { 'spec.signerName': 'a/b' }, 'spec.signerName: Invalid value: "a": should be a domain with at least two segments separated by dots'],
    ['the legacy signer', { 'spec.signerName': 'kubernetes.io/legacy-unknown' }, 'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
    ['too short', { 'spec.expirationSeconds': 599 }, 'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
  ])
})

t.test('who asks is written down, not believed', async (t) => {
  const { create, update } = await startApi(t)
  const jane = { ...userNamed('jane', 'devs'), uid: 'u1', extra: { 'x.io/a': ['b'] } }
  const object = await draft()
  const csr = await create({ ...object, spec: { ...object.spec, username: 'root', groups: ['system:masters'] } }, jane)
  const expected = { ...object.spec, username: 'jane', uid: 'u1', groups: ['devs', 'system:authenticated'], extra: { 'x.io/a': ['b'] } }
  t.same(csr.spec, expected)
  t.same((await update(csr, (c) => void (c.spec = { ...expected, signerName: 'example.com/other' }))).spec, expected, 'nothing of it changes later')
})

t.test('approval and issuing are apart', async (t) => {
  const { create, update, refusedUpdate, clock } = await startApi(t)
  const csr = await create(await draft())
  const { certificate } = await made
  const approved = { type: 'Approved', status: 'True', reason: 'Ok' }
  t.same(await refusedUpdate(csr, (c) => void (c.status = { conditions: [approved] }), { subresource: 'status' }), ['status.conditions: Forbidden: updates may not add a condition of type "Approved"'])
  t.same(await refusedUpdate(csr, (c) => void (c.status = { conditions: [{ ...approved, status: 'False' }] }), { subresource: 'approval' }), ['status.conditions[0].status: Unsupported value: "False": supported values: "True"'])
  t.same(await refusedUpdate(csr, (c) => void (c.status = { conditions: [approved, { ...approved, type: 'Denied' }] }), { subresource: 'approval' }), ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive'])
  await clock.step(5000)
  const after = await update(csr, (c) => void (c.status = { certificate, conditions: [approved] }), { subresource: 'approval' })
  t.same(after.status, { conditions: [{ ...approved, lastUpdateTime: '2026-01-01T00:00:05Z', lastTransitionTime: '2026-01-01T00:00:05Z' }] }, 'approvers do not issue')
  t.same(await refusedUpdate(after, (c) => void (c.status = {}), { subresource: 'status' }), ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'])
  const issue = (text: string) => refusedUpdate(after, (c) => void (c.status = { ...(c.status as object), certificate: base64(text) }), { subresource: 'status' })
  t.same(await issue('x'), ['status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block'])
  t.same(await issue(encodePem('PRIVATE KEY', Buffer.from('x'))), ['status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"'])
  const issued = await update(after, (c) => void (c.status = { ...(c.status as object), certificate }), { subresource: 'status' })
  t.same(await refusedUpdate(issued, (c) => void (c.status = { ...(c.status as object), certificate: '' }), { subresource: 'status' }), ['status.certificate: Forbidden: updates may not modify existing certificate content'])
})
