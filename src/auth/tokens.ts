/**
 * Several sources of bearer tokens as one. Models k8s.io/apiserver/pkg/authentication/token/{union,tokenfile} and
 * authenticator.WrapAudienceAgnosticToken.
 */
import { aggregateTexts } from '../errors.ts'
import { timingSafeEqual } from 'node:crypto'
import type { TokenAuthenticator, TokenVerdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'

const AUTHENTICATED = 'system:authenticated'
const INVALID = 'invalid bearer token'
const UNKNOWN: TokenVerdict = {}

/** Says whose a token is, `{}` for one that is not its own, or what is wrong with one that is. */
export type TokenSource = (token: string, audiences: readonly string[]) => TokenVerdict | Promise<TokenVerdict>

export class Tokens implements TokenAuthenticator {
  readonly audiences: readonly string[]
  readonly #sources: readonly TokenSource[]

  /** @param audiences the server's own */
  constructor(sources: readonly TokenSource[], audiences: readonly string[]) {
    this.#sources = sources
    this.audiences = audiences
  }

  /** Answers at once where the sources do: this is on the way of every request. */
  authenticateToken(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict> {
    return this.#ask(0, { token, audiences: audiences.length > 0 ? audiences : this.audiences, errors: [], annotations: {} })
  }

  #ask(from: number, question: Question): TokenVerdict | Promise<TokenVerdict> {
    const { token, audiences, errors, annotations } = question
    for (let i = from; i < this.#sources.length; i++) {
      const verdict = this.#sources[i]?.(token, audiences) ?? UNKNOWN
      if (verdict instanceof Promise) return verdict.then((late) => decide(late, question) ?? this.#ask(i + 1, question))
      const decided = decide(verdict, question)
      if (decided) return decided
    }
    return { error: errors.length > 0 ? aggregateTexts([INVALID, ...errors]) : INVALID, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) }
  }
}

interface Question {
  token: string
  audiences: readonly string[]
  errors: string[]
  /** What sources noted that know the token and do not take it. */
  annotations: Record<string, string>
}

function decide(verdict: TokenVerdict, { errors, annotations }: Question): TokenVerdict | undefined {
  if ('user' in verdict) return { ...verdict, user: withGroup(verdict.user) }
  if (verdict.error) errors.push(verdict.error)
  Object.assign(annotations, verdict.annotations)
  return undefined
}

const known = new WeakMap<UserInfo, UserInfo>()

/** The same object for the same user, by which verdicts on it are remembered. */
export function withGroup(user: UserInfo): UserInfo {
  if (user.groups.includes(AUTHENTICATED)) return user
  let whole = known.get(user)
  if (!whole) known.set(user, (whole = { ...user, groups: [...user.groups, AUTHENTICATED] }))
  return whole
}

/** For a source that knows nothing of audiences: its tokens are for the server. @param own the server's audiences */
export function forServer(own: readonly string[], find: (token: string) => UserInfo | undefined | Promise<UserInfo | undefined>): TokenSource {
  return (token, audiences) => {
    const shared = own.filter((audience) => audiences.includes(audience))
    if (shared.length === 0) return UNKNOWN
    const found = find(token)
    const verdict = (user: UserInfo | undefined): TokenVerdict => (user ? { user, audiences: shared } : UNKNOWN)
    return found instanceof Promise ? found.then(verdict) : verdict(found)
  }
}

/** A token given by configuration; compared in constant time with tokens of its length. */
export function staticToken(expected: string, user: UserInfo): (token: string) => UserInfo | undefined {
  const wanted = Buffer.from(expected)
  return (token) => {
    const given = Buffer.from(token)
    return given.length === wanted.length && timingSafeEqual(given, wanted) ? user : undefined
  }
}
