/** The operations outside group-versions: the discovery roots, the version, and who issues service account tokens. */
import { isAllCustom } from './openapi-custom-routes.ts'
import { addOperation, discoveryOperation, groupNames, type Operation, type Routes, type ServedGroupVersion, text } from './openapi-routes.ts'

function plainOperation(id: string, tag: string, rest: Partial<Operation>): Operation {
  return { method: 'get', id, tag, consumes: [], produces: [], responses: {}, parameters: [], ...rest }
}

/** By the path under /openapi/v3 that documents them. */
export function rootRoutes(served: readonly ServedGroupVersion[]): Map<string, Routes> {
  const documents = new Map<string, Routes>()
  const add = (document: string, path: string, operation: Operation): void => {
    const routes = documents.get(document) ?? new Map()
    documents.set(document, routes)
    addOperation(routes, path, operation)
  }
  const json = ['application/json']
  add('api', '/api/', discoveryOperation('getCoreAPIVersions', 'core', 'APIVersions'))
  add('apis', '/apis/', discoveryOperation('getAPIVersions', 'apis', 'APIGroupList'))
  // Groups of custom resources alone have no such path written down.
  for (const group of new Set(served.filter((gv) => !isAllCustom(gv)).map((gv) => gv.group).filter((group) => group !== ''))) {
    const names = groupNames(group)
    add(`apis/${group}`, `/apis/${group}/`, discoveryOperation(`get${names.id}APIGroup`, names.tag, 'APIGroup'))
  }
  const info = 'io.k8s.apimachinery.pkg.version.Info'
  add('version', '/version/', plainOperation('getCodeVersion', 'version', { consumes: json, produces: json, responses: { 200: info } }))
  const issuer = '.well-known/openid-configuration'
  add(issuer, `/${issuer}/`, plainOperation('getServiceAccountIssuerOpenIDConfiguration', 'WellKnown', { produces: json, responses: { 200: text } }))
  const keys = plainOperation('getServiceAccountIssuerOpenIDKeyset', 'openid', { produces: ['application/jwk-set+json'], responses: { 200: text } })
  add('openid/v1/jwks', '/openid/v1/jwks/', keys)
  return documents
}
