import t from 'tap'
import type { ServedGroupVersion } from '../../src/apiserver/openapi-routes.ts'
import { contentOf } from '../../src/apiserver/openapi-document.ts'
import { openAPIV2Document } from '../../src/apiserver/openapi-v2.ts'
import { openAPIV3Document, openAPIV3Index } from '../../src/apiserver/openapi-v3.ts'
import { upstreamServed } from '../helpers/upstream-served.ts'

type Json = Record<string, unknown>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce((inner, key) => (isObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value)
}

/** Every value found under a key, anywhere. */
function valuesOf(key: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap((v) => valuesOf(key, v))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([k, v]) => (k === key && typeof v === 'string' ? [v] : valuesOf(key, v)))
}

function brokenReferences(document: unknown): unknown[] {
  return [...new Set(valuesOf('$ref', document))].filter((ref) => typeof ref !== 'string' || at(document, ...ref.replace('#/', '').split('/')) === undefined)
}

function repeated(values: unknown[]): unknown[] {
  return values.filter((v, i) => values.indexOf(v) !== i)
}

const served = upstreamServed()

function v3(name: string, of: readonly ServedGroupVersion[] = served): unknown {
  const document = openAPIV3Document(of, name)
  return document === undefined ? undefined : contentOf(document)
}

t.test('v3: the index leads to documents that are whole', async (t) => {
  const index: unknown = contentOf(openAPIV3Index(served))
  const paths = Object.entries(at(index, 'paths') ?? {})
  t.ok(paths.length > 2 * served.length, 'a document for each group, each group-version and the roots')
  const ids: unknown[] = []
  for (const [name, entry] of paths) {
    const document = v3(name)
    t.equal(at(entry, 'serverRelativeURL'), `/openapi/v3/${name}?hash=${openAPIV3Document(served, name)?.hash}`)
    t.same(brokenReferences(document), [], name)
    ids.push(...valuesOf('operationId', document))
  }
  t.same(repeated(ids), [])
  t.equal(v3('apis/apps/v2'), undefined)
})

t.test('v2: one document that is whole', async (t) => {
  const document: unknown = contentOf(openAPIV2Document(served))
  t.same(brokenReferences(document), [])
  t.same(repeated(valuesOf('operationId', document)), [])
  t.notOk(valuesOf('default', at(document, 'definitions')).length, 'without defaults')
  t.match(at(document, 'definitions', 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers'), {
    type: 'array', 'x-kubernetes-patch-merge-key': 'name', 'x-kubernetes-patch-strategy': 'merge',
  })
})

t.test('operations carry what clients look for', async (t) => {
  const core = at(v3('api/v1'), 'paths')
  const cases: [string, string, Json][] = [
    ['/api/v1/namespaces/{namespace}/pods', 'delete', { operationId: 'deleteCoreV1CollectionNamespacedPod', 'x-kubernetes-action': 'deletecollection' }],
    ['/api/v1/pods', 'get', { operationId: 'listCoreV1PodForAllNamespaces' }],
    ['/api/v1/watch/pods', 'get', { operationId: 'watchCoreV1PodListForAllNamespaces', 'x-kubernetes-action': 'watchlist' }],
    ['/api/v1/namespaces/{namespace}/pods/{name}/eviction', 'post', { 'x-kubernetes-group-version-kind': { group: 'policy', version: 'v1', kind: 'Eviction' } }],
    ['/api/v1/nodes/{name}/proxy/{path}', 'head', { operationId: 'connectCoreV1HeadNodeProxyWithPath' }],
    ['/api/v1/namespaces/{namespace}/pods/{name}/log', 'get', { responses: { 200: { content: { 'text/plain': { schema: { type: 'string' } } } } } }],
  ]
  for (const [path, method, expected] of cases) t.match(at(core, path, method), expected, path)
  const patch = at(core, '/api/v1/namespaces/{namespace}/pods/{name}', 'patch', 'parameters')
  t.match(patch, [{ name: 'dryRun' }, { name: 'fieldManager' }, { name: 'fieldValidation' }, { name: 'force' }])
})

t.test('logs of the host are not served, so not told of', (t) => {
  t.equal(v3('logs'), undefined)
  t.end()
})

t.test('v3 says of the shared kinds only what concerns the document', async (t) => {
  const gvks = at(v3('apis/batch/v1'), 'components', 'schemas', 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', 'x-kubernetes-group-version-kind')
  t.same(gvks, [{ group: '', version: 'v1', kind: 'DeleteOptions' }, { group: 'batch', version: 'v1', kind: 'DeleteOptions' }])
})

t.test('kinds that are not built in bring their schemas', async (t) => {
  const typeName = 'com.example.v1.Widget'
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
  const schemas = (prefix: string): Record<string, Json> => ({
    [typeName]: { type: 'object', properties: { metadata: { $ref: `${prefix}${meta}ObjectMeta` } } },
    [`${typeName}List`]: { type: 'object', properties: { items: { type: 'array', items: { $ref: prefix + typeName } } } },
  })
  const resource = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true, verbs: ['get', 'list', 'create'], typeName, listTypeName: `${typeName}List`, subresources: [] }
  const custom = { group: 'example.com', version: 'v1', resources: [resource], schemas: { v2: schemas('#/definitions/'), v3: schemas('#/components/schemas/') } }
  const all = [...served, custom]
  const document = v3('apis/example.com/v1', all)
  t.same(brokenReferences(document), [])
  t.ok(at(document, 'components', 'schemas', `${meta}ObjectMeta`))
  const optionsOf = at(document, 'components', 'schemas', `${meta}DeleteOptions`, 'x-kubernetes-group-version-kind') as { group: string }[]
  t.ok(optionsOf.length > 50 && optionsOf.every(({ group }) => group !== 'apiextensions.k8s.io'), 'shared kinds are of every group that client libraries know')
  t.equal(at(document, 'paths', '/apis/example.com/v1/widgets', 'get', 'operationId'), 'listExampleComV1WidgetForAllNamespaces')
  t.same(brokenReferences(contentOf(openAPIV2Document(all))), [])
  t.equal(openAPIV3Document(all, 'api/v1'), openAPIV3Document(served, 'api/v1'), 'what did not change is not made again')
})
