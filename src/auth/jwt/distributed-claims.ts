/** Groups that a token does not hold but tells where to ask for. Models the claimResolver of k8s.io/apiserver/plugin/pkg/authenticator/token/oidc. */
import { STATUS_CODES } from 'node:http'
import type { Clock } from '../../clock.ts'
import { isRecord } from '../../apimachinery/json.ts'
import { ask, textOf } from '../remote.ts'
import type { Claims } from './claims.ts'
import { IssuerKeys, untrustedIssuer, type IssuerOptions } from './issuer-keys.ts'

/** A token can name any issuer: no more of them are remembered. */
const MAX_ISSUERS = 16

export class DistributedClaims {
  readonly #claim: string
  readonly #options: IssuerOptions
  readonly #clock: Clock
  readonly #issuers = new Map<string, IssuerKeys>()

  /** @param options of the issuer whose tokens lead elsewhere: authority, audiences and algorithms hold there, too */
  constructor(claim: string, options: IssuerOptions, clock: Clock) {
    this.#claim = claim
    this.#options = options
    this.#clock = clock
  }

  /** The claims with the one that is elsewhere. @throws Error in upstream's words */
  async expand(claims: Claims): Promise<Claims> {
    const { _claim_names: names, _claim_sources: sources } = claims
    if (claims[this.#claim] !== undefined || names === undefined) return claims
    // Their forms were looked at when the token was.
    if (!isRecord(names) || !isRecord(sources)) return claims
    const source = Object.hasOwn(names, this.#claim) ? String(names[this.#claim]) : undefined
    if (source === undefined) return claims
    const place = Object.hasOwn(sources, source) ? sources[source] : undefined
    if (!isRecord(place)) return claims
    const { endpoint, access_token: token } = place
    // Without an address it may be an aggregated claim, which is not looked into.
    if (typeof endpoint !== 'string' || endpoint === '') return claims
    return { ...claims, [this.#claim]: await this.#resolve(endpoint, typeof token === 'string' && token ? token : undefined) }
  }

  async #resolve(endpoint: string, token: string | undefined): Promise<unknown> {
    const claim = this.#claim
    const jwt = await because(`while getting distributed claim ${JSON.stringify(claim)}`, () => fetchToken(endpoint, { token, ca: this.#options.ca }))
    const issuer = await because(`getting untrusted issuer from endpoint ${endpoint} failed for claim ${JSON.stringify(claim)}`, () => untrustedIssuer(jwt))
    const found = await because('verify distributed claim token', () => this.#keysOf(issuer).verify(jwt))
    if (found[claim] === undefined) throw new Error(`jwt returned by distributed claim endpoint ${JSON.stringify(endpoint)} did not contain claim: ${claim}`)
    return found[claim]
  }

  #keysOf(issuer: string): IssuerKeys {
    const { discoveryURL: _own, ...options } = this.#options
    const keys = this.#issuers.get(issuer) ?? new IssuerKeys(issuer === this.#options.url ? this.#options : { ...options, url: issuer }, this.#clock)
    this.#issuers.delete(issuer)
    this.#issuers.set(issuer, keys)
    const [oldest] = this.#issuers.keys()
    if (this.#issuers.size > MAX_ISSUERS && oldest !== undefined) this.#issuers.delete(oldest)
    return keys
  }
}

async function fetchToken(url: string, { token, ca }: { token: string | undefined; ca: string | undefined }): Promise<string> {
  const answer = await ask({ url, token, ca })
  if (answer.status < 200 || answer.status > 226) throw new Error(`error while getting distributed claim JWT: ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`)
  return textOf(answer)
}

async function because<T>(what: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
