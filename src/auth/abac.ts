/** Attribute-based access control: who may do what by the lines of a file. Models k8s.io/kubernetes/pkg/auth/authorizer/abac and pkg/apis/abac/{v0,v1beta1}. */
import { decodeStruct, refuseMismatch } from '../apimachinery/config/decode-shape.ts'
import { struct, typeMeta } from '../apimachinery/config/shape.ts'
import { decodeContext } from '../apimachinery/decode-context.ts'
import { isRecord } from '../apimachinery/json.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import { parseJSON } from '../apimachinery/parse.ts'
import { quote } from '../errors.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Authorizer, type RuleList, type Verdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'

export interface AbacPolicy {
  user?: string
  group?: string
  readonly?: boolean
  apiGroup?: string
  resource?: string
  namespace?: string
  nonResourcePath?: string
}

const GROUP = 'abac.authorization.kubernetes.io'
const ALL = '*'
const AUTHENTICATED = 'system:authenticated'
const READ_VERBS = ['get', 'list', 'watch']

const subject = { user: 'string', group: 'string', readonly: 'bool', resource: 'string', namespace: 'string' } as const
const SHAPES = {
  v0: struct('Policy', { ...typeMeta, ...subject }),
  v1beta1: struct('Policy', { ...typeMeta, spec: struct('PolicySpec', { ...subject, apiGroup: 'string', nonResourcePath: 'string' }) }),
}

/** One policy a line, besides empty lines and comments. Throws ParseError that names the line. */
export function parseAbacPolicies(text: string, file: string): AbacPolicy[] {
  return text.split('\n').flatMap((line, i) => {
    if (/^\s*(?:#|$)/.test(line)) return []
    try {
      return [policyOf(line)]
    } catch (error) {
      throw new ParseError(`error reading policy file ${file}, line ${i + 1}: ${line}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  })
}

function policyOf(line: string): AbacPolicy {
  const value = objectOf(line)
  const { apiVersion = '', kind = '' } = value
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') throw new ParseError("couldn't get version/kind; json parse error: apiVersion and kind are strings")
  const isNewest = apiVersion === `${GROUP}/v1beta1`
  if (isNewest && !kind) throw new ParseError(`Object 'Kind' is missing in '${line}'`)
  if ((kind && kind !== 'Policy') || (apiVersion && !isNewest && apiVersion !== `${GROUP}/v0`)) throw new ParseError(`no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`)
  const ctx = decodeContext(false)
  const decoded = decodeStruct(isNewest ? SHAPES.v1beta1 : SHAPES.v0, value, ctx)
  refuseMismatch(ctx)
  return isNewest ? ((decoded.spec ?? {}) as AbacPolicy) : fromUnversioned(decoded as AbacPolicy)
}

function objectOf(line: string): Record<string, unknown> {
  let problem: unknown = 'a policy is a JSON object'
  try {
    const { value } = parseJSON(line)
    if (isRecord(value)) return value
  } catch (error) {
    problem = error instanceof Error ? error.message : error
  }
  throw new ParseError(`couldn't get version/kind; json parse error: ${String(problem)}`)
}

/** What says nothing meant everything once. */
function fromUnversioned({ user, group, readonly = false, resource, namespace }: AbacPolicy): AbacPolicy {
  const isForAll = user === ALL || group === ALL || (!user && !group)
  const who = isForAll ? { group: AUTHENTICATED } : { ...(user ? { user } : {}), ...(group ? { group } : {}) }
  return { ...who, readonly, apiGroup: ALL, namespace: namespace || ALL, resource: resource || ALL, ...(namespace || resource ? {} : { nonResourcePath: ALL }) }
}

export function abacAuthorizer(policies: readonly AbacPolicy[]): Authorizer {
  return {
    authorize: (attributes): Verdict => (policies.some((policy) => allows(policy, attributes)) ? { decision: 'Allow', reason: '' } : { decision: 'NoOpinion', reason: 'No policy matched.' }),
    rulesFor: (user, namespace) => rulesOf(policies.filter((policy) => isFor(policy, user) && matches(policy.namespace, namespace))),
  }
}

function allows(policy: AbacPolicy, attributes: AuthorizationAttributes): boolean {
  if (!isFor(policy, attributes.user)) return false
  if (policy.readonly && !READ_VERBS.includes(attributes.verb)) return false
  if (!isResourceAttributes(attributes)) return pathMatches(policy.nonResourcePath ?? '', attributes.path)
  return matches(policy.namespace, attributes.namespace) && matches(policy.resource, attributes.resource) && matches(policy.apiGroup, attributes.apiGroup)
}

/** Both must fit where both are said, and one must be. */
function isFor({ user: name, group }: AbacPolicy, user: UserInfo): boolean {
  if (!name && !group) return false
  return (!name || matches(name, user.name)) && (!group || group === ALL || user.groups.includes(group))
}

const matches = (wanted = '', actual: string): boolean => wanted === ALL || wanted === actual

function pathMatches(wanted: string, path: string): boolean {
  return matches(wanted, path) || (wanted.endsWith(ALL) && path.startsWith(wanted.replace(/\*+$/, '')))
}

function rulesOf(policies: readonly AbacPolicy[]): RuleList {
  const verbsOf = ({ readonly }: AbacPolicy) => (readonly ? READ_VERBS : [ALL])
  return {
    resourceRules: policies.flatMap((policy) => (policy.resource ? [{ verbs: verbsOf(policy), apiGroups: [policy.apiGroup ?? ''], resources: [policy.resource] }] : [])),
    nonResourceRules: policies.flatMap((policy) => (policy.nonResourcePath ? [{ verbs: verbsOf(policy), nonResourceURLs: [policy.nonResourcePath] }] : [])),
    incomplete: false,
  }
}
