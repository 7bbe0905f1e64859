/**
 * The sources of identities that a cluster is set up with, in upstream's order. Models
 * k8s.io/kubernetes/pkg/kubeapiserver/authenticator/config.go.
 */
import type { Clock } from '../clock.ts'
import type { SystemReader, UserInfo } from '../registry/kind.ts'
import { Authenticator } from './authenticate.ts'
import { bootstrapTokens } from './bootstrap-tokens.ts'
import type { FrontProxy } from './front-proxy.ts'
import type { AuthenticationConfiguration } from './jwt/configuration.ts'
import { JwtTokens } from './jwt/jwt-authenticator.ts'
import { ISSUER, type ServiceAccountKeys } from './service-account-tokens.ts'
import { forServer, staticToken, Tokens, type TokenSource } from './tokens.ts'
import { webhookTokens, type WebhookOptions } from './webhooks.ts'

export interface AuthenticationOptions {
  /** Whether who says nothing is let in as nobody; yes unless told. */
  anonymous?: boolean
  /** Tokens that are known beforehand. */
  staticTokens?: readonly { token: string; user: UserInfo }[]
  /** Whether Secrets of kube-system may hold tokens by which machines join; yes unless told. */
  bootstrapTokens?: boolean
  /** Issuers outside whose tokens are taken, and to whom nobody is let in. */
  configuration?: AuthenticationConfiguration
  /** Where the configuration stands, for it counts anew when that changes. */
  configFile?: { path: string; text: string }
  /** With which signatures they sign; any unless told. */
  signingAlgs?: readonly string[]
  webhook?: Omit<WebhookOptions, 'clock'>
  frontProxy?: FrontProxy
}

interface Surroundings {
  keys: ServiceAccountKeys
  clock: Clock
  system(): SystemReader
}

/** Whose a bearer token is. @throws Error for settings that cannot be */
export function tokensOf({ staticTokens = [], bootstrapTokens: joins = true, configuration, signingAlgs, webhook }: AuthenticationOptions, { keys, clock, system }: Surroundings): { tokens: Tokens; outside: JwtTokens | undefined } {
  const own = keys.defaultAudiences
  const outside = configuration && new JwtTokens(configuration, { disallowedIssuers: [ISSUER], signingAlgs, clock })
  const sources: TokenSource[] = [
    ...staticTokens.map(({ token, user }) => forServer(own, staticToken(token, user))),
    (token, audiences) => keys.authenticateToken(token, audiences),
    ...(joins ? [forServer(own, bootstrapTokens({ clock, system }))] : []),
    ...(outside ? [audienceAgnostic(own, (token) => outside.authenticateToken(token))] : []),
    ...(webhook ? [webhookTokens({ ...webhook, clock })] : []),
  ]
  return { tokens: new Tokens(sources, own), outside }
}

/** As `forServer`, for a source that tells what is wrong. */
function audienceAgnostic(own: readonly string[], ask: (token: string) => ReturnType<JwtTokens['authenticateToken']>): TokenSource {
  return async (token, audiences) => {
    const shared = own.filter((audience) => audiences.includes(audience))
    if (shared.length === 0) return {}
    const verdict = await ask(token)
    return 'user' in verdict ? { ...verdict, audiences: shared } : verdict
  }
}

export function authenticatorOf({ anonymous, configuration, frontProxy }: AuthenticationOptions, tokens: Tokens, clientCA: string): Authenticator {
  const { enabled = false, conditions = [] } = configuration?.anonymous ?? {}
  const isOpen = configuration?.anonymous ? enabled : anonymous
  const paths = conditions.map(({ path = '' }) => path)
  return new Authenticator({ tokens, clientCA, ...(frontProxy ? { frontProxy } : {}), ...(isOpen === undefined ? {} : { anonymous: isOpen }), ...(paths.length > 0 ? { anonymousPaths: paths } : {}) })
}
