/** Making X.509 certificates. The library is loaded only when something has to be made. */
import { KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import type { Random } from '../clock.ts'

export interface KeyPair {
  /** PEM */
  cert: string
  /** PEM: PKCS #8, of an RSA key PKCS #1. */
  key: string
}

export const YEAR_MS = 365 * 24 * 3600 * 1000
export const SIGNATURE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const RSA = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }

export interface CertificateToIssue {
  subject: string
  /** A key as kubeadm makes them, in the form that every client reads; it takes longer to make. Of no authority. */
  isRSA?: boolean
  years: number
  isCA?: boolean
  issuer?: KeyPair
  /** DNS names and addresses; a certificate with any is for serving, one without for clients. */
  names?: readonly string[]
  now: number
  random: Random
}

/** A new key with its certificate, self-signed unless an issuer is given. */
export async function issueCertificate({ subject, years, isRSA = false, isCA = false, issuer, names = [], now, random }: CertificateToIssue): Promise<KeyPair> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(isRSA ? RSA : SIGNATURE, true, ['sign', 'verify'])
  const signer = issuer ? await importSigningKey(issuer.key) : keys.privateKey
  const usage = isCA ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature : x509.KeyUsageFlags.digitalSignature
  const extensions = [
    new x509.BasicConstraintsExtension(isCA, undefined, true),
    new x509.KeyUsagesExtension(usage, true),
    ...(isCA ? [] : [new x509.ExtendedKeyUsageExtension([names.length > 0 ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth])]),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })))] : []),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(random.bytes(15)).toString('hex').replace(/^/, '01'),
    subject,
    issuer: issuer ? new x509.X509Certificate(issuer.cert).subject : subject,
    notBefore: new Date(now - 3600_000),
    notAfter: new Date(now + years * YEAR_MS),
    publicKey: keys.publicKey,
    signingKey: signer,
    signingAlgorithm: SIGNATURE,
    extensions,
  })
  const key = KeyObject.from(keys.privateKey).export({ type: isRSA ? 'pkcs1' : 'pkcs8', format: 'pem' }).toString()
  return { cert: `${certificate.toString('pem')}\n`, key }
}

export async function importSigningKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s/g, ''), 'base64')
  return webcrypto.subtle.importKey('pkcs8', der, SIGNATURE, false, ['sign'])
}
