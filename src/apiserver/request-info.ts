/** What a path and method ask for. Models k8s.io/apiserver/pkg/endpoints/request/requestinfo.go. */
import { isTrue } from './write-options.ts'

/** URLSearchParams, or anything that reads like it. */
export interface Query {
  get(name: string): string | null
  getAll(name: string): string[]
  has(name: string): boolean
}

export interface RequestInfo {
  /** Whether the path names a resource (`/api/...`, `/apis/...`) or something else (`/healthz`). */
  isResourceRequest: boolean
  path: string
  /** get, list, watch, create, update, patch, delete, deletecollection; the method in lower case for other paths */
  verb: string
  group: string
  version: string
  namespace: string
  resource: string
  subresource: string
  name: string
  /** What follows resource, name and subresource (`/proxy/a/b` → ['a', 'b']). */
  rest: string[]
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
/** Subresources of namespaces that are not namespaced resources. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

/** @param path decoded, without the query */
export function parseRequestInfo(method: string, path: string, query: Query): RequestInfo {
  const info: RequestInfo = { isResourceRequest: false, path, verb: method.toLowerCase(), group: '', version: '', namespace: '', resource: '', subresource: '', name: '', rest: [] }
  // Only at the ends: what is empty between two slashes is a part that is empty.
  let parts = path.replace(/^\/+|\/+$/g, '').split('/')
  const prefix = parts[0]
  if (prefix !== 'api' && prefix !== 'apis') return info
  if (parts.length < (prefix === 'api' ? 3 : 4)) return info
  if (prefix === 'apis') info.group = parts[1] ?? ''
  info.version = parts[prefix === 'api' ? 1 : 2] ?? ''
  parts = parts.slice(prefix === 'api' ? 2 : 3)
  info.isResourceRequest = true
  info.verb = VERBS[method] ?? ''

  if (parts[0] === 'watch' && parts.length > 1) {
    info.verb = 'watch'
    parts = parts.slice(1)
  } else if (parts[0] === 'proxy' && parts.length > 1) {
    info.verb = 'proxy'
    parts = parts.slice(1)
  }
  if (parts[0] === 'namespaces' && parts.length > 1) {
    info.namespace = parts[1] ?? ''
    // "namespaces/x/pods" is about pods, "namespaces/x" and "namespaces/x/status" about the namespace.
    if (parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(parts[2] ?? '')) parts = parts.slice(2)
  }
  info.resource = parts[0] ?? ''
  info.name = parts[1] ?? ''
  info.subresource = parts[2] ?? ''
  info.rest = parts.slice(3)
  if (!info.name && info.verb === 'get') info.verb = isWatch(query) ? 'watch' : 'list'
  if (!info.name && info.verb === 'delete') info.verb = 'deletecollection'
  return info
}

function isWatch(query: Query): boolean {
  return isTrue(query.get('watch'))
}

const LONG_RUNNING_VERBS = new Set(['watch', 'proxy'])
/** Subresources whose requests may last, and take no seat. */
const CONNECTIONS = new Set(['attach', 'exec', 'log', 'portforward', 'proxy'])

export function isConnection({ verb, subresource }: Pick<RequestInfo, 'verb' | 'subresource'>): boolean {
  return verb === 'proxy' || CONNECTIONS.has(subresource)
}

export function isLongRunning(info: Pick<RequestInfo, 'verb' | 'subresource'>): boolean {
  return LONG_RUNNING_VERBS.has(info.verb) || isConnection(info)
}
