/**
 * The paths and operations that the served resources give, in a form that both OpenAPI versions are written from. Models
 * registerResourceHandlers of k8s.io/apiserver/pkg/endpoints/installer.go and the operation ids of endpoints/openapi.
 */
import { type GroupVersionKind, mustTypeFacts, typeFacts } from '../../schemas/facts.ts'
import {
  nameParameter, namespaceParameter, optionParameters, optionTypes, type Parameter, pathParameter, prettyParameter,
} from './openapi-parameters.ts'
import type { ExtraSchemas, OpenAPIVersion } from './openapi-schema.ts'

export interface ServedSubresource {
  readonly name: string
  /** What it takes and answers with, such as autoscaling/v1 Scale; for connect subresources the options kind, as discovery lists it. */
  readonly gvk: GroupVersionKind
  readonly typeName: string
  readonly verbs: readonly string[]
  /** The options kind of a subresource whose `get` answers with text, such as PodLogOptions. */
  readonly textOptionsType?: string
}

export interface ServedResource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** As discovery lists them. */
  readonly verbs: readonly string[]
  /** The OpenAPI name; the list is `${typeName}List`. */
  readonly typeName: string
  /** The name of the list's type, for custom resources: its kind may be any. */
  readonly listTypeName?: string
  /** A delete answers with the object instead of a Status. */
  readonly deleteReturnsObject?: boolean
  readonly subresources: readonly ServedSubresource[]
}

/** Keep the same object for as long as nothing in it changes: documents are cached by it. */
export interface ServedGroupVersion {
  readonly group: string
  readonly version: string
  readonly resources: readonly ServedResource[]
  /** The schemas of the type names that are not built in. */
  readonly schemas?: Readonly<Record<OpenAPIVersion, ExtraSchemas>>
  /** What tells the documents of one state from those of another, where they need not be made for it. */
  readonly hash?: string
}

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch'

/** What an operation answers with: a type's name, or text. */
export const text = Symbol('text')

export interface Operation {
  readonly method: Method
  readonly id: string
  readonly tag: string
  readonly action?: string
  readonly gvk?: GroupVersionKind
  readonly consumes: readonly string[]
  readonly produces: readonly string[]
  readonly body?: { readonly typeName: string; readonly required: boolean }
  /** By status code. */
  readonly responses: Readonly<Record<number, string | typeof text>>
  readonly parameters: readonly Parameter[]
}

export type Routes = Map<string, Operation[]>

