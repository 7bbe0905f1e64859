/** The tokens of the issuers that a configuration names. Models k8s.io/apiserver/plugin/pkg/authenticator/token/oidc and newJWTAuthenticator of k8s.io/kubernetes/pkg/kubeapiserver/authenticator. */
import { ParseError } from '../../apimachinery/parse-error.ts'
import type { Clock } from '../../clock.ts'
import { aggregateErrors, quote, SettingError } from '../../errors.ts'
import type { TokenVerdict } from '../../registry/authorization.ts'
import { userOf, type Mapper } from './claims.ts'
import type { AuthenticationConfiguration, Issuer } from './configuration.ts'
import { DistributedClaims } from './distributed-claims.ts'
import { IssuerKeys, untrustedIssuer, type IssuerOptions } from './issuer-keys.ts'
import { validateAuthenticationConfiguration } from './validation.ts'

const SIGNING_ALGS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']

export interface JwtOptions {
  /** Issuers whose tokens are another's business. */
  disallowedIssuers: readonly string[]
  /** Any unless told. */
  signingAlgs?: readonly string[] | undefined
  clock: Clock
}

/** Replaced as a whole when the configuration changes. */
export class JwtTokens {
  readonly #options: JwtOptions
  #authenticators: readonly JwtAuthenticator[]

  /** Throws ParseError in upstream's words for a configuration that cannot be. */
  constructor(configuration: AuthenticationConfiguration, options: JwtOptions) {
    this.#options = options
    this.#authenticators = authenticatorsOf(configuration, options)
  }

  /** The first issuer that has to say something of a token decides. */
  async authenticateToken(token: string): Promise<TokenVerdict> {
    const issuer = issuerOf(token)
    const mine = this.#authenticators.find((authenticator) => authenticator.issuer === issuer)
    return mine ? mine.authenticateToken(token) : {}
  }

  /** The old configuration counts until all issuers of the new one have shown their keys. Rejects where that fails. */
  async replace(configuration: AuthenticationConfiguration): Promise<void> {
    const authenticators = authenticatorsOf(configuration, this.#options)
    await Promise.all(authenticators.map((authenticator) => authenticator.ready()))
    this.#authenticators = authenticators
  }
}

function authenticatorsOf(configuration: AuthenticationConfiguration, { disallowedIssuers, signingAlgs = SIGNING_ALGS, clock }: JwtOptions): JwtAuthenticator[] {
  const unknown = signingAlgs.find((alg) => !SIGNING_ALGS.includes(alg))
  if (unknown !== undefined) throw new SettingError(`oidc: unsupported signing alg: ${quote(unknown)}`)
  const { errors, mappers } = validateAuthenticationConfiguration(configuration, disallowedIssuers)
  if (errors.length > 0) throw new ParseError(`invalid authentication configuration: ${aggregateErrors(errors)}`)
  return (configuration.jwt ?? []).flatMap(({ issuer = {} }, i) => {
    const mapper = mappers[i]
    return mapper ? new JwtAuthenticator(optionsOf(issuer, signingAlgs), mapper, clock) : []
  })
}

function optionsOf({ url = '', discoveryURL, certificateAuthority: ca, audiences = [] }: Issuer, signingAlgs: readonly string[]): IssuerOptions {
  return { url, audiences, signingAlgs, ...(discoveryURL ? { discoveryURL } : {}), ...(ca ? { ca } : {}) }
}

class JwtAuthenticator {
  readonly issuer: string
  readonly #keys: IssuerKeys
  readonly #mapper: Mapper
  readonly #elsewhere: DistributedClaims | undefined

  constructor(options: IssuerOptions, mapper: Mapper, clock: Clock) {
    const { claim = '' } = mapper.mappings.groups ?? {}
    this.issuer = options.url
    this.#keys = new IssuerKeys(options, clock)
    this.#mapper = mapper
    this.#elsewhere = claim ? new DistributedClaims(claim, options, clock) : undefined
  }

  ready(): Promise<void> {
    return this.#keys.ready()
  }

  async authenticateToken(token: string): Promise<TokenVerdict> {
    try {
      const claims = await this.#keys.verify(token).catch((error: unknown) => refuse('oidc: verify token', error))
      const whole = (await this.#elsewhere?.expand(claims).catch((error: unknown) => refuse('oidc: could not expand distributed claims', error))) ?? claims
      return { user: userOf(whole, this.#mapper) }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
}

function refuse(what: string, error: unknown): never {
  throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}

function issuerOf(token: string): string | undefined {
  try {
    return untrustedIssuer(token)
  } catch {
    return undefined
  }
}
