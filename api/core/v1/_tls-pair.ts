/** Why a certificate and a key in PEM do not make a pair, in Go's words. Models crypto/tls.X509KeyPair. */
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'

interface PemBlock {
  type: string
  text: string
}

function pemBlocks(pem: string): PemBlock[] {
  const blocks = pem.matchAll(/-----BEGIN ([^\n-]+)-----\r?\n[A-Za-z0-9+/=\s:,.-]*?-----END \1-----/g)
  return [...blocks].map(([text, type = '']) => ({ type, text }))
}

/** The blocks before the wanted one, as Go prints a list of strings. */
const printed = (types: readonly string[]): string => `[${types.join(' ')}]`

function certificateError(blocks: readonly PemBlock[]): string {
  const skipped = blocks.map((b) => b.type)
  const [only] = skipped
  if (only === undefined) return 'tls: failed to find any PEM data in certificate input'
  if (skipped.length === 1 && only.endsWith('PRIVATE KEY')) {
    return 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
  }
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${printed(skipped)}`
}

function keyError(blocks: readonly PemBlock[]): string {
  const skipped = blocks.map((b) => b.type)
  if (skipped.length === 0) return 'tls: failed to find any PEM data in key input'
  if (skipped.length === 1 && skipped[0] === 'CERTIFICATE') return 'tls: found a certificate rather than a key in the PEM for the private key'
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${printed(skipped)}`
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}

const KNOWN_KEYS = ['rsa', 'ec', 'ed25519']

export function tlsPairError(certificatePem: string, keyPem: string): string | undefined {
  const certificates = pemBlocks(certificatePem)
  const leafBlock = certificates.find((b) => b.type === 'CERTIFICATE')
  if (!leafBlock) return certificateError(certificates)
  const keys = pemBlocks(keyPem)
  const keyBlock = keys.find((b) => b.type === 'PRIVATE KEY' || b.type.endsWith(' PRIVATE KEY'))
  if (!keyBlock) return keyError(keys)
  const leaf = parsed(() => new X509Certificate(leafBlock.text))
  if (!leaf) return 'x509: malformed certificate'
  const key = parsed(() => createPrivateKey(keyBlock.text))
  return key ? mismatch(leaf.publicKey, key) : 'tls: failed to parse private key'
}

function mismatch(certified: KeyObject, key: KeyObject): string | undefined {
  const type = certified.asymmetricKeyType ?? ''
  if (!KNOWN_KEYS.includes(type)) return 'tls: unknown public key algorithm'
  if (key.asymmetricKeyType !== type) return 'tls: private key type does not match public key type'
  return createPublicKey(key).equals(certified) ? undefined : 'tls: private key does not match public key'
}