const any = ['*/*']
export const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const streamTypes = [...mediaTypes, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch']
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml']

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
export const statusType = `${meta}Status`
const watchEventType = `${meta}WatchEvent`
export const patchType = `${meta}Patch`

export function addOperation(routes: Routes, path: string, operation: Operation): void {
  const operations = routes.get(path)
  if (operations === undefined) routes.set(path, [operation])
  else operations.push(operation)
}

/** Joins words as an identifier: what is neither letter nor digit goes, and the next letter is capital. */
function identifier(words: string, capital: boolean): string {
  const joined = words.replace(/^[^\p{L}_]+/u, '').replace(/[^\p{L}\d_]+(.?)/gu, (_, next: string) => next.toUpperCase())
  return capital ? joined.charAt(0).toUpperCase() + joined.slice(1) : joined
}

/** The group's part of operation ids and tags. */
export function groupNames(group: string, version?: string): { id: string; tag: string } {
  const short = group === '' ? 'core' : group.replace(/\.k8s\.io$/, '')
  const [id, tag] = [identifier(short, true), identifier(short, false)]
  return version === undefined ? { id, tag } : { id: id + identifier(version, true), tag: `${tag}_${identifier(version, false)}` }
}

export function groupVersionPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`
}

/** What the operations of one resource or subresource share. */
interface Endpoint {
  readonly routes: Routes
  readonly base: string
  readonly collection: string
  readonly item: string
  readonly itemParameters: readonly Parameter[]
  readonly collectionParameters: readonly Parameter[]
  readonly names: { id: string; tag: string }
  readonly suffix: string
  readonly gvk: GroupVersionKind
  readonly typeName: string
  readonly verbs: ReadonlySet<string>
}

interface Action {
  readonly method: Method
  readonly verb: string
  readonly action: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly suffix?: string
  readonly responses: Operation['responses']
  readonly options?: string
  readonly body?: Operation['body']
  readonly consumes?: readonly string[]
  readonly produces?: readonly string[]
}

function addAction(endpoint: Endpoint, a: Action): void {
  addOperation(endpoint.routes, `${endpoint.base}/${a.path}`, {
    method: a.method,
    id: a.verb + endpoint.names.id + (a.suffix ?? endpoint.suffix),
    tag: endpoint.names.tag,
    action: a.action,
    gvk: endpoint.gvk,
    consumes: a.consumes ?? any,
    produces: a.produces ?? mediaTypes,
    ...(a.body === undefined ? {} : { body: a.body }),
    responses: a.responses,
    parameters: [prettyParameter, ...(a.options === undefined ? [] : optionParameters(a.options)), ...a.parameters],
  })
}

function addItemActions(endpoint: Endpoint, deleteType: string): void {
  const { verbs, typeName, item: path, itemParameters: parameters } = endpoint
  const item = { path, parameters }
  const written = { 200: typeName, 201: typeName }
  if (verbs.has('get')) addAction(endpoint, { ...item, method: 'get', verb: 'read', action: 'get', responses: { 200: typeName } })
  if (verbs.has('update')) {
    const body = { typeName, required: true }
    addAction(endpoint, { ...item, method: 'put', verb: 'replace', action: 'put', options: optionTypes.update, body, responses: written })
  }
  if (verbs.has('patch')) {
    const body = { typeName: patchType, required: true }
    addAction(endpoint, { ...item, method: 'patch', verb: 'patch', action: 'patch', options: optionTypes.patch, body, consumes: patchTypes, responses: written })
  }
  if (verbs.has('delete')) {
    const body = { typeName: optionTypes.delete, required: false }
    const responses = { 200: deleteType, 202: deleteType }
    addAction(endpoint, { ...item, method: 'delete', verb: 'delete', action: 'delete', options: optionTypes.delete, body, responses })
  }
}

function addCreate(endpoint: Endpoint, path: string, parameters: readonly Parameter[]): void {
  const { typeName } = endpoint
  const responses = { 200: typeName, 201: typeName, 202: typeName }
  const body = { typeName, required: true }
  addAction(endpoint, { method: 'post', verb: 'create', action: 'post', path, parameters, options: optionTypes.create, body, responses })
}

function addCollectionActions(endpoint: Endpoint): void {
  const { verbs, collection: path, collectionParameters: parameters } = endpoint
  addListActions(endpoint, { path, parameters, suffix: endpoint.suffix })
  if (verbs.has('create')) addCreate(endpoint, path, parameters)
  if (verbs.has('deletecollection')) {
    const unwatched = optionParameters(optionTypes.list).filter((p) => p.name !== 'watch' && p.name !== 'allowWatchBookmarks')
    addAction(endpoint, {
      method: 'delete', verb: 'delete', action: 'deletecollection', path, suffix: `Collection${endpoint.suffix}`,
      options: optionTypes.delete, parameters: [...unwatched, ...parameters],
      body: { typeName: optionTypes.delete, required: false }, responses: { 200: statusType },
    })
  }
  if (verbs.has('watch')) addWatch(endpoint, 'watch', { path: endpoint.item, parameters: endpoint.itemParameters, suffix: endpoint.suffix })
}

interface Scope {
  path: string
  parameters: readonly Parameter[]
  suffix: string
}

function addListActions(endpoint: Endpoint, scope: Scope): void {
  if (!endpoint.verbs.has('list')) return
  const responses = { 200: `${endpoint.typeName}List` }
  addAction(endpoint, { ...scope, method: 'get', verb: 'list', action: 'list', options: optionTypes.list, produces: streamTypes, responses })
  if (!endpoint.verbs.has('watch')) return
  // The all-namespaces mark comes after the word List.
  const suffix = scope.suffix.endsWith(allNamespaces) ? scope.suffix.slice(0, -allNamespaces.length) + 'List' + allNamespaces : `${scope.suffix}List`
  addWatch(endpoint, 'watchlist', { ...scope, suffix })
}

function addWatch(endpoint: Endpoint, action: string, scope: Scope): void {
  const responses = { 200: watchEventType }
  const path = `watch/${scope.path}`
  addAction(endpoint, { ...scope, path, method: 'get', verb: 'watch', action, options: optionTypes.list, produces: streamTypes, responses })
}

const allNamespaces = 'ForAllNamespaces'

function addSubresource(parent: Endpoint, subresource: ServedSubresource): void {
  const path = `${parent.item}/${subresource.name}`
  const endpoint: Endpoint = {
    ...parent,
    item: path,
    suffix: parent.suffix + subresource.name.charAt(0).toUpperCase() + subresource.name.slice(1),
    gvk: subresource.gvk,
    typeName: subresource.typeName,
    verbs: new Set(subresource.verbs),
  }
  if (isOptionsKind(subresource)) return addConnect(endpoint)
  if (subresource.textOptionsType !== undefined) {
    const produces = ['text/plain', ...mediaTypes]
    const get = { method: 'get', verb: 'read', action: 'get', path, parameters: endpoint.itemParameters } as const
    return addAction(endpoint, { ...get, produces, options: subresource.textOptionsType, responses: { 200: text } })
  }
  addItemActions(endpoint, statusType)
  if (endpoint.verbs.has('create')) addCreate(endpoint, path, endpoint.itemParameters)
}

/** A connect subresource is listed with the kind of its options, which is no object: exec, attach, port-forward, proxy. */
function isOptionsKind(subresource: ServedSubresource): boolean {
  return subresource.gvk.kind.endsWith('Options') && typeFacts(subresource.typeName)?.jsonFields.has('metadata') === false
}

const methodsOfVerb: Readonly<Record<string, readonly Method[]>> = {
  get: ['get'], create: ['post'], update: ['put'], patch: ['patch'], delete: ['delete', 'head', 'options'],
}

function addConnect(endpoint: Endpoint): void {
  const options = optionParameters(endpoint.typeName)
  const forwardsPath = mustTypeFacts(endpoint.typeName).jsonFields.has('path')
  for (const method of [...endpoint.verbs].flatMap((verb) => methodsOfVerb[verb] ?? [])) {
    const add = (path: string, suffix: string, parameters: readonly Parameter[]): void =>
      addOperation(endpoint.routes, `${endpoint.base}/${path}`, {
        method,
        id: `connect${endpoint.names.id}${method.charAt(0).toUpperCase()}${method.slice(1)}${endpoint.suffix}${suffix}`,
        tag: endpoint.names.tag,
        action: 'connect',
        gvk: endpoint.gvk,
        consumes: any,
        produces: any,
        responses: { 200: text },
        parameters,
      })
    add(endpoint.item, '', [...options, ...endpoint.itemParameters])
    if (forwardsPath) add(`${endpoint.item}/{path}`, 'WithPath', [...options, ...endpoint.itemParameters, pathParameter])
  }
}

function addResource(routes: Routes, resource: ServedResource): void {
  const { group, version, kind, plural, namespaced } = resource
  const collection = namespaced ? `namespaces/{namespace}/${plural}` : plural
  const collectionParameters = namespaced ? [namespaceParameter] : []
  const endpoint: Endpoint = {
    routes,
    base: groupVersionPath(group, version),
    collection,
    item: `${collection}/{name}`,
    collectionParameters,
    itemParameters: [...collectionParameters, nameParameter],
    names: groupNames(group, version),
    suffix: namespaced ? `Namespaced${kind}` : kind,
    gvk: { group, version, kind },
    typeName: resource.typeName,
    verbs: new Set(resource.verbs),
  }
  addCollectionActions(endpoint)
  addItemActions(endpoint, resource.deleteReturnsObject === true ? resource.typeName : statusType)
  if (namespaced) addListActions(endpoint, { path: plural, parameters: [], suffix: kind + allNamespaces })
  for (const subresource of resource.subresources) addSubresource(endpoint, subresource)
}

/** All operations of a group-version, its resource list included, by path. */
export function groupVersionRoutes(served: ServedGroupVersion): Routes {
  const routes: Routes = new Map()
  const names = groupNames(served.group, served.version)
  addOperation(routes, `${groupVersionPath(served.group, served.version)}/`, discoveryOperation(`get${names.id}APIResources`, names.tag, 'APIResourceList'))
  for (const resource of served.resources) addResource(routes, resource)
  return routes
}

export function discoveryOperation(id: string, tag: string, kind: string): Operation {
  return { method: 'get', id, tag, consumes: mediaTypes, produces: mediaTypes, responses: { 200: meta + kind }, parameters: [] }
}

/** Parameters that every operation of a path has are listed at the path. */
export function commonParameters(operations: readonly Operation[]): Parameter[] {
  const [first, ...others] = operations
  const isCommon = (p: Parameter): boolean => others.every((o) => o.parameters.some((q) => q.name === p.name && q.in === p.in))
  return (first?.parameters ?? []).filter(isCommon).sort(compareParameters)
}

export function compareParameters(a: { name: string; in: string }, b: { name: string; in: string }): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.in < b.in ? -1 : a.in > b.in ? 1 : 0
}

/** Every type that the operations take or give. */
export function typesOf(routes: Routes): Set<string> {
  const names = new Set<string>()
  for (const operations of routes.values()) {
    for (const { body, responses } of operations) {
      if (body !== undefined) names.add(body.typeName)
      for (const type of Object.values(responses)) if (type !== text) names.add(type)
    }
  }
  return names
}
