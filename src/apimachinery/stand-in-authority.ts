/**
 * An authority for programs in pods that Orrery stands in for without knowing them. Such a program would tell the API server by
 * itself whom to trust (a webhook's caBundle); what stands in for it cannot, so connections into the cluster's network trust
 * this authority besides. It is of this process alone, and its key is in no file.
 */
import tls from 'node:tls'
import { SystemClock, type Random } from '../clock.ts'
import { issueCertificate, type KeyPair } from './certificate.ts'

const SUBJECT = "CN=Orrery's stand-ins"
const MAX_NAMES = 1000

let authority: Promise<KeyPair> | undefined
let certificate: string | undefined
let system: tls.SecureContext | undefined
const contexts = new Map<string, Promise<tls.SecureContext>>()

/** What a stand-in shows to who asks for `name`. */
export function standInContext(name: string, random: Random): Promise<tls.SecureContext> {
  const known = contexts.get(name)
  if (known) return known
  // TLS judges certificates by the host's time.
  const now = new SystemClock().now()
  authority ??= issueCertificate({ subject: SUBJECT, years: 10, isCA: true, now, random }).then((pair) => {
    certificate = pair.cert
    return pair
  })
  const context = authority.then((issuer) => issueCertificate({ subject: 'CN=stand-in', years: 1, issuer, names: [name], now, random })).then((pair) => tls.createSecureContext(pair))
  if (contexts.size >= MAX_NAMES) contexts.clear()
  contexts.set(name, context)
  return context
}

/** Whom a client inside the cluster's network trusts: the authority it is told, or the system's, and that of stand-ins once there are some. */
export function trustOf(caBundle: string): { ca?: (string | Buffer)[]; secureContext?: tls.SecureContext } {
  if (caBundle) return { ca: [Buffer.from(caBundle, 'base64'), ...(certificate ? [certificate] : [])] }
  if (!certificate) return {}
  return { secureContext: (system ??= tls.createSecureContext({ ca: [...tls.rootCertificates, certificate] })) }
}
