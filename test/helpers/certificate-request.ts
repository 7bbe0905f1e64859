/** Certificate requests as CertificateSigningRequests carry them. */
import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** In base64. @param subject `O=devs, CN=jane` */
export async function certificateRequest(subject: string): Promise<string> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: ALGORITHM })
  return Buffer.from(`${request.toString('pem')}\n`).toString('base64')
}
