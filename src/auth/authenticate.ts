/**
 * Who makes a request: what a front proxy says, a client certificate, a bearer token, or nobody. Models
 * k8s.io/apiserver/pkg/authentication/request/{headerrequest,x509,bearertoken,websocket,union,anonymous}.
 */
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { unauthorized } from '../errors.ts'
import type { TokenAuthenticator } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'
import { isIssuedBy, proxiedUser, type FrontProxy } from './front-proxy.ts'
import { withGroup } from './tokens.ts'

export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
export const ADMIN_GROUP = 'system:masters'
const SPACE_WARNING = 'the provided Authorization header contains extra space before the bearer token, and is ignored'
export const WEBSOCKET_TOKEN = 'base64url.bearer.authorization.k8s.io.'

export type PeerSocket = Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>

export interface Credentials {
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[]
  socket: PeerSocket
  /** Without the query. */
  path: string
  /** Where what the client should be told goes. */
  warn(text: string): void
  /** Where what the audit log should note goes. */
  annotate(key: string, value: string): void
}

export interface AuthenticatorParts {
  tokens: TokenAuthenticator
  /** PEM of the authority of users' certificates. */
  clientCA: string
  /** Whose certificates may speak for others by header. */
  frontProxy?: FrontProxy
  /** Whether who says nothing is let in as nobody; yes unless told. */
  anonymous?: boolean
  /** Where nobody is let in; everywhere unless told. */
  anonymousPaths?: readonly string[]
}

export class Authenticator {
  readonly #parts: AuthenticatorParts
  /** Certificates do not change during a connection. */
  readonly #bySocket = new WeakMap<object, UserInfo | 'none' | 'unknown'>()

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts
  }

  /** Other schemes than bearer tokens say nothing here. @throws StatusError 401 for a token that nobody knows */
  async authenticate(credentials: Credentials): Promise<UserInfo> {
    const { tokens, frontProxy, anonymous = true, anonymousPaths } = this.#parts
    const proxied = frontProxy && proxiedUser(frontProxy, credentials)
    if (proxied) return withGroup(proxied)
    const byCertificate = this.#certificateUser(credentials.socket)
    if (byCertificate !== 'none' && byCertificate !== 'unknown') return byCertificate
    const token = tokenOf(credentials)
    if (token === undefined) {
      if (anonymous && byCertificate === 'none' && (anonymousPaths?.includes(credentials.path) ?? true)) return ANONYMOUS
      throw unauthorized()
    }
    const pending = tokens.authenticateToken(token, [])
    const verdict = pending instanceof Promise ? await pending : pending
    for (const [key, value] of Object.entries(verdict.annotations ?? {})) credentials.annotate(key, value)
    if (verdict.warning) credentials.warn(verdict.warning)
    if ('user' in verdict) return verdict.user
    throw unauthorized()
  }

  #certificateUser(socket: PeerSocket): UserInfo | 'none' | 'unknown' {
    let known = this.#bySocket.get(socket)
    if (known === undefined) this.#bySocket.set(socket, (known = userOf(socket, this.#parts)))
    return known
  }
}

/** 'unknown' for a certificate that is not of the users' authority, 'none' where there is none or it names nobody. */
function userOf(socket: PeerSocket, { clientCA, frontProxy }: AuthenticatorParts): UserInfo | 'none' | 'unknown' {
  const { raw, subject, fingerprint256 = '' } = socket.getPeerCertificate() as Partial<PeerCertificate>
  if (!subject) return 'none'
  if (!socket.authorized || (raw && frontProxy && frontProxy.ca !== clientCA && isIssuedBy(raw, frontProxy.ca))) return 'unknown'
  const list = (value: string | string[] | undefined) => (value === undefined ? [] : Array.isArray(value) ? value : [value])
  // Of several names the last counts.
  const name = list(subject.CN).at(-1)
  const id = `X509SHA256=${fingerprint256.replaceAll(':', '').toLowerCase()}`
  return name ? withGroup({ name, groups: list(subject.O), extra: { 'authentication.kubernetes.io/credential-id': [id] } }) : 'none'
}

function tokenOf({ headers, warn }: Credentials): string | undefined {
  const { authorization } = headers
  const [scheme = '', token, ...rest] = typeof authorization === 'string' ? authorization.trim().split(' ') : []
  if (scheme.toLowerCase() !== 'bearer' || token === undefined) return webSocketToken(headers)
  if (token) return token
  if (rest.length > 0) warn(SPACE_WARNING)
  return webSocketToken(headers)
}

/** Browsers cannot set headers of WebSockets: a protocol that is asked for carries the token. */
function webSocketToken({ upgrade, 'sec-websocket-protocol': protocols }: Credentials['headers']): string | undefined {
  if (typeof upgrade !== 'string' || upgrade.toLowerCase() !== 'websocket' || typeof protocols !== 'string') return undefined
  const carried = protocols.split(',').map((p) => p.trim()).find((p) => p.startsWith(WEBSOCKET_TOKEN))
  return carried === undefined ? undefined : Buffer.from(carried.slice(WEBSOCKET_TOKEN.length), 'base64url').toString() || undefined
}
