/**
 * The operations of custom resources, which upstream writes down apart from those of built-in ones and with differences.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder.
 */
import { nameParameter, namespaceParameter, optionParameters, optionTypes, prettyParameter } from './openapi-parameters.ts'
import { addOperation, groupNames, groupVersionPath, groupVersionRoutes, patchType, statusType, type Method, type Operation, type Routes, type ServedGroupVersion, type ServedResource } from './openapi-routes.ts'

const TYPES = ['application/json', 'application/yaml']
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']
const GET_OPTIONS = optionTypes.delete.replace('DeleteOptions', 'GetOptions')
const CUSTOM_INFO = { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' }

export const isCustom = (resource: ServedResource): boolean => resource.listTypeName !== undefined

/** Whether a group and version have custom resources only: their document has a title of its own, and no way to authenticate. */
export const isAllCustom = ({ resources }: ServedGroupVersion): boolean => resources.every(isCustom)

/** The title of the document of a group and version of custom resources; undefined for the usual one. */
export const customInfo = (served: ServedGroupVersion): typeof CUSTOM_INFO | undefined => (isAllCustom(served) ? CUSTOM_INFO : undefined)

/** All operations of a group and version, whatever its resources are. */
export function routesOf(served: ServedGroupVersion): Routes {
  const custom = served.resources.filter(isCustom)
  const routes: Routes = custom.length < served.resources.length ? groupVersionRoutes({ ...served, resources: served.resources.filter((r) => !isCustom(r)) }) : new Map()
  for (const resource of custom) addResource(routes, resource)
  return routes
}

interface Action {
  method: Method
  /** The beginning of the operation's id. */
  verb: string
  action: string
  options?: string
  body?: { typeName: string; required: boolean }
  responses: Operation['responses']
}

function actionsOf(typeName: string, listTypeName: string) {
  const body = { typeName, required: true }
  return {
    list: { method: 'get', verb: 'list', action: 'list', options: optionTypes.list, responses: { 200: listTypeName } },
    create: { method: 'post', verb: 'create', action: 'post', options: optionTypes.create, body, responses: { 200: typeName, 201: typeName, 202: typeName } },
    deleteCollection: { method: 'delete', verb: 'delete', action: 'deletecollection', options: optionTypes.list, responses: { 200: statusType } },
    read: { method: 'get', verb: 'read', action: 'get', options: GET_OPTIONS, responses: { 200: typeName } },
    replace: { method: 'put', verb: 'replace', action: 'put', options: optionTypes.update, body, responses: { 200: typeName, 201: typeName } },
    remove: { method: 'delete', verb: 'delete', action: 'delete', options: optionTypes.delete, body: { typeName: optionTypes.delete, required: false }, responses: { 200: statusType, 202: statusType } },
    patch: { method: 'patch', verb: 'patch', action: 'patch', options: optionTypes.patch, body: { typeName: patchType, required: true }, responses: { 200: typeName } },
  } as const satisfies Record<string, Action>
}

function addResource(routes: Routes, resource: ServedResource): void {
  const { group, version, kind, plural, namespaced, typeName, listTypeName = '' } = resource
  const names = groupNames(group, version)
  const base = groupVersionPath(group, version)
  const collection = namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`
  const suffix = namespaced ? `Namespaced${kind}` : kind
  const add = (path: string, name: string, { method, verb, action, options, body, responses }: Action): void => {
    const parameters = [
      ...(options === undefined ? [] : optionParameters(options)),
      ...(path.includes('{namespace}') ? [namespaceParameter] : []),
      ...(path.includes('{name}') ? [nameParameter] : []),
    ]
    addOperation(routes, path, {
      method,
      id: verb + names.id + name,
      tag: names.tag,
      action,
      gvk: { group, version, kind },
      consumes: method === 'patch' ? PATCH_TYPES : TYPES,
      produces: TYPES,
      ...(body ? { body } : {}),
      responses,
      // An option that every operation has anyway is not told twice.
      parameters: [prettyParameter, ...parameters.filter((p) => p.name !== prettyParameter.name)],
    })
  }
  const own = actionsOf(typeName, listTypeName)
  if (namespaced) add(`${base}/${plural}`, `${kind}ForAllNamespaces`, own.list)
  add(collection, suffix, own.list)
  add(collection, suffix, own.create)
  add(collection, `Collection${suffix}`, own.deleteCollection)
  const item = `${collection}/{name}`
  for (const action of [own.read, own.replace, own.remove, own.patch]) add(item, suffix, action)
  for (const { name, typeName: type } of resource.subresources) {
    const { read, replace, patch } = actionsOf(type, '')
    for (const action of [read, replace, patch]) add(`${item}/${name}`, suffix + name.charAt(0).toUpperCase() + name.slice(1), action)
  }
}
