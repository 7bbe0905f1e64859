/** What is wrong with an AuthenticationConfiguration, and its expressions compiled. Models k8s.io/apiserver/pkg/apis/apiserver/validation (authentication). */
import { X509Certificate } from 'node:crypto'
import { parseGoURL } from '../../apimachinery/go-url.ts'
import { isDomainPrefixedPath } from '../../apimachinery/validation.ts'
import { field, type FieldError } from '../../errors.ts'
import type { Condition, Mapper } from './claims.ts'
import type { AuthenticationConfiguration, ClaimMappings, ClaimValidationRule, Issuer, JwtAuthenticatorConfiguration, PrefixedClaimOrExpression, UserValidationRule } from './configuration.ts'
import { compileExpression, type Expression, type Over } from './expressions.ts'

const MAX_AUTHENTICATORS = 64
const EGRESS = ['controlplane', 'cluster']
const BOTH = "claim and expression can't both be set"
const NEITHER = 'claim or expression is required'

export interface Validated {
  errors: FieldError[]
  /** One an issuer; of no use where there are errors. */
  mappers: Mapper[]
}

/** @param disallowedIssuers those whose tokens are another's business */
export function validateAuthenticationConfiguration({ jwt = [], anonymous }: AuthenticationConfiguration, disallowedIssuers: readonly string[]): Validated {
  if (jwt.length > MAX_AUTHENTICATORS) return { errors: [field.tooMany('jwt', jwt.length, MAX_AUTHENTICATORS)], mappers: [] }
  const errors: FieldError[] = []
  const mappers = jwt.map((authenticator, i) => validateAuthenticator(authenticator, { path: `jwt[${i}]`, errors, disallowedIssuers, others: jwt.slice(0, i) }))
  const { enabled = false, conditions = [] } = anonymous ?? {}
  if (!enabled && conditions.length > 0) errors.push(field.invalid('anonymous.conditions', conditions.map(({ path = '' }) => ({ Path: path })), 'enabled should be set to true when conditions are defined'))
  return { errors, mappers }
}

interface Place {
  path: string
  errors: FieldError[]
}

function validateAuthenticator({ issuer = {}, claimMappings = {}, claimValidationRules = [], userValidationRules = [] }: JwtAuthenticatorConfiguration, { path, errors, disallowedIssuers, others }: Place & { disallowedIssuers: readonly string[]; others: readonly JwtAuthenticatorConfiguration[] }): Mapper {
  validateIssuer(issuer, disallowedIssuers, { path: `${path}.issuer`, errors })
  const claimRules = claimRulesOf(claimValidationRules, { path: `${path}.claimValidationRules`, errors })
  const mapped = mappingsOf(claimMappings, claimRules, { path: `${path}.claimMappings`, errors })
  const userRules = userRulesOf(userValidationRules, { path: `${path}.userValidationRules`, errors })
  const { url = '', discoveryURL = '' } = issuer
  if (others.some((other) => (other.issuer?.url ?? '') === url)) errors.push(field.duplicate(`${path}.issuer.url`, url))
  if (discoveryURL && others.some((other) => other.issuer?.discoveryURL === discoveryURL)) errors.push(field.duplicate(`${path}.issuer.discoveryURL`, discoveryURL))
  const requiredClaims = new Map(claimValidationRules.flatMap(({ claim, requiredValue = '' }) => (claim ? [[claim, requiredValue] as const] : [])))
  return { mappings: claimMappings, requiredClaims, ...mapped, claimRules, userRules }
}

