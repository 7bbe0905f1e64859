/**
 * PKCS#10 certificate requests: subject, alternative names, and whether the signature is the key's own. A reader of the few
 * DER structures they consist of, since validation must be synchronous. Models crypto/x509.ParseCertificateRequest.
 */
import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { decodePem } from './pem.ts'

export interface CertificateRequest {
  commonName: string
  organizations: string[]
  dnsNames: string[]
  emailAddresses: string[]
  ipAddresses: string[]
  uris: string[]
  publicKey: KeyObject
  /** True when the request was signed with the private half of its key. */
  isSignatureValid(): boolean
}

export class CertificateRequestError extends Error {
  override readonly name = 'CertificateRequestError'
}

interface Node {
  tag: number
  /** With tag and length. */
  whole: Buffer
  content: Buffer
}

const TAG = { INTEGER: 2, BIT_STRING: 3, OCTET_STRING: 4, OID: 6, SEQUENCE: 0x30, SET: 0x31, ATTRIBUTES: 0xa0 }
const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const SUBJECT_ALT_NAME = '2.5.29.17'

/** Digests by signature algorithm; null for those that take none. */
const SIGNATURES: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
}

/** @throws CertificateRequestError */
export function parseCertificateRequest(pem: string): CertificateRequest {
  const block = decodePem(pem)[0]
  if (block?.type !== 'CERTIFICATE REQUEST') throw new CertificateRequestError('PEM block type must be CERTIFICATE REQUEST')
  const [request, ...trailing] = readAll(block.bytes)
  if (!request || trailing.length) throw new CertificateRequestError('asn1: syntax error: trailing data')
  const [info, algorithm, signature] = children(request)
  if (!info || !algorithm || !signature) throw malformed()
  const [, subject, spki, attributes] = children(info)
  if (!subject || !spki) throw malformed()
  const publicKey = keyOf(spki)
  return {
    ...readSubject(subject),
    ...readAltNames(attributes),
    publicKey,
    isSignatureValid: () => isSigned(info.whole, publicKey, { algorithm: oid(children(algorithm)[0]), signature: signature.content.subarray(1) }),
  }
}

const malformed = () => new CertificateRequestError('asn1: structure error: malformed certificate request')

function readAll(bytes: Buffer): Node[] {
  const nodes: Node[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]
    const first = bytes[at + 1]
    if (tag === undefined || first === undefined) throw new CertificateRequestError('asn1: syntax error: truncated tag or length')
    const sizeBytes = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + sizeBytes
    if (sizeBytes > 4 || start > bytes.length) throw new CertificateRequestError('asn1: syntax error: data truncated')
    const length = sizeBytes ? bytes.readUIntBE(at + 2, sizeBytes) : first
    if (start + length > bytes.length) throw new CertificateRequestError('asn1: syntax error: data truncated')
    nodes.push({ tag, whole: bytes.subarray(at, start + length), content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return nodes
}

function children(node: Node | undefined): Node[] {
  if (!node || (node.tag & 0x20) === 0) throw malformed()
  return readAll(node.content)
}

function oid(node: Node | undefined): string {
  if (node?.tag !== TAG.OID) throw malformed()
  const numbers: number[] = []
  let value = 0
  for (const byte of node.content) {
    value = value * 128 + (byte & 0x7f)
    if (byte & 0x80) continue
    if (numbers.length === 0) {
      const first = Math.min(Math.floor(value / 40), 2)
      numbers.push(first, value - first * 40)
    } else numbers.push(value)
    value = 0
  }
  return numbers.join('.')
}

function keyOf(spki: Node): KeyObject {
  try {
    return createPublicKey({ key: spki.whole, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new CertificateRequestError('x509: failed to parse public key', { cause })
  }
}

function readSubject(subject: Node): { commonName: string; organizations: string[] } {
  const organizations: string[] = []
  let commonName = ''
  for (const set of children(subject)) {
    for (const attribute of children(set)) {
      const [type, value] = children(attribute)
      const text = value?.content.toString('utf8') ?? ''
      const name = oid(type)
      if (name === COMMON_NAME) commonName = text
      else if (name === ORGANIZATION) organizations.push(text)
    }
  }
  return { commonName, organizations }
}

function readAltNames(attributes: Node | undefined): Pick<CertificateRequest, 'dnsNames' | 'emailAddresses' | 'ipAddresses' | 'uris'> {
  const names = { dnsNames: [] as string[], emailAddresses: [] as string[], ipAddresses: [] as string[], uris: [] as string[] }
  for (const attribute of attributes?.tag === TAG.ATTRIBUTES ? children(attributes) : []) {
    const [type, values] = children(attribute)
    if (oid(type) !== EXTENSION_REQUEST) continue
    for (const extension of children(children(values)[0])) {
      const parts = children(extension)
      const value = parts[parts.length - 1]
      if (oid(parts[0]) !== SUBJECT_ALT_NAME || !value) continue
      for (const name of children(readAll(value.content)[0])) {
        if (name.tag === 0x81) names.emailAddresses.push(name.content.toString('latin1'))
        else if (name.tag === 0x82) names.dnsNames.push(name.content.toString('latin1'))
        else if (name.tag === 0x86) names.uris.push(name.content.toString('latin1'))
        else if (name.tag === 0x87) names.ipAddresses.push(ipText(name.content))
      }
    }
  }
  return names
}

function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  const groups = Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return groups.join(':')
}

function isSigned(data: Buffer, key: KeyObject, { algorithm, signature }: { algorithm: string; signature: Buffer }): boolean {
  const digest = SIGNATURES[algorithm]
  if (digest === undefined) return false
  try {
    return verify(digest, data, key, signature)
  } catch {
    // a key of another sort than the algorithm says
    return false
  }
}
