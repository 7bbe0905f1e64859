/** Acting as somebody else by header. Models k8s.io/apiserver/pkg/endpoints/filters/impersonation. */
import { badRequest, forbidden } from '../errors.ts'
import type { Authorizer } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/
const ANONYMOUS = 'system:anonymous'

/**
 * The user the request acts as: `user` itself without impersonation headers.
 * @throws StatusError 400 for headers without a user, 403 when `user` may not
 */
export async function impersonate(user: UserInfo, headers: Headers, authorizer: Authorizer | undefined): Promise<UserInfo> {
  const name = first(headers['impersonate-user'])
  const groups = all(headers['impersonate-group'])
  const uid = first(headers['impersonate-uid'])
  const extra = extraOf(headers)
  if (!name) {
    if (groups.length === 0 && !uid && Object.keys(extra).length === 0) return user
    throw badRequest(`requested ${goUser({ name: '', uid, groups, extra })} without impersonating a user name`)
  }
  const as = { name, uid, groups: [...groups], extra }
  if (authorizer) await checkAllowed(user, as, authorizer)
  return { name, ...(uid ? { uid } : {}), groups: withImplied(as), ...(Object.keys(extra).length ? { extra } : {}) }
}

/** Whether any header asks to act as somebody else. */
export function isImpersonating(headers: Headers): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true
  return false
}

interface Impersonated {
  name: string
  uid: string
  groups: string[]
  extra: Record<string, string[]>
}

/** Groups that come with a name. */
function withImplied({ name, groups }: Impersonated): string[] {
  const account = SERVICE_ACCOUNT.exec(name)
  const out = groups.length === 0 && account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : [...groups]
  const implied = name === ANONYMOUS ? 'system:unauthenticated' : 'system:authenticated'
  if (!out.includes('system:unauthenticated') && !out.includes(implied)) out.push(implied)
  return out
}

async function checkAllowed(user: UserInfo, as: Impersonated, authorizer: Authorizer): Promise<void> {
  const account = SERVICE_ACCOUNT.exec(as.name)
  const wanted = [
    account ? { resource: 'serviceaccounts', namespace: account[1] ?? '', name: account[2] ?? '', apiGroup: '' } : { resource: 'users', namespace: '', name: as.name, apiGroup: '' },
    ...as.groups.map((name) => ({ resource: 'groups', namespace: '', name, apiGroup: '' })),
    ...(as.uid ? [{ resource: 'uids', namespace: '', name: as.uid, apiGroup: 'authentication.k8s.io' }] : []),
    ...Object.entries(as.extra).flatMap(([key, values]) => values.map((name) => ({ resource: 'userextras', subresource: key, namespace: '', name, apiGroup: 'authentication.k8s.io' }))),
  ]
  for (const { apiGroup, ...item } of wanted) {
    const attributes = { user, verb: 'impersonate', apiGroup, apiVersion: apiGroup ? 'v1' : '', subresource: '', ...item }
    const verdict = await authorizer.authorize(attributes)
    if (verdict.decision === 'Allow') continue
    const where = item.namespace ? `in the namespace ${JSON.stringify(item.namespace)}` : 'at the cluster scope'
    const resource = attributes.subresource ? `${item.resource}/${attributes.subresource}` : item.resource
    const reason = verdict.reason ? `: ${verdict.reason}` : ''
    throw forbidden({ group: apiGroup, resource: item.resource }, item.name, `User ${JSON.stringify(user.name)} cannot impersonate resource ${JSON.stringify(resource)} in API group ${JSON.stringify(apiGroup)} ${where}${reason}`)
  }
}

const EXTRA_PREFIX = 'impersonate-extra-'

function extraOf(headers: Headers): Record<string, string[]> {
  const names = Object.keys(headers).filter((name) => name.startsWith(EXTRA_PREFIX))
  return Object.fromEntries(names.map((name) => [decodeURIComponent(name.slice(EXTRA_PREFIX.length)), all(headers[name])]))
}

/** Node joins repeated headers by commas. */
function all(value: string | string[] | undefined): string[] {
  if (value === undefined) return []
  return (Array.isArray(value) ? value : value.split(',')).map((v) => v.trim()).filter((v) => v !== '')
}

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

/** As Go prints user.DefaultInfo with `%#v`. */
function goUser({ name, uid, groups, extra }: Impersonated): string {
  const strings = (list: string[]) => `[]string{${list.map((s) => JSON.stringify(s)).join(', ')}}`
  const map = Object.entries(extra).map(([key, values]) => `${JSON.stringify(key)}:${strings(values)}`)
  return `&user.DefaultInfo{Name:${JSON.stringify(name)}, UID:${JSON.stringify(uid)}, Groups:${groups.length ? strings(groups) : '[]string(nil)'}, Extra:${map.length ? `map[string][]string{${map.join(', ')}}` : 'map[string][]string(nil)'}}`
}
