/** status, scale, binding, eviction and connections. */
import t from 'tap'
import { eventually } from '../helpers/cluster.ts'
import { startApiCluster, type ApiTester } from '../helpers/http.ts'

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const PODS = '/api/v1/namespaces/default/pods'
const PAUSED = { replicas: 1, paused: true, selector: { matchLabels: { app: 'x' } }, template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } }
const deployment = (name: string) => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: PAUSED })
const pod = (name: string, extra: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], schedulerName: 'nobody', ...extra } })
const TABLE = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }

async function startWithAccounts(t: Parameters<typeof startApiCluster>[0]): Promise<ApiTester> {
  const api = await startApiCluster(t)
  await eventually(async () => (await api.get('/api/v1/namespaces/default/serviceaccounts/default')).status === 200)
  return api
}

t.test('status and the rest are written apart', async (t) => {
  const api = await startApiCluster(t)
  const path = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
  await api.make(path, { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: {} }, status: { currentHealthy: 9 } })
  const item = `${path}/b`
  const { body } = await api.get(item)
  t.not((body.status as { currentHealthy?: number } | undefined)?.currentHealthy, 9, 'a create brings no status')
  const written = await api.patch(`${item}/status`, { metadata: { labels: { x: 'y' } }, spec: { minAvailable: 5 }, status: { currentHealthy: 3, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0, conditions: [] } })
  t.match(written, { status: 200, body: { spec: { minAvailable: 1 } } })
  t.match(await api.get(`${item}/status`), { status: 200, body: { kind: 'PodDisruptionBudget', metadata: { name: 'b' } } })
  const updated = await api.patch(item, { spec: { minAvailable: 2 }, status: { currentHealthy: 7 } })
  t.match(updated, { status: 200, body: { spec: { minAvailable: 2 } } })
  t.not((updated.body.status as { currentHealthy?: number }).currentHealthy, 7)
  t.match(await api.post(`${item}/status`, {}), { status: 405 })
  t.match(await api.delete(`${item}/status`), { status: 405 })
})

t.test('a token tells who asked for it', async (t) => {
  const api = await startWithAccounts(t)
  const path = '/api/v1/namespaces/default/serviceaccounts/default/token'
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { labels: { a: 'b' } }, spec: { audiences: ['x'] } }
  const { status, body } = await api.post(`${path}?fieldManager=me`, request)
  t.equal(status, 201)
  t.match(body.metadata, {
    labels: { a: 'b' },
    managedFields: [{ manager: 'me', operation: 'Update', apiVersion: 'authentication.k8s.io/v1', fieldsType: 'FieldsV1', subresource: 'token', fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } }, 'f:spec': { 'f:audiences': {}, 'f:expirationSeconds': {} } } }],
  })
})

t.test('scale', async (t) => {
  const api = await startApiCluster(t)
  await api.make(DEPLOYMENTS, deployment('d'))
  const path = `${DEPLOYMENTS}/d/scale`
  const { body: scale } = await api.get(path)
  t.match(scale, { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'd', namespace: 'default', uid: /./, resourceVersion: /./ }, spec: { replicas: 1 }, status: { selector: 'app=x' } })
  t.match(await api.put(path, { ...scale, metadata: { name: 'd' }, spec: { replicas: 3 } }), { status: 200, body: { kind: 'Scale', spec: { replicas: 3 } } })
  t.match(await api.get(`${DEPLOYMENTS}/d`), { body: { spec: { replicas: 3 }, metadata: { generation: 2 } } })
  t.match(await api.put(path, { ...scale, spec: { replicas: 4 } }), { status: 409 }, 'stale')
  t.match(await api.put(`${path}?dryRun=All`, { metadata: { name: 'd' }, spec: { replicas: 9 } }), { status: 200, body: { spec: { replicas: 9 } } })
  t.match(await api.patch(path, { spec: { replicas: 5 } }), { status: 200, body: { spec: { replicas: 5 } } })
  t.match(await api.patch(path, [{ op: 'test', path: '/spec/replicas', value: 5 }, { op: 'replace', path: '/spec/replicas', value: 6 }], { headers: { 'content-type': 'application/json-patch+json' } }), { status: 200, body: { spec: { replicas: 6 } } })
  t.match(await api.patch(path, { spec: { replicas: 7 } }, { headers: { 'content-type': 'application/strategic-merge-patch+json' } }), { status: 200, body: { spec: { replicas: 7 } } })
  const refusals: [object, number, string | RegExp][] = [
    [{ metadata: { name: 'd' }, spec: { replicas: -1 } }, 422, 'Scale.autoscaling "d" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [{ metadata: { name: 'other' }, spec: {} }, 400, 'the name of the object (other) does not match the name on the URL (d)'],
    [{ metadata: {}, spec: {} }, 400, 'the name of the object (d based on URL) was undeterminable: name must be provided'],
    [{ metadata: { name: 'd', uid: 'other' }, spec: {} }, 409, /^Operation cannot be fulfilled on deployments\.apps "d": StorageError: invalid object, Code: 4, Key: \/registry\/deployments\/default\/d, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: other, UID in object meta: /],
    [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } }, 400, 'Deployment in version "v1" cannot be handled as a Scale: converting (v1.Deployment) to (autoscaling.Scale): unknown conversion'],
  ]
  for (const [sent, status, message] of refusals) t.match(await api.put(path, sent), { status, body: { message } })
  t.match(await api.put(`${path}?dryRun=All`, { metadata: { name: 'd', uid: 'other' } }), { status: 409, body: { message: /Key: \/deployments\/default\/d, / } }, 'a dry run')
  t.match(await api.patch(path, { metadata: { uid: 'other' } }), { status: 409, body: { message: /^Operation cannot be fulfilled on deployments\/scale.apps "d": Precondition failed: UID in precondition: other, UID in object meta: / } })
  t.match(await api.patch(path, { spec: { replicas: 'x' } }), { status: 422, body: { message: /^ "" is invalid: patch: Invalid value: "\{\\"apiVersion\\":.*": json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32$/ } })
  t.match(await api.put(`${DEPLOYMENTS}/nope/scale`, { metadata: { name: 'nope' } }), { status: 404, body: { message: 'deployments.apps "nope" not found' } })
  t.match(await api.get(path, { headers: TABLE }), { body: { kind: 'Table', columnDefinitions: [{ name: 'Name', format: '' }, { name: 'Desired' }, { name: 'Available' }, { name: 'Age' }], rows: [{ cells: ['d', 7, 0, /s$/] }] } })
  t.match(await api.delete(path), { status: 405 })
})

