/** API services that another server on this machine answers. */
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { loadPki } from '../../src/auth/pki.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'
import { startApiCluster, type ApiTester } from '../helpers/http.ts'

const GROUP = '/apis/wardle.example.com'
const VERSION = `${GROUP}/v1alpha1`
const API_SERVICE = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.wardle.example.com'
const RESOURCES = [
  { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'], shortNames: ['fl'] },
  { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
]
const DOCUMENTS: Record<string, unknown> = {
  [VERSION]: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'wardle.example.com/v1alpha1', resources: RESOURCES },
  '/apis/external.metrics.k8s.io/v1beta1': { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'external.metrics.k8s.io/v1beta1', resources: [] },
  '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/jobs': { items: [{ metricName: 'jobs', value: '3' }, { metricName: 'jobs', value: '1' }] },
  '/openapi/v3': { paths: { 'apis/wardle.example.com/v1alpha1': { serverRelativeURL: `/openapi/v3${VERSION}?hash=1` } } },
  '/openapi/v2': {
    swagger: '2.0',
    paths: {
      [`${VERSION}/flunders`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/Flunder' } } } } },
      '/apis/other/v1/things': { get: { responses: { 200: { schema: { $ref: '#/definitions/Other' } } } } },
    },
    definitions: {
      Flunder: { type: 'object', properties: { metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }, of: { $ref: '#/definitions/io.k8s.api.core.v1.PodIP' } } },
      Other: { type: 'object' },
      'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': { type: 'object', description: 'another one' },
      'io.k8s.api.core.v1.PodIP': { type: 'string' },
    },
  },
  [`/openapi/v3${VERSION}`]: { openapi: '3.0.0', info: { title: 'Wardle', version: '1' }, paths: {} },
}

interface Echo {
  method: string
  url: string
  headers: Record<string, string>
  body: string
  /** Of the client certificate. */
  client: string
}

/** @param isLegacy that it has no OpenAPI v3 */
async function startWardle(t: Test, isLegacy: boolean): Promise<{ port: number; ca: string }> {
  const { ca, server: pair } = await loadPki({ dir: undefined, hosts: ['wardle.default.svc'], clock: new SystemClock(), random: new SystemRandom() })
  const server = https.createServer({ key: pair.key, cert: pair.cert, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'https://wardle')
      const json = (value: unknown, status = 200) => void response.writeHead(status, { 'content-type': 'application/json', 'x-wardle': 'yes' }).end(JSON.stringify(value))
      if (isLegacy && pathname.startsWith('/openapi/v3')) return void response.writeHead(404).end()
      if (DOCUMENTS[pathname]) return json(DOCUMENTS[pathname])
      if (pathname.endsWith('/teapot')) return json({ kind: 'Status', code: 418 }, 418)
      if (pathname.endsWith('/drop')) return request.socket.destroy()
      if (pathname.endsWith('/away')) return void response.writeHead(302, { location: '/x' }).end()
      if (searchParams.has('watch')) {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n')
        return
      }
      const client = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN)
      json({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString(), client })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, ca: Buffer.from(ca.cert).toString('base64') }
}

