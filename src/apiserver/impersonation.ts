/**
 * Acting as somebody else by header: as a whole (the verb `impersonate`), or only for some requests and kinds of users
 * (`impersonate:<mode>` with `impersonate-on:<mode>:<verb>`). Models k8s.io/apiserver/pkg/endpoints/filters/impersonation.
 */
import { isDomainPrefixedPath, isDNS1123Label, isDNS1123Subdomain } from '../apimachinery/validation.ts'
import { unescapeExtraKey } from '../auth/front-proxy.ts'
import { badRequest, quote, StatusError } from '../errors.ts'
import type { AuthorizationAttributes, Authorizer, ResourceAttributes } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'
import { demand, notAllowed } from './authorization.ts'

const ANONYMOUS = 'system:anonymous'
const AUTHENTICATED = 'system:authenticated'
const UNAUTHENTICATED = 'system:unauthenticated'
const MASTERS = 'system:masters'
const NODE = 'system:node:'
const NODE_NAME = 'authentication.kubernetes.io/node-name'
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]*):([^:]*)$/
const API_GROUP = 'authentication.k8s.io'
/** From this many on, one question about all of them is asked first. */
const MANY = 4
const MAX_REMEMBERED = 10_000

/** Who the headers name, nothing added. */
export interface Impersonated {
  name: string
  uid: string
  groups: string[]
  extra: Record<string, string[]>
}

/** Whether any header asks to act as somebody else. */
export function isImpersonating(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

/** @param rawHeaders names and values in turn: what is repeated is several values. @throws StatusError 400 for headers without a user */
export function impersonatedUser(rawHeaders: readonly string[]): Impersonated | undefined {
  const wanted: Impersonated = { name: '', uid: '', groups: [], extra: {} }
  let hasExtra = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = (rawHeaders[i] ?? '').toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    if (header === 'impersonate-user') wanted.name ||= value
    else if (header === 'impersonate-uid') wanted.uid ||= value
    else if (header === 'impersonate-group') wanted.groups.push(value)
    else if (header.startsWith(EXTRA_PREFIX)) {
      hasExtra = true
      ;(wanted.extra[unescapeExtraKey(header.slice(EXTRA_PREFIX.length))] ??= []).push(value)
    }
  }
  if (wanted.name) return wanted
  if (!wanted.uid && wanted.groups.length === 0 && !hasExtra) return undefined
  throw badRequest(`requested ${goUser(wanted)} without impersonating a user name`)
}

interface Mode {
  name: string
  applies(wanted: Impersonated, requestor: UserInfo): boolean
}

const onlyName = ({ uid, groups, extra }: Impersonated): boolean => !uid && groups.length === 0 && Object.keys(extra).length === 0

/** From the narrowest to the widest; without a name is the one that has always been. */
const MODES: readonly Mode[] = [
  { name: 'associated-node', applies: (wanted, requestor) => onlyName(wanted) && serviceAccountOf(requestor.name) !== undefined && isOnNode(requestor, nodeOf(wanted.name)) },
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && serviceAccountOf(wanted.name) !== undefined },
  { name: 'user-info', applies: ({ name }) => nodeOf(name) === undefined && serviceAccountOf(name) === undefined },
  { name: '', applies: () => true },
]

