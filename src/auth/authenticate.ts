/**
 * Who makes a request: client certificate, bearer token, or nobody. Models
 * k8s.io/apiserver/pkg/authentication/request/{x509,bearertoken,union,anonymous}.
 */
import { timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { unauthorized } from '../errors.ts'
import type { UserInfo } from '../registry/kind.ts'

const AUTHENTICATED = 'system:authenticated'
export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
export const ADMIN_GROUP = 'system:masters'

/** Answers whose a token is, or undefined for one it does not know. */
export type TokenVerifier = (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>

export interface Credentials {
  authorization: string | undefined
  socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>
}

const BEARER = /^\s*bearer (\S+)/i

export class Authenticator {
  readonly #verifiers: readonly TokenVerifier[]
  /** Certificates do not change during a connection. */
  readonly #bySocket = new WeakMap<object, UserInfo | null>()

  constructor(verifiers: readonly TokenVerifier[]) {
    this.#verifiers = verifiers
  }

  /** Other schemes than bearer tokens say nothing here. @throws StatusError 401 for a token that nobody knows */
  async authenticate({ authorization, socket }: Credentials): Promise<UserInfo> {
    const byCertificate = this.#certificateUser(socket)
    if (byCertificate) return byCertificate
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
    if (!token) return ANONYMOUS
    for (const verify of this.#verifiers) {
      const pending = verify(token)
      const user = pending instanceof Promise ? await pending : pending
      if (user) return withGroup(user)
    }
    throw unauthorized()
  }

  #certificateUser(socket: Credentials['socket']): UserInfo | null {
    const known = this.#bySocket.get(socket)
    if (known !== undefined) return known
    const user = socket.authorized ? userOf(socket.getPeerCertificate()) : null
    this.#bySocket.set(socket, user)
    return user
  }
}

interface Certificate {
  subject?: { CN?: string | string[]; O?: string | string[] }
  /** `AB:CD:…` */
  fingerprint256?: string
}

function userOf({ subject, fingerprint256 = '' }: Certificate): UserInfo | null {
  const list = (value: string | string[] | undefined) => (value === undefined ? [] : Array.isArray(value) ? value : [value])
  const [name] = list(subject?.CN)
  const id = `X509SHA256=${fingerprint256.replaceAll(':', '').toLowerCase()}`
  return name ? withGroup({ name, groups: list(subject?.O), extra: { 'authentication.kubernetes.io/credential-id': [id] } }) : null
}

function withGroup(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] }
}

/** A token given by configuration; compared in constant time for tokens of its length. */
export function staticToken(expected: string, user: UserInfo): TokenVerifier {
  const wanted = Buffer.from(expected)
  const known = withGroup(user)
  return (token) => {
    const given = Buffer.from(token)
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? known : undefined
  }
}