t.test('subresources that print no tables', async (t) => {
  const api = await startWithAccounts(t)
  await api.make(PODS, pod('p'))
  t.match(await api.get(`${PODS}/p/status`, { headers: TABLE }), { status: 200, body: { kind: 'Table' } })
  const definition = '/apis/apiregistration.k8s.io/v1/apiservices/v1.apps/status'
  for (const path of [`${PODS}/p/resize`, `${PODS}/p/ephemeralcontainers`, definition]) {
    const message = 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'
    t.match(await api.get(path, { headers: TABLE }), { status: 406, body: { message } }, path)
    t.notMatch((await api.get(path, { headers: { accept: `${TABLE.accept},application/json` } })).body, { kind: 'Table' }, path)
  }
})

t.test('binding', async (t) => {
  const api = await startWithAccounts(t)
  await api.make(PODS, pod('p'))
  const bind = (name: string, extra: object = {}) => api.post(`${PODS}/p/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'n' }, ...extra })
  t.match(await bind('q'), { status: 400, body: { message: 'name in URL does not match name in Binding object' } })
  t.match(await api.post(`${PODS}/p/binding?dryRun=All`, { metadata: { name: 'p' }, target: { name: 'n' } }), { status: 201 })
  t.notOk(((await api.get(`${PODS}/p`)).body.spec as { nodeName?: string }).nodeName)
  t.same((await bind('p')).body, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 })
  t.match(await api.get(`${PODS}/p`), { body: { spec: { nodeName: 'n' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } } })
  t.match(await bind('p'), { status: 409, body: { message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"' } })
  t.match(await api.get(`${PODS}/p/binding`), { status: 405 })
})

t.test('eviction', async (t) => {
  const api = await startWithAccounts(t)
  await api.make(PODS, pod('e'))
  const path = `${PODS}/e/eviction`
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e' } }
  t.match(await api.post(path, { ...eviction, deleteOptions: { dryRun: ['All'] } }), { status: 201 })
  t.equal((await api.get(`${PODS}/e`)).status, 200)
  t.match(await api.post(path, { ...eviction, apiVersion: 'policy/v2' }), { status: 400 })
  t.match(await api.post(path, { ...eviction, apiVersion: 'policy/v1beta1' }), { status: 201, body: { status: 'Success' } }, 'the older version will do')
  t.equal((await api.get(`${PODS}/e`)).status, 404)
  t.match(await api.post(path, eviction), { status: 404, body: { message: 'pods "e" not found' } })
})

t.test('what cannot be connected to', async (t) => {
  const api = await startWithAccounts(t)
  await api.make(PODS, pod('p', { containers: [{ name: 'a', image: 'i' }, { name: 'b', image: 'i' }] }))
  await api.make(PODS, pod('one'))
  await api.make('/api/v1/namespaces/default/services', { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } })
  const services = '/api/v1/namespaces/default/services'
  const cases: [string, string, number, string | RegExp | undefined][] = [
    ['GET', `${PODS}/nope/log`, 404, 'pods "nope" not found'],
    ['GET', `${PODS}/one/log`, 204, undefined],
    ['GET', `${PODS}/p/log`, 400, 'a container name must be specified for pod p, choose one of: [a b]'],
    ['GET', `${PODS}/p/log?container=z`, 400, 'container z is not valid for pod p'],
    ['GET', `${PODS}/one/log?tailLines=-1`, 422, /tailLines: Invalid value: -1/],
    ['GET', `${PODS}/one/log?limitBytes=0`, 422, /limitBytes: Invalid value: 0: must be greater than 0/],
    ['GET', `${PODS}/one/log?sinceSeconds=x`, 400, 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['GET', `${PODS}/one/log?sinceSeconds=1&sinceTime=2020-01-01T00:00:00Z`, 422, /at most one of `sinceTime` or `sinceSeconds` may be specified/],
    ['PUT', `${PODS}/one/log`, 405, undefined],
    ['GET', `${PODS}/one/exec?command=ls`, 400, 'pod one does not have a host assigned'],
    ['POST', `${PODS}/one/attach`, 400, 'pod one does not have a host assigned'],
    ['POST', `${PODS}/one/portforward`, 400, 'pod one does not have a host assigned'],
    ['POST', `${PODS}/one/exec?dryRun=All`, 400, 'dryRun is not supported'],
    ['DELETE', `${PODS}/one/exec`, 405, undefined],
    ['GET', `${PODS}/one/proxy/`, 400, 'address not allowed'],
    ['GET', `${PODS}/a:b:c:d/proxy/`, 400, 'invalid pod request "a:b:c:d"'],
    ['GET', `${services}/none/proxy/`, 404, 'services "none" not found'],
    ['GET', `${services}/s:81/proxy/`, 503, 'no service port 81 found for service "s"'],
  ]
  for (const [method, path, status, message] of cases) t.match(await api.request(method, path), { status, ...(message ? { body: { message } } : {}) }, `${method} ${path}`)
})
