/**
 * Who makes a request: client certificate, bearer token, or nobody. Models
 * k8s.io/apiserver/pkg/authentication/request/{x509,bearertoken,union,anonymous}.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
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

export class Authenticator {
  readonly #verifiers: readonly TokenVerifier[]
  /** Certificates do not change during a connection. */
  readonly #bySocket = new WeakMap<object, UserInfo | null>()

  constructor(verifiers: readonly TokenVerifier[]) {
    this.#verifiers = verifiers
  }

  /** @throws StatusError 401 for credentials that are given and wrong */
  async authenticate({ authorization, socket }: Credentials): Promise<UserInfo> {
    const byCertificate = this.#certificateUser(socket)
    if (byCertificate) return byCertificate
    const token = /^bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1]
    if (!token) {
      if (authorization) throw unauthorized()
      return ANONYMOUS
    }
    for (const verify of this.#verifiers) {
      const user = await verify(token)
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

function userOf(certificate: { subject?: { CN?: string | string[]; O?: string | string[] } }): UserInfo | null {
  const list = (value: string | string[] | undefined) => (value === undefined ? [] : Array.isArray(value) ? value : [value])
  const [name] = list(certificate.subject?.CN)
  return name ? withGroup({ name, groups: list(certificate.subject?.O) }) : null
}

function withGroup(user: UserInfo): UserInfo {
  return user.groups.includes(AUTHENTICATED) ? user : { ...user, groups: [...user.groups, AUTHENTICATED] }
}

/** A token given by configuration; compared in constant time. */
export function staticToken(expected: string, user: UserInfo): TokenVerifier {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(expected)
  return (token) => (timingSafeEqual(digest(token), wanted) ? user : undefined)
}
