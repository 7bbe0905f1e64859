import { webcrypto } from 'node:crypto'
import t from 'tap'
import { CertificateRequestError, parseCertificateRequest } from '../../src/apimachinery/certificate-request.ts'
import { encodePem } from '../../src/apimachinery/pem.ts'

const ALGORITHMS = [
  { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
]

async function make(algorithm: (typeof ALGORITHMS)[number]): Promise<{ pem: string; der: Buffer }> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const names = new x509.SubjectAlternativeNameExtension([
    { type: 'dns', value: 'a.example.com' },
    { type: 'ip', value: '192.0.2.7' },
    { type: 'ip', value: '2001:db8::1' },
    { type: 'email', value: 'a@example.com' },
    { type: 'url', value: 'spiffe://x/y' },
  ])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'O=one, O=two, CN=jane', keys, signingAlgorithm: algorithm, extensions: [names] })
  return { pem: request.toString('pem'), der: Buffer.from(request.rawData) }
}

t.test('what a request asks for', async (t) => {
  for (const algorithm of ALGORITHMS) {
    const { pem, der } = await make(algorithm)
    const request = parseCertificateRequest(pem)
    t.match(request, {
      commonName: 'jane',
      organizations: ['one', 'two'],
      dnsNames: ['a.example.com'],
      emailAddresses: ['a@example.com'],
      uris: ['spiffe://x/y'],
    })
    t.equal(request.ipAddresses.length, 2)
    t.ok(request.isSignatureValid(), algorithm.name)
    const forged = Buffer.from(der)
    forged.write('joan', forged.indexOf('jane'))
    t.notOk(parseCertificateRequest(encodePem('CERTIFICATE REQUEST', forged)).isSignatureValid(), 'the signature covers the name')
  }
})

t.test('what is none', async (t) => {
  const [algorithm] = ALGORITHMS
  if (!algorithm) throw new Error('no algorithm')
  const { der } = await make(algorithm)
  const pem = (bytes: Uint8Array, type = 'CERTIFICATE REQUEST'): string => encodePem(type, bytes)
  t.throws(() => parseCertificateRequest(''), new CertificateRequestError('PEM block type must be CERTIFICATE REQUEST'))
  t.throws(() => parseCertificateRequest(pem(der, 'CERTIFICATE')), CertificateRequestError)
  t.throws(() => parseCertificateRequest(pem(Buffer.concat([der, der]))), new CertificateRequestError('asn1: syntax error: trailing data'))
  for (let length = 0; length < der.length; length += 7) t.throws(() => parseCertificateRequest(pem(der.subarray(0, length))), CertificateRequestError, `${length} bytes`)
})