export class Impersonation {
  readonly #authorizer: Authorizer
  /** The mode that worked last for a user is tried first. */
  readonly #lastMode = new Map<string, Mode>()

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer
  }

  /** The user that a request acts as, and the narrow right that was used, if one was. @param attributes the request, of who really makes it. @throws StatusError 403 when they may not */
  async become(wanted: Impersonated, attributes: AuthorizationAttributes): Promise<{ user: UserInfo; constraint?: string }> {
    const { user } = attributes
    const last = this.#lastMode.get(user.name)
    let refusal: unknown
    for (const mode of last ? [last, ...MODES.filter((mode) => mode !== last)] : MODES) {
      if (!mode.applies(wanted, user)) continue
      try {
        await this.#check(mode, wanted, attributes)
        this.#remember(user.name, mode)
        return { user: completed(wanted, mode), ...(mode.name ? { constraint: `impersonate:${mode.name}` } : {}) }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        refusal ??= error
      }
    }
    throw refusal
  }

  #remember(user: string, mode: Mode): void {
    if (this.#lastMode.size >= MAX_REMEMBERED) this.#lastMode.clear()
    this.#lastMode.set(user, mode)
  }

  async #check(mode: Mode, wanted: Impersonated, attributes: AuthorizationAttributes): Promise<void> {
    const requestor = mode.name === 'associated-node' ? withoutExtra(attributes.user) : attributes.user
    if (mode.name) await demand(this.#authorizer, { ...attributes, user: requestor, verb: `impersonate-on:${mode.name}:${attributes.verb}` })
    for (const question of questions(mode, wanted, requestor)) await this.#ask(question)
  }

  async #ask({ refusal, general, attributes }: Question): Promise<void> {
    const [first] = attributes
    if (refusal !== undefined && first) throw notAllowed(first, refusal)
    if (general && (await this.#authorizer.authorize(general)).decision === 'Allow') return
    for (const each of attributes) await demand(this.#authorizer, each)
  }
}

interface Question {
  attributes: readonly ResourceAttributes[]
  /** Allowed, it answers for all. */
  general?: ResourceAttributes
  /** Why it need not be asked. */
  refusal?: string | undefined
}

function questions(mode: Mode, wanted: Impersonated, user: UserInfo): Question[] {
  const isLegacy = mode.name === ''
  const verb = isLegacy ? 'impersonate' : `impersonate:${mode.name}`
  const about = (resource: string, name: string, apiGroup = API_GROUP): ResourceAttributes => ({ user, verb, apiGroup, apiVersion: 'v1', namespace: '', resource, subresource: '', name })
  const own = isLegacy ? '' : API_GROUP
  const groups = wanted.groups.map((group) => about('groups', group, own))
  const extra = Object.entries(wanted.extra).flatMap(([subresource, values]) => values.map((value) => ({ ...about('userextras', value), subresource })))
  const extraRefusal = isLegacy ? undefined : extraProblem(wanted.extra)
  return [
    { attributes: [nameQuestion(mode, wanted.name, (resource, name) => about(resource, name, own))] },
    ...(wanted.uid ? [{ attributes: [about('uids', wanted.uid)] }] : []),
    ...(isLegacy ? [{ attributes: groups }] : groupQuestions(wanted.groups, groups, about('groups', '*', own))),
    extraRefusal === undefined
      ? { attributes: extra, ...(!isLegacy && (extra.length >= MANY || Object.keys(wanted.extra).length >= MANY) ? { general: { ...about('userextras', '*'), subresource: '*' } } : {}) }
      : { attributes: [about('userextras', '')], refusal: extraRefusal },
  ]
}

function nameQuestion({ name: mode }: Mode, user: string, about: (resource: string, name: string) => ResourceAttributes): ResourceAttributes {
  const node = mode === '' ? undefined : nodeOf(user)
  if (node !== undefined) return about('nodes', mode === 'associated-node' ? '*' : node)
  const account = serviceAccountOf(user)
  return account ? { ...about('serviceaccounts', account.name), namespace: account.namespace } : about('users', user)
}

function groupQuestions(groups: readonly string[], attributes: ResourceAttributes[], general: ResourceAttributes): Question[] {
  if (groups.includes('')) return [{ attributes: [{ ...general, name: '' }], refusal: 'impersonating the empty string group is not allowed' }]
  if (groups.includes(MASTERS)) return [{ attributes: [{ ...general, name: MASTERS }], refusal: `impersonating the ${MASTERS} group is not allowed` }]
  return [{ attributes, ...(groups.length >= MANY ? { general } : {}) }]
}

function extraProblem(extra: Impersonated['extra']): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (!key) return 'impersonating the empty string key in extra is not allowed'
    const [problem] = isDomainPrefixedPath('extra.key', key)
    if (problem) return `impersonating an invalid key in extra is not allowed: ${problem.field}: ${problem.body}`
    if (key !== key.toLowerCase()) return `impersonating a non-lowercase key in extra is not allowed: ${quote(key)}`
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed'
  }
  return undefined
}

/** With the groups that come with a name. */
function completed({ name, uid, groups: given, extra }: Impersonated, mode: Mode): UserInfo {
  const account = serviceAccountOf(name)
  const own = given.length > 0 ? given : account ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : mode.name.endsWith('-node') ? ['system:nodes'] : []
  const groups = [...own]
  const implied = name === ANONYMOUS ? UNAUTHENTICATED : AUTHENTICATED
  if (!groups.includes(implied) && !groups.includes(UNAUTHENTICATED)) groups.push(implied)
  return { name, ...(uid ? { uid } : {}), groups, ...(Object.keys(extra).length ? { extra } : {}) }
}

function serviceAccountOf(user: string): { namespace: string; name: string } | undefined {
  const [, namespace = '', name = ''] = SERVICE_ACCOUNT.exec(user) ?? []
  return isDNS1123Label(namespace).length === 0 && isDNS1123Subdomain(name).length === 0 ? { namespace, name } : undefined
}

function nodeOf(user: string): string | undefined {
  const name = user.startsWith(NODE) ? user.slice(NODE.length) : ''
  return name && isDNS1123Subdomain(name).length === 0 ? name : undefined
}

function isOnNode({ extra }: UserInfo, node: string | undefined): boolean {
  const named = extra?.[NODE_NAME] ?? []
  return node !== undefined && named.length === 1 && named[0] === node
}

/** That the account is on the node has been seen: its other attributes do not count. */
function withoutExtra(user: UserInfo): UserInfo {
  return { ...user, extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(user.extra ?? {}).sort() } }
}

const EXTRA_PREFIX = 'impersonate-extra-'

/** As Go prints user.DefaultInfo with `%#v`. */
function goUser({ name, uid, groups, extra }: Impersonated): string {
  const strings = (list: string[]) => `[]string{${list.map((s) => JSON.stringify(s)).join(', ')}}`
  const map = Object.entries(extra).map(([key, values]) => `${JSON.stringify(key)}:${strings(values)}`)
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${groups.length ? strings(groups) : '[]string(nil)'}, Extra:${map.length ? `map[string][]string{${map.join(', ')}}` : 'map[string][]string(nil)'}}`
}
