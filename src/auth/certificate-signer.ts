/**
 * Signs certificate requests with the cluster's authority. Models k8s.io/kubernetes/pkg/controller/certificates/authority.
 * The X.509 library is loaded when the first is signed.
 */
import { webcrypto } from 'node:crypto'
import type { Clock, Random } from '../clock.ts'
import { ALGORITHM, importSigningKey, type KeyPair } from './pki.ts'

const BACKDATE_MS = 5 * 60_000
/** Shorter ones end when they are asked to, though they begin in the past. */
const SHORT_MS = 8 * 3600_000
const SUBJECT_ALT_NAME = '2.5.29.17'

export interface CertificateRequestToSign {
  /** PEM */
  request: string
  usages: readonly string[]
  seconds: number
}

const KEY_USAGES: Readonly<Record<string, string>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'nonRepudiation',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
}
const EXTENDED: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
}

/** As Go writes the parts of a name: all of a kind together, in this order, and no others (street, postal code and serial number by number). */
const NAME_PARTS = ['C', 'O', 'OU', 'L', 'ST', '2.5.4.9', '2.5.4.17', 'CN', '2.5.4.5']

function subjectOf(parts: readonly Record<string, string[]>[]): Record<string, string[]>[] {
  return NAME_PARTS.map((kind) => ({ [kind]: parts.flatMap((part) => part[kind] ?? []) })).filter((part) => Object.values(part).flat().length > 0)
}

export class CertificateSigner {
  readonly #ca: KeyPair
  readonly #clock: Clock
  readonly #random: Random

  constructor(ca: KeyPair, { clock, random }: { clock: Clock; random: Random }) {
    this.#ca = ca
    this.#clock = clock
    this.#random = random
  }

  /** PEM of the certificate: subject and alternative names of the request, no other extension of it. */
  async sign({ request, usages, seconds }: CertificateRequestToSign): Promise<string> {
    await import('reflect-metadata')
    const x509 = await import('@peculiar/x509')
    x509.cryptoProvider.set(webcrypto as never)
    const asked = new x509.Pkcs10CertificateRequest(request)
    if (!(await asked.verify())) throw new Error('unable to verify certificate request signature')
    const issuer = new x509.X509Certificate(this.#ca.cert)
    const names = asked.extensions.find((extension) => extension.type === SUBJECT_ALT_NAME)
    const flags = usages.reduce((sum, usage) => sum | (KEY_USAGES[usage] ? x509.KeyUsageFlags[KEY_USAGES[usage] as keyof typeof x509.KeyUsageFlags] : 0), 0)
    const extended = usages.flatMap((usage) => EXTENDED[usage] ?? [])
    const now = this.#clock.now()
    const end = now + seconds * 1000 - (seconds * 1000 < SHORT_MS ? 0 : BACKDATE_MS)
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: Buffer.from(this.#random.bytes(15)).toString('hex').replace(/^/, '01'),
      subject: subjectOf(asked.subjectName.toJSON()),
      issuer: issuer.subject,
      notBefore: new Date(now - BACKDATE_MS),
      notAfter: new Date(Math.min(end, issuer.notAfter.getTime())),
      publicKey: asked.publicKey,
      signingKey: await importSigningKey(this.#ca.key),
      signingAlgorithm: ALGORITHM,
      extensions: [
        ...(flags ? [new x509.KeyUsagesExtension(flags, true)] : []),
        ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
        new x509.BasicConstraintsExtension(false, undefined, true),
        await x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export()),
        ...(names ? [new x509.Extension(SUBJECT_ALT_NAME, asked.subject === '', names.value)] : []),
      ],
    })
    return `${certificate.toString('pem')}\n`
  }
}
