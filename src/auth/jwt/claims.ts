/** Who a token's claims say its bearer is. Models getUsername, getGroups, getUID and getExtra of k8s.io/apiserver/plugin/pkg/authenticator/token/oidc. */
import { jsonKind } from '../../apimachinery/decode-context.ts'
import type { UserInfo } from '../../registry/kind.ts'
import type { ClaimMappings } from './configuration.ts'
import { evaluateOver, plainValue, stringsOf, type Expression } from './expressions.ts'

export type Claims = Record<string, unknown>

/** What a configuration says about the user, its expressions compiled. */
export interface Mapper {
  mappings: ClaimMappings
  /** Claims that must have a value. */
  requiredClaims: ReadonlyMap<string, string>
  username?: Expression
  groups?: Expression
  uid?: Expression
  extra: readonly (Expression & { key: string })[]
  claimRules: readonly Condition[]
  userRules: readonly Condition[]
}

export type Condition = Expression & { message: string }

/** @throws Error in upstream's words for claims that make no user */
export function userOf(claims: Claims, mapper: Mapper): UserInfo {
  const name = usernameOf(claims, mapper)
  const groups = groupsOf(claims, mapper)
  const uid = uidOf(claims, mapper)
  const extra = extraOf(claims, mapper)
  for (const [claim, wanted] of mapper.requiredClaims) requireClaim(claims, claim, wanted)
  checkRules('claims', claims, { rules: mapper.claimRules, what: 'oidc: error evaluating claim validation expression' })
  const user = { name, ...(uid ? { uid } : {}), groups, ...(Object.keys(extra).length > 0 ? { extra } : {}) }
  checkRules('user', { username: name, uid, groups, extra }, { rules: mapper.userRules, what: 'oidc: error evaluating user info validation rule' })
  return user
}

function usernameOf(claims: Claims, { mappings, username }: Mapper): string {
  if (username) {
    const value = because('oidc: error evaluating username claim expression', () => textOf(evaluate(claims, username), 'username'))
    if (value === '') throw new Error('oidc: empty username via CEL expression is not allowed')
    return value
  }
  const { claim = '', prefix = '' } = mappings.username ?? {}
  const value = because(`oidc: parse username claims ${JSON.stringify(claim)}`, () => stringClaim(claims, claim))
  if (claim === 'email' && claims.email_verified !== undefined) {
    const { email_verified: isVerified } = claims
    if (typeof isVerified !== 'boolean' && isVerified !== null) throw new Error(`oidc: parse 'email_verified' claim: ${cannotRead(isVerified, 'bool')}`)
    if (!isVerified) throw new Error('oidc: email not verified')
  }
  return prefix + value
}

function groupsOf(claims: Claims, { mappings, groups }: Mapper): string[] {
  const { claim = '', prefix = '' } = mappings.groups ?? {}
  const value = claim === '' ? undefined : claims[claim]
  if (value !== undefined) {
    const list = value === null ? [] : [value].flat()
    if (!list.every((group): group is string => typeof group === 'string')) throw new Error(`oidc: parse groups claim ${JSON.stringify(claim)}: ${cannotRead(value, 'string')}`)
    return list.map((group) => prefix + group)
  }
  return groups ? because('oidc: error evaluating group claim expression', () => stringsOf(evaluate(claims, groups))) : []
}

function uidOf(claims: Claims, { mappings, uid }: Mapper): string {
  const { claim = '' } = mappings.uid ?? {}
  if (claim) return because(`oidc: parse uid claim ${JSON.stringify(claim)}`, () => stringClaim(claims, claim))
  return uid ? because('oidc: error evaluating uid claim expression', () => textOf(evaluate(claims, uid), 'uid')) : ''
}

function extraOf(claims: Claims, { extra }: Mapper): Record<string, string[]> {
  const given: Record<string, string[]> = typeof claims.jti === 'string' && claims.jti ? { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] } : {}
  const values = extra.map((expression) => ({ expression, value: evaluate(claims, expression) }))
  for (const { expression, value } of values) {
    const texts = because(`oidc: error evaluating extra claim expression: ${expression.text}`, () => stringsOf(value))
    if (texts.length > 0) given[expression.key] = texts
  }
  return given
}

/** Only texts can be required. */
function requireClaim(claims: Claims, claim: string, wanted: string): void {
  if (claims[claim] === undefined) throw new Error(`oidc: required claim ${claim} not present in ID token`)
  const value = because(`oidc: parse claim ${claim}`, () => stringClaim(claims, claim))
  if (value !== wanted) throw new Error(`oidc: required claim ${claim} value does not match. Got = ${value}, want = ${wanted}`)
}

function checkRules(over: 'claims' | 'user', json: object, { rules, what }: { rules: readonly Condition[]; what: string }): void {
  const subject = plainValue(json)
  because(what, () => {
    for (const { rule, value } of rules.map((each) => ({ rule: each, value: evaluateOver(over, subject, each) }))) {
      if (value !== true) throw new Error(`validation expression '${rule.text}' failed: ${rule.message}`)
    }
  })
}

function evaluate(claims: Claims, expression: Expression) {
  return evaluateOver('claims', plainValue(claims), expression)
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} claim expression must return a string`)
  return value
}

function stringClaim(claims: Claims, claim: string): string {
  const value = claims[claim]
  if (value === undefined) throw new Error('claim not present')
  if (value !== null && typeof value !== 'string') throw new Error(cannotRead(value, 'string'))
  return value ?? ''
}

const cannotRead = (value: unknown, type: string): string => `json: cannot unmarshal ${jsonKind(value)} into Go value of type ${type}`

function because<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
