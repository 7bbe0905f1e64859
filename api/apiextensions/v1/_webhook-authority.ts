/** What a conversion webhook is trusted by. Models ValidateCABundle of k8s.io/apiserver/pkg/util/webhook. */
import { X509Certificate } from 'node:crypto'
import { decodePem } from '../../../src/apimachinery/pem.ts'

/** Why no certificate can be read from it; nothing at all means the system's own authorities. */
export function whyNoAuthority(caBundle: string | undefined): string | undefined {
  if (!caBundle) return undefined
  const blocks = decodePem(Buffer.from(caBundle, 'base64').toString('latin1'))
  const certificates = blocks.filter(({ type, headers }) => type === 'CERTIFICATE' && Object.keys(headers).length === 0)
  if (certificates.some(({ bytes }) => isCertificate(bytes))) return undefined
  const why = certificates.length > 0 ? 'failed to parse certificate: x509: malformed certificate' : 'unable to parse bytes as PEM block'
  return `unable to load root certificates: ${why}`
}

function isCertificate(bytes: Uint8Array): boolean {
  try {
    return new X509Certificate(bytes).raw.length > 0
  } catch {
    return false
  }
}
