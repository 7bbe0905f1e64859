/** Asks whether a request is allowed and refuses in upstream's words. Models k8s.io/apiserver/pkg/endpoints/{filters/authorization,handlers/responsewriters/errors}.go. */
import { parseFieldSelector, type FieldSelector } from '../apimachinery/fields.ts'
import { parseSelector } from '../apimachinery/labels.ts'
import { isPathSegmentName } from '../apimachinery/validation.ts'
import { forbidden, quote, type StatusError } from '../errors.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Authorizer, type Verdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'
import type { Query, RequestInfo } from './request-info.ts'

/** Nothing when it is allowed at once, else a promise of the same. @param note is told the verdict @throws StatusError 403 */
export function demand(authorizer: Authorizer, attributes: AuthorizationAttributes, note?: (verdict: Verdict) => void): Promise<void> | undefined {
  const verdict = authorizer.authorize(attributes)
  const decide = (decided: Verdict) => {
    note?.(decided)
    refuseUnlessAllowed(decided, attributes)
  }
  if (verdict instanceof Promise) return verdict.then(decide)
  decide(verdict)
  return undefined
}

function refuseUnlessAllowed({ decision, reason }: Verdict, attributes: AuthorizationAttributes): void {
  if (decision !== 'Allow') throw notAllowed(attributes, reason)
}

const SELECTING = new Set(['list', 'watch', 'deletecollection'])

/** What is asked of the authorizer; the query may narrow a request for many. */
export function attributesOf(user: UserInfo, info: RequestInfo, query: Query): AuthorizationAttributes {
  if (!info.isResourceRequest) return { user, verb: info.verb, path: info.path }
  const { verb, group, version, namespace, resource, subresource, name } = info
  const attributes = { user, verb, apiGroup: group, apiVersion: version, namespace, resource, subresource, name }
  if (!SELECTING.has(verb)) return attributes
  const fields = selectorOf(query.get('fieldSelector'), parseFieldSelector)
  const labels = selectorOf(query.get('labelSelector'), parseSelector)
  return {
    ...attributes,
    name: name || selectedName(fields),
    ...(fields ? { fieldSelector: fields.requirements.map(({ field, operator, value }) => ({ key: field, operator, values: [value] })) } : {}),
    ...(labels ? { labelSelector: labels.requirements } : {}),
  }
}

/** What is wrong with a selector is said once the request is allowed. */
function selectorOf<T>(text: string | null, parse: (text: string) => T): T | undefined {
  if (!text) return undefined
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** A request for what a selector narrows down to one name may be allowed for that name. */
function selectedName(fields: FieldSelector | undefined): string {
  const name = fields?.requiresExactMatch('metadata.name') ?? ''
  return isPathSegmentName(name).length > 0 ? '' : name
}

/** 403 in the words of ForbiddenStatusError. */
export function notAllowed(attributes: AuthorizationAttributes, reason: string): StatusError {
  const why = forbiddenText(attributes).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const { group, resource, name } = isResourceAttributes(attributes) ? { ...attributes, group: attributes.apiGroup } : { group: '', resource: '', name: '' }
  return forbidden({ group, resource }, name, reason ? `${why}: ${reason}` : why)
}

function forbiddenText(attributes: AuthorizationAttributes): string {
  const who = `User ${quote(attributes.user.name)} cannot ${attributes.verb}`
  if (!isResourceAttributes(attributes)) return `${who} path ${quote(attributes.path)}`
  const { resource, subresource, apiGroup, namespace } = attributes
  const where = namespace ? `in the namespace ${quote(namespace)}` : 'at the cluster scope'
  return `${who} resource ${quote(subresource ? `${resource}/${subresource}` : resource)} in API group ${quote(apiGroup)} ${where}`
}
