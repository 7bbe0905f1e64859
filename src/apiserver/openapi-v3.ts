/**
 * OpenAPI v3: an index, and a document for each group-version and discovery root. Models k8s.io/kube-openapi/pkg/builder3
 * and k8s.io/apiserver/pkg/server/routes/openapi.go.
 */
import { bearerToken, contentOf, info, openAPIDocument, type OpenAPIDocument, responseDescription } from './openapi-document.ts'
import type { Parameter } from './openapi-parameters.ts'
import { rootRoutes } from './openapi-roots.ts'
import {
  commonParameters, compareParameters, groupVersionPath, type Operation, type Routes, type ServedGroupVersion, text, typesOf,
} from './openapi-routes.ts'
import { customInfo, isAllCustom, routesOf } from './openapi-custom-routes.ts'
import { collectSchemas, type JsonSchema, schemaRef } from './openapi-schema.ts'

function schemaOf(type: string | typeof text): JsonSchema {
  return type === text ? { type: 'string' } : schemaRef('v3', type)
}

function content(mediaTypes: readonly string[], type: string | typeof text): Record<string, { schema: JsonSchema }> {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: schemaOf(type) }]))
}

function parameterObject(p: Parameter): unknown {
  return { name: p.name, in: p.in, ...(p.in === 'path' ? { required: true } : {}), schema: { type: p.type, uniqueItems: true } }
}

function responses(operation: Operation): Record<string, unknown> {
  const answers = Object.entries(operation.responses).map(([code, type]): [string, unknown] => [
    code,
    { description: responseDescription(code), content: content(operation.produces, type) },
  ])
  return Object.fromEntries([...answers, ['401', { description: responseDescription('401') }]])
}

function operationObject(operation: Operation, common: readonly Parameter[]): unknown {
  const own = operation.parameters.filter((p) => !common.some((c) => c.name === p.name && c.in === p.in)).sort(compareParameters)
  const { body } = operation
  return {
    tags: [operation.tag],
    operationId: operation.id,
    ...(own.length > 0 ? { parameters: own.map(parameterObject) } : {}),
    ...(body === undefined ? {} : { requestBody: { content: content(operation.consumes, body.typeName), ...(body.required ? { required: true } : {}) } }),
    responses: responses(operation),
    ...(operation.action === undefined ? {} : { 'x-kubernetes-action': operation.action }),
    ...(operation.gvk === undefined ? {} : { 'x-kubernetes-group-version-kind': operation.gvk }),
  }
}

function pathItem(operations: readonly Operation[]): unknown {
  const common = commonParameters(operations)
  const item: Record<string, unknown> = {}
  for (const operation of operations) item[operation.method] = operationObject(operation, common)
  if (common.length > 0) item['parameters'] = common.map(parameterObject)
  return item
}

/** Kinds that every group-version registers; a document of built-in ones lists them for itself and for v1 only. */
const sharedKinds = new Set(['WatchEvent', 'DeleteOptions'])

function isGroupVersionKinds(value: unknown): value is { group: string; version: string; kind: string }[] {
  return Array.isArray(value)
}

/** Groups whose kinds the scheme does not have that documents of custom resources are made by: that of client libraries. */
const UNKNOWN_TO_CLIENTS = new Set(['admission.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'imagepolicy.k8s.io'])

function narrowSharedKinds(schemas: Record<string, JsonSchema>, { group, version, isCustom }: { group: string; version: string; isCustom: boolean }): void {
  const isTold = (g: { group: string; version: string }) => (isCustom ? !UNKNOWN_TO_CLIENTS.has(g.group) : (g.group === group && g.version === version) || (g.group === '' && g.version === 'v1'))
  for (const schema of Object.values(schemas)) {
    const gvks = schema['x-kubernetes-group-version-kind']
    if (!isGroupVersionKinds(gvks) || gvks.length < 2 || !sharedKinds.has(gvks[0]?.kind ?? '')) continue
    schema['x-kubernetes-group-version-kind'] = gvks.filter(isTold)
  }
}

function document(routes: Routes, of: ServedGroupVersion | undefined): OpenAPIDocument {
  const schemas = collectSchemas('v3', typesOf(routes), of?.schemas?.v3)
  if (of !== undefined) narrowSharedKinds(schemas, { group: of.group, version: of.version, isCustom: isAllCustom(of) })
  const securitySchemes = of && isAllCustom(of) ? {} : { securitySchemes: { BearerToken: bearerToken } }
  return openAPIDocument({
    openapi: '3.0.0',
    info: (of && customInfo(of)) ?? info,
    paths: Object.fromEntries([...routes].map(([path, operations]) => [path, pathItem(operations)])),
    components: { ...(Object.keys(schemas).length > 0 ? { schemas } : {}), ...securitySchemes },
  }, of?.hash)
}

const groupVersionDocuments = new WeakMap<ServedGroupVersion, OpenAPIDocument>()

function groupVersionDocument(served: ServedGroupVersion): OpenAPIDocument {
  let made = groupVersionDocuments.get(served)
  if (made === undefined) {
    made = document(routesOf(served), served)
    groupVersionDocuments.set(served, made)
  }
  return made
}

interface Documents {
  readonly roots: ReadonlyMap<string, OpenAPIDocument>
  readonly groupVersions: ReadonlyMap<string, ServedGroupVersion>
  index: OpenAPIDocument | undefined
}

const known = new WeakMap<readonly ServedGroupVersion[], Documents>()

function documentsOf(served: readonly ServedGroupVersion[]): Documents {
  let documents = known.get(served)
  if (documents === undefined) {
    documents = {
      roots: new Map([...rootRoutes(served)].map(([name, routes]) => [name, document(routes, undefined)])),
      groupVersions: new Map(served.map((gv) => [groupVersionPath(gv.group, gv.version).slice(1), gv])),
      index: undefined,
    }
    known.set(served, documents)
  }
  return documents
}

/** The document at /openapi/v3/NAME, where NAME is `api/v1`, `apis/apps/v1`, `apis/apps`, `version` …; undefined if there is none. */
export function openAPIV3Document(served: readonly ServedGroupVersion[], name: string): OpenAPIDocument | undefined {
  const documents = documentsOf(served)
  const groupVersion = documents.groupVersions.get(name)
  return groupVersion === undefined ? documents.roots.get(name) : groupVersionDocument(groupVersion)
}

/** The document at /openapi/v3: where the others are, those of other servers included. Clients keep them for as long as the hash stays. */
export function openAPIV3Index(served: readonly ServedGroupVersion[], remote: Readonly<Record<string, { serverRelativeURL: string }>> = {}): OpenAPIDocument {
  const own = ownIndex(served)
  if (Object.keys(remote).length === 0) return own
  const { paths } = contentOf(own) as { paths: object }
  return openAPIDocument({ paths: { ...paths, ...remote } })
}

function ownIndex(served: readonly ServedGroupVersion[]): OpenAPIDocument {
  const documents = documentsOf(served)
  if (documents.index === undefined) {
    const paths: Record<string, { serverRelativeURL: string }> = {}
    for (const name of [...documents.roots.keys(), ...documents.groupVersions.keys()].sort()) {
      const hash = documents.groupVersions.get(name)?.hash ?? openAPIV3Document(served, name)?.hash ?? ''
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` }
    }
    documents.index = openAPIDocument({ paths })
  }
  return documents.index
}
