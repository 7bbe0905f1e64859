/**
 * Users that a front proxy has authenticated and names in headers; believed only of certificates of the proxy's own
 * authority. Models k8s.io/apiserver/pkg/authentication/request/headerrequest and x509.NewDynamicCAVerifier.
 */
import { X509Certificate } from 'node:crypto'
import type { UserInfo } from '../registry/kind.ts'
import type { Credentials, PeerSocket } from './authenticate.ts'

export interface FrontProxy {
  /** PEM of the authorities of the proxy's certificate. */
  ca: string
  /** Common names its certificate may have; any where there are none. */
  allowedNames: readonly string[]
  usernameHeaders: readonly string[]
  uidHeaders: readonly string[]
  groupHeaders: readonly string[]
  extraHeaderPrefixes: readonly string[]
}

export const FRONT_PROXY_HEADERS = {
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
} as const

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Certificates do not change during a connection. */
const trusted = new WeakMap<PeerSocket, boolean>()

export function proxiedUser(proxy: FrontProxy, { socket, headers, rawHeaders }: Pick<Credentials, 'socket' | 'headers' | 'rawHeaders'>): UserInfo | undefined {
  // A header of a user is what few requests have; the certificate is looked at only then.
  if (!proxy.usernameHeaders.some((name) => headers[name.toLowerCase()]) || !isProxy(proxy, socket)) return undefined
  const [name = ''] = valuesOf(rawHeaders, proxy.usernameHeaders)
  if (!name) return undefined
  const [uid = ''] = valuesOf(rawHeaders, proxy.uidHeaders)
  const extra = extraOf(rawHeaders, proxy.extraHeaderPrefixes)
  return { name, ...(uid ? { uid } : {}), groups: valuesOf(rawHeaders, proxy.groupHeaders), ...(Object.keys(extra).length > 0 ? { extra } : {}) }
}

function isProxy(proxy: FrontProxy, socket: PeerSocket): boolean {
  let known = trusted.get(socket)
  if (known === undefined) trusted.set(socket, (known = verify(proxy, socket)))
  return known
}

function verify({ ca, allowedNames }: FrontProxy, socket: PeerSocket): boolean {
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer }
  // The connection has seen to its time and that whoever sent it has the key.
  if (!raw || !socket.authorized || !isIssuedBy(raw, ca)) return false
  // Of several names the last counts.
  const name = [...new X509Certificate(raw).subject.matchAll(/^CN=(.*)$/gm)].at(-1)?.[1] ?? ''
  return allowedNames.length === 0 || allowedNames.includes(name)
}

/** @param bundle PEM of authorities */
export function isIssuedBy(certificate: Buffer, bundle: string): boolean {
  const issued = new X509Certificate(certificate)
  return authoritiesOf(bundle).some((issuer) => issued.checkIssued(issuer) && issued.verify(issuer.publicKey))
}

const bundles = new Map<string, X509Certificate[]>()

/** There are as many bundles as settings that name one. */
function authoritiesOf(bundle: string): X509Certificate[] {
  let known = bundles.get(bundle)
  if (!known) bundles.set(bundle, (known = (bundle.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem))))
  return known
}

function valuesOf(rawHeaders: readonly string[], names: readonly string[]): string[] {
  return names.flatMap((wanted) => headersLike(rawHeaders, (name) => name === wanted.toLowerCase()).map(([, value]) => value)).filter((value) => value !== '')
}

function extraOf(rawHeaders: readonly string[], prefixes: readonly string[]): Record<string, string[]> {
  const extra: Record<string, string[]> = {}
  for (const prefix of prefixes) {
    for (const [name, value] of headersLike(rawHeaders, (candidate) => candidate.startsWith(prefix.toLowerCase()))) {
      ;(extra[unescapeExtraKey(name.slice(prefix.length))] ??= []).push(value)
    }
  }
  return extra
}

function headersLike(rawHeaders: readonly string[], matches: (name: string) => boolean): [string, string][] {
  const found: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (matches(name)) found.push([name, rawHeaders[i + 1] ?? ''])
  }
  return found
}

/** What is not escaped properly stays as it is. */
export function unescapeExtraKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
