/**
 * The sources of identities that a cluster is set up with, in upstream's order. Models
 * k8s.io/kubernetes/pkg/kubeapiserver/authenticator/config.go.
 */
import type { Clock } from '../clock.ts'
import type { SystemReader, UserInfo } from '../registry/kind.ts'
import { Authenticator } from './authenticate.ts'
import { bootstrapTokens } from './bootstrap-tokens.ts'
import type { FrontProxy } from './front-proxy.ts'
import { OidcTokens, type OidcOptions } from './oidc.ts'
import type { ServiceAccountKeys } from './service-account-tokens.ts'
import { forServer, staticToken, Tokens, type TokenSource } from './tokens.ts'
import { webhookTokens, type WebhookOptions } from './webhooks.ts'

export interface AuthenticationOptions {
  /** Whether who says nothing is let in as nobody; yes unless told. */
  anonymous?: boolean
  /** Tokens that are known beforehand. */
  staticTokens?: readonly { token: string; user: UserInfo }[]
  /** Whether Secrets of kube-system may hold tokens by which machines join; yes unless told. */
  bootstrapTokens?: boolean
  oidc?: OidcOptions
  webhook?: Omit<WebhookOptions, 'clock'>
  frontProxy?: FrontProxy
}

interface Surroundings {
  keys: ServiceAccountKeys
  clock: Clock
  system(): SystemReader
}

/** Whose a bearer token is. @throws Error for settings that cannot be */
export function tokensOf({ staticTokens = [], bootstrapTokens: joins = true, oidc, webhook }: AuthenticationOptions, { keys, clock, system }: Surroundings): Tokens {
  const own = keys.defaultAudiences
  const outside = oidc && new OidcTokens(oidc, clock)
  const sources: TokenSource[] = [
    ...staticTokens.map(({ token, user }) => forServer(own, staticToken(token, user))),
    (token, audiences) => keys.authenticateToken(token, audiences),
    ...(joins ? [forServer(own, bootstrapTokens({ clock, system }))] : []),
    ...(outside ? [audienceAgnostic(own, (token) => outside.authenticateToken(token))] : []),
    ...(webhook ? [webhookTokens({ ...webhook, clock })] : []),
  ]
  return new Tokens(sources, own)
}

/** As `forServer`, for a source that tells what is wrong. */
function audienceAgnostic(own: readonly string[], ask: (token: string) => ReturnType<OidcTokens['authenticateToken']>): TokenSource {
  return async (token, audiences) => {
    const shared = own.filter((audience) => audiences.includes(audience))
    if (shared.length === 0) return {}
    const verdict = await ask(token)
    return 'user' in verdict ? { ...verdict, audiences: shared } : verdict
  }
}

export function authenticatorOf({ anonymous, frontProxy }: AuthenticationOptions, tokens: Tokens, clientCA: string): Authenticator {
  return new Authenticator({ tokens, clientCA, ...(frontProxy ? { frontProxy } : {}), ...(anonymous === undefined ? {} : { anonymous }) })
}