function validateIssuer({ url = '', discoveryURL = '', audiences = [], audienceMatchPolicy = '', certificateAuthority = '', egressSelectorType = '' }: Issuer, disallowed: readonly string[], { path, errors }: Place): void {
  errors.push(...(url ? urlErrors(url, disallowed, `${path}.url`) : [field.required(`${path}.url`)]))
  if (discoveryURL) {
    const bare = (text: string) => text.replace(/\/+$/, '')
    if (url && bare(url) === bare(discoveryURL)) errors.push(field.invalid(`${path}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL'))
    errors.push(...urlErrors(discoveryURL, [], `${path}.discoveryURL`))
  }
  errors.push(...audienceErrors(audiences, audienceMatchPolicy, path))
  if (certificateAuthority && !hasCertificate(certificateAuthority)) errors.push(field.invalid(`${path}.certificateAuthority`, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates'))
  if (egressSelectorType && !EGRESS.includes(egressSelectorType)) errors.push(field.invalid(`${path}.egressSelectorType`, egressSelectorType, 'egress selector must be either controlplane or cluster'))
  // Upstream says so when it makes the authenticator: nothing here is reached through another network.
  else if (egressSelectorType) errors.push(field.invalid(`${path}.egressSelectorType`, egressSelectorType, `oidc: egress lookup required with egress selector type "${egressSelectorType}"`))
}

function urlErrors(text: string, disallowed: readonly string[], path: string): FieldError[] {
  const overlaps = disallowed.includes(text) ? [field.invalid(path, text, `URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`)] : []
  const url = parseGoURL(text)
  if ('error' in url) return [...overlaps, field.invalid(path, text, url.error)]
  const problems = [
    url.scheme !== 'https' && 'URL scheme must be https',
    url.user !== undefined && 'URL must not contain a username or password',
    url.query !== '' && 'URL must not contain a query',
    url.fragment !== '' && 'URL must not contain a fragment',
  ]
  return [...overlaps, ...problems.flatMap((problem) => (problem ? [field.invalid(path, text, problem)] : []))]
}

function audienceErrors(audiences: readonly string[], policy: string, path: string): FieldError[] {
  if (audiences.length === 0) return [field.required(`${path}.audiences`, `at least one ${path}.audiences is required`)]
  const errors = audiences.flatMap((audience, i) => [
    ...(audience === '' ? [field.required(`${path}.audiences[${i}]`)] : []),
    ...(audiences.indexOf(audience) < i ? [field.duplicate(`${path}.audiences[${i}]`, audience)] : []),
  ])
  if (policy === 'MatchAny' || (audiences.length === 1 && policy === '')) return errors
  return [...errors, field.invalid(`${path}.audienceMatchPolicy`, policy, audiences.length > 1 ? 'audienceMatchPolicy must be MatchAny for multiple audiences' : 'audienceMatchPolicy must be empty or MatchAny for single audience')]
}

function hasCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** Compiles, or tells what is wrong. */
function compiled(text: string, { over, isCondition = false, path, errors }: Place & { over: Over; isCondition?: boolean }): Expression | undefined {
  const made = compileExpression(text, over, { isCondition })
  if (typeof made !== 'string') return made
  errors.push(field.invalid(path, text, made))
  return undefined
}

function claimRulesOf(rules: readonly ClaimValidationRule[], { path, errors }: Place): Condition[] {
  return rules.flatMap(({ claim = '', requiredValue = '', expression = '', message = '' }, i) => {
    const at = `${path}[${i}]`
    const earlier = rules.slice(0, i)
    if (claim && expression) errors.push(field.invalid(at, claim, BOTH))
    else if (!claim && !expression) errors.push(field.required(at, NEITHER))
    else if (claim) {
      if (message) errors.push(field.invalid(`${at}.message`, message, 'may not be specified when claim is set'))
      if (earlier.some((other) => other.claim === claim && !other.expression)) errors.push(field.duplicate(`${at}.claim`, claim))
    } else {
      if (requiredValue) errors.push(field.invalid(`${at}.requiredValue`, requiredValue, 'may not be specified when expression is set'))
      if (!earlier.some((other) => other.expression === expression && !other.claim)) return conditionOf(expression, message, { over: 'claims', path: `${at}.expression`, errors })
      errors.push(field.duplicate(`${at}.expression`, expression))
    }
    return []
  })
}

function userRulesOf(rules: readonly UserValidationRule[], { path, errors }: Place): Condition[] {
  return rules.flatMap(({ expression = '', message = '' }, i) => {
    const at = `${path}[${i}].expression`
    if (!expression) errors.push(field.required(at))
    else if (rules.slice(0, i).some((other) => other.expression === expression)) errors.push(field.duplicate(at, expression))
    else return conditionOf(expression, message, { over: 'user', path: at, errors })
    return []
  })
}

function conditionOf(text: string, message: string, place: Place & { over: Over }): Condition[] {
  const expression = compiled(text, { ...place, isCondition: true })
  return expression ? [{ ...expression, message }] : []
}

function mappingsOf({ username = {}, groups = {}, uid = {}, extra = [] }: ClaimMappings, claimRules: readonly Condition[], { path, errors }: Place): Pick<Mapper, 'username' | 'groups' | 'uid' | 'extra'> {
  const name = prefixedOf(username, { path: `${path}.username`, errors, isRequired: true })
  const group = prefixedOf(groups, { path: `${path}.groups`, errors, isRequired: false })
  if (uid.claim && uid.expression) errors.push(field.invalid(`${path}.uid`, '', BOTH))
  const id = uid.expression && !uid.claim ? compiled(uid.expression, { over: 'claims', path: `${path}.uid.expression`, errors }) : undefined
  const extras = extra.flatMap(({ key = '', valueExpression = '' }, i) => {
    const at = `${path}.extra[${i}]`
    errors.push(...keyErrors(key, `${at}.key`))
    if (extra.slice(0, i).some((other) => (other.key ?? '') === key)) errors.push(field.duplicate(`${at}.key`, key))
    else if (!valueExpression) errors.push(field.required(`${at}.valueExpression`))
    else {
      const expression = compiled(valueExpression, { over: 'claims', path: `${at}.valueExpression`, errors })
      return expression ? [{ ...expression, key }] : []
    }
    return []
  })
  const isVerified = [...(name ? [name] : []), ...extras, ...claimRules].some(({ program }) => program.selects('email_verified', 'claims'))
  if (name?.program.selects('email', 'claims') && !isVerified) {
    errors.push(field.invalid(`${path}.username.expression`, username.expression, 'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression'))
  }
  return { ...(name ? { username: name } : {}), ...(group ? { groups: group } : {}), ...(id ? { uid: id } : {}), extra: extras }
}

function prefixedOf({ claim, prefix, expression }: PrefixedClaimOrExpression, { path, errors, isRequired }: Place & { isRequired: boolean }): Expression | undefined {
  if (expression && claim) errors.push(field.invalid(path, '', BOTH))
  else if (expression) {
    if (prefix !== undefined) errors.push(field.invalid(`${path}.prefix`, prefix, 'may not be specified when expression is set'))
    return compiled(expression, { over: 'claims', path: `${path}.expression`, errors })
  } else if (claim && prefix === undefined) errors.push(field.required(`${path}.prefix`, 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'))
  else if (!claim && isRequired) errors.push(field.required(path, NEITHER))
  return undefined
}

function keyErrors(key: string, path: string): FieldError[] {
  const errors = isDomainPrefixedPath(path, key)
  if (key !== key.toLowerCase()) errors.push(field.invalid(path, key, 'must be lowercase'))
  if (/^(?:[^/]*\.)?(?:kubernetes|k8s)\.io\//.test(key)) errors.push(field.invalid(path, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'))
  return errors
}