async function setup(t: Test, { isLegacy = false } = {}): Promise<ApiTester> {
  const { port, ca } = await startWardle(t, isLegacy)
  const api = await startApiCluster(t)
  await api.make('/api/v1/namespaces/default/services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'wardle' }, spec: { type: 'ExternalName', externalName: 'localhost' } })
  const spec = { group: 'wardle.example.com', version: 'v1alpha1', groupPriorityMinimum: 2000, versionPriority: 15, service: { name: 'wardle', namespace: 'default', port }, caBundle: ca }
  await api.make(API_SERVICE.replace(/\/[^/]*$/, ''), { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1alpha1.wardle.example.com' }, spec })
  await available(api, 'True', 'Passed')
  return api
}

const available = (api: ApiTester, status: string, reason: string) =>
  eventually(async () => {
    const { conditions = [] } = ((await api.get(API_SERVICE)).body.status ?? {}) as { conditions?: { type: string; status: string; reason: string }[] }
    return conditions.some((c) => c.type === 'Available' && c.status === status && c.reason === reason)
  })

t.test('requests reach the other server, with who asks', async (t) => {
  const api = await setup(t)
  const { body, headers } = await api.post(`${VERSION}/namespaces/default/flunders?b=1&a=x%20y`, { spec: 1 }, { headers: { 'x-remote-user': 'somebody', 'x-custom': 'kept' } })
  const echo = body as unknown as Echo
  t.match(echo, { method: 'POST', url: `${VERSION}/namespaces/default/flunders?a=x+y&b=1`, body: '{"spec":1}', client: 'front-proxy-client' })
  t.match(echo.headers, { 'x-remote-user': 'admin', 'x-remote-group': /system:masters/, 'x-custom': 'kept', 'x-forwarded-for': /./ })
  t.equal(echo.headers.authorization, undefined, 'no credentials')
  t.equal(headers['x-wardle'], 'yes')
  const impersonated = await api.get(`${VERSION}/flunders`, { headers: { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters', 'impersonate-extra-a%2fb': 'c' } })
  t.match((impersonated.body as unknown as Echo).headers, { 'x-remote-user': 'jane', 'x-remote-extra-a%2fb': 'c' })
  t.match(await api.get(`${VERSION}/namespaces/x/flunders/teapot`), { status: 418, body: { code: 418 } })
  t.match(await api.get(`${VERSION}/namespaces/x/flunders/away`), { status: 502, text: 'the backend attempted to redirect this request, which is not permitted' })
  t.match(await api.get(`${VERSION}/namespaces/x/flunders/drop`), { status: 503, text: 'error trying to reach service: EOF\n' })
  t.match(await api.get(`${VERSION}/flunders`, { token: null }), { status: 403, body: { reason: 'Forbidden' } }, 'this server authorizes first')
  const watch = await api.watch(`${VERSION}/flunders?watch=1`)
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'a' } } }, 'a watch streams')
  watch.close()
})

t.test('discovery and OpenAPI tell of it', async (t) => {
  const api = await setup(t)
  t.match((await api.get(VERSION)).body, { kind: 'APIResourceList', resources: [{ name: 'flunders' }, { name: 'flunders/status' }] })
  t.match((await api.get(GROUP)).body, { kind: 'APIGroup', name: 'wardle.example.com', preferredVersion: { version: 'v1alpha1' } })
  const { groups } = (await api.get('/apis')).body as unknown as { groups: { name: string }[] }
  t.equal(groups.at(-1)?.name, 'wardle.example.com')
  const aggregated = async () => ((await api.get('/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } })).body.items ?? []).find(({ metadata }) => metadata.name === 'wardle.example.com') as unknown
  await eventually(async () => JSON.stringify(await aggregated()).includes('flunders'))
  t.match(await aggregated(), { versions: [{ version: 'v1alpha1', freshness: 'Current', resources: [{ resource: 'flunders', scope: 'Namespaced', singularResource: 'flunder', shortNames: ['fl'], subresources: [{ subresource: 'status' }] }] }] })
  t.match((await api.get('/openapi/v3')).body.paths, { 'apis/wardle.example.com/v1alpha1': { serverRelativeURL: `/openapi/v3${VERSION}?hash=1` } })
  t.match((await api.get(`/openapi/v3${VERSION}`)).body, { info: { title: 'Wardle' } })
})

t.test('its OpenAPI v2 is merged into the one of this server', async (t) => {
  const api = await setup(t)
  const read = async () => (await api.get('/openapi/v2')).body as unknown as { paths: object; definitions: Record<string, { description?: string; properties?: object }> }
  await eventually(async () => Object.hasOwn((await read()).paths, `${VERSION}/flunders`))
  const { paths, definitions } = await read()
  t.notOk(Object.hasOwn(paths, '/apis/other/v1/things'), 'paths of other groups are not taken')
  t.notOk(definitions.Other, 'nor what only they use')
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
  t.same(definitions.Flunder?.properties, { metadata: { $ref: `#/definitions/${meta}_v2` }, of: { $ref: '#/definitions/io.k8s.api.core.v1.PodIP_v2' } }, 'what means something else here gets another name')
  t.equal(definitions[`${meta}_v2`]?.description, 'another one')
  t.not(definitions[meta]?.description, 'another one')
  await api.delete(API_SERVICE)
  await eventually(async () => !Object.hasOwn((await read()).paths, `${VERSION}/flunders`))
})

t.test('a server without OpenAPI v3 is told of by what it says in v2', async (t) => {
  const api = await setup(t, { isLegacy: true })
  const url = async () => ((await api.get('/openapi/v3')).body.paths as Record<string, { serverRelativeURL: string }>)['apis/wardle.example.com/v1alpha1']?.serverRelativeURL
  await eventually(async () => (await url())?.startsWith(`/openapi/v3${VERSION}?hash=`) ?? false)
  const { status, body } = await api.get((await url()) ?? '')
  t.equal(status, 200)
  const document = body as unknown as { openapi: string; paths: Record<string, unknown>; components: { schemas: Record<string, unknown> } }
  t.equal(document.openapi, '3.0.0')
  t.match(document.components.schemas.Flunder, { properties: { metadata: { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' } } })
  t.ok(document.paths[`${VERSION}/flunders`])
})

t.test('a server that cannot be asked', async (t) => {
  const api = await setup(t)
  await api.patch(API_SERVICE, { spec: { service: { port: 1 } } })
  await available(api, 'False', 'FailedDiscoveryCheck')
  t.match((await api.get(API_SERVICE)).body.status, { conditions: [{ message: /^failing or missing response from https:\/\/localhost:1\/apis\/wardle\.example\.com\/v1alpha1: Get "https:\/\/localhost:1\/apis\/wardle\.example\.com\/v1alpha1": dial tcp .*:1: connect: connection refused$/ }] })
  t.match(await api.get(`${VERSION}/flunders`), { status: 503, text: 'service unavailable\n', headers: { 'content-type': 'text/plain; charset=utf-8' } })
  await api.delete('/api/v1/namespaces/default/services/wardle')
  await available(api, 'False', 'ServiceNotFound')
  await api.delete(API_SERVICE)
  t.match(await api.get(`${VERSION}/flunders`), { status: 404 })
})

t.test('autoscalers read what another server tells', async (t) => {
  const { port, ca } = await startWardle(t, false)
  const api = await startApiCluster(t)
  await api.make('/api/v1/namespaces/default/services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'wardle' }, spec: { type: 'ExternalName', externalName: 'localhost' } })
  const spec = { group: 'external.metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100, service: { name: 'wardle', namespace: 'default', port }, caBundle: ca }
  const { metadata } = await api.make('/apis/apiregistration.k8s.io/v1/apiservices', { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1beta1.external.metrics.k8s.io' }, spec })
  await eventually(async () => JSON.stringify((await api.get(`/apis/apiregistration.k8s.io/v1/apiservices/${metadata.name}`)).body.status ?? {}).includes('Passed'))
  const labels = { app: 'web' }
  await api.make('/apis/apps/v1/namespaces/default/deployments', { metadata: { name: 'web' }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } } } })
  const deployment = async () => (await api.get('/apis/apps/v1/namespaces/default/deployments/web')).body as { spec?: { replicas?: number }; status?: { replicas?: number } }
  await eventually(async () => (await deployment()).status?.replicas === 1)
  const autoscaler = (name: string) => ({
    metadata: { name },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5, metrics: [{ type: 'External', external: { metric: { name }, target: { type: 'AverageValue', averageValue: '1' } } }] },
  })
  const path = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
  await api.make(path, autoscaler('jobs'))
  await eventually(async () => (await deployment()).spec?.replicas === 4)
})
