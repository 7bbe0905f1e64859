/** Every verb on a plain kind, over both versions of HTTP. */
import t, { type Test } from 'tap'
import { CONFIG_MAPS, configMap, startApiCluster, type ApiTester } from '../helpers/http.ts'

const STRATEGIC = { headers: { 'content-type': 'application/strategic-merge-patch+json' } }
const JSON_PATCH = { headers: { 'content-type': 'application/json-patch+json' } }

async function everyVerb(t: Test, api: ApiTester, { name, http1 }: { name: string; http1: boolean }): Promise<void> {
  const item = `${CONFIG_MAPS}/${name}`
  const created = await api.post(CONFIG_MAPS, configMap(name, { data: { a: '1' } }), { http1 })
  t.equal(created.status, 201)
  t.match(created.body, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'default', uid: /^[0-9a-f-]{36}$/, resourceVersion: /^\d+$/, creationTimestamp: /Z$/ }, data: { a: '1' } })
  t.equal(created.headers['content-type'], 'application/json')
  t.equal(created.headers['cache-control'], 'no-cache, private')
  t.match(created.text, /\}\n$/, 'a body ends its line')

  const got = await api.get(item, { http1 })
  t.equal(got.status, 200)
  t.equal(got.text, created.text, 'read back byte for byte')

  const replaced = await api.put(item, { ...created.body, data: { b: '2' } }, { http1 })
  t.equal(replaced.status, 200)
  t.same(replaced.body.data, { b: '2' })
  t.equal(replaced.body.metadata.uid, created.body.metadata.uid)

  const merged = await api.patch(item, { data: { b: null, c: '3' } }, { http1 })
  t.same(merged.body.data, { c: '3' })
  const json = await api.patch(item, [{ op: 'add', path: '/data/d', value: '4' }], { ...JSON_PATCH, http1 })
  t.same(json.body.data, { c: '3', d: '4' })
  const strategic = await api.patch(item, { data: { $patch: 'replace', e: '5' } }, { ...STRATEGIC, http1 })
  t.same(strategic.body.data, { e: '5' })

  const deleted = await api.delete(item, undefined, { http1 })
  t.equal(deleted.status, 200)
  t.same(deleted.body, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, kind: 'configmaps', uid: created.body.metadata.uid } })
  t.equal((await api.get(item, { http1 })).status, 404)
}

t.test('one object through its life', async (t) => {
  const api = await startApiCluster(t)
  await t.test('HTTP/2', (t) => everyVerb(t, api, { name: 'over-h2', http1: false }))
  await t.test('HTTP/1.1', (t) => everyVerb(t, api, { name: 'over-h1', http1: true }))
})

t.test('what a write that changes nothing does', async (t) => {
  const api = await startApiCluster(t)
  const created = await api.make(CONFIG_MAPS, configMap('still', { data: { a: '1' } }))
  const version = created.metadata.resourceVersion
  const item = `${CONFIG_MAPS}/still`
  t.equal((await api.put(item, created)).body.metadata.resourceVersion, version, 'PUT of the same')
  t.equal((await api.put(item, configMap('still', { data: { a: '1' } }))).body.metadata.resourceVersion, version, 'PUT without version')
  t.equal((await api.patch(item, {})).body.metadata.resourceVersion, version, 'empty patch')
  t.equal((await api.patch(item, { data: { a: '1' } })).body.metadata.resourceVersion, version, 'patch to what it is')
  t.not((await api.patch(item, { data: { a: '2' } })).body.metadata.resourceVersion, version, 'a change makes a new version')
})

t.test('versions guard against lost updates', async (t) => {
  const api = await startApiCluster(t)
  const first = await api.make(CONFIG_MAPS, configMap('guarded', { data: { n: '0' } }))
  const item = `${CONFIG_MAPS}/guarded`
  await api.put(item, { ...first, data: { n: '1' } })
  const stale = await api.put(item, { ...first, data: { n: '2' } })
  t.match(stale, {
    status: 409,
    body: { reason: 'Conflict', message: 'Operation cannot be fulfilled on configmaps "guarded": the object has been modified; please apply your changes to the latest version and try again', details: { name: 'guarded', kind: 'configmaps' } },
  })
  t.match(await api.patch(item, { metadata: { resourceVersion: first.metadata.resourceVersion }, data: { n: '3' } }), { status: 409 }, 'a patch may name a version too')
  t.match(await api.put(item, { ...first, metadata: { ...first.metadata, resourceVersion: undefined, uid: 'other' }, data: {} }), { status: 409, body: { message: /Precondition failed: UID in precondition: other, UID in object meta: / } })
  t.equal((await api.put(item, configMap('guarded', { metadata: { resourceVersion: '0' }, data: { n: '4' } }))).status, 200, 'version 0 is none')
  t.match(await api.put(item, configMap('guarded', { metadata: { resourceVersion: 'x' } })), { status: 500, body: { message: 'strconv.ParseUint: parsing "x": invalid syntax' } })
  t.same((await api.get(item)).body.data, { n: '4' })
})

t.test('fifty writers at once lose nothing', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('busy', { data: {} }))
  const item = `${CONFIG_MAPS}/busy`
  const writers = Array.from({ length: 50 }, (_, i) => i)
  const patched = await Promise.all(writers.map((i) => api.patch(item, { data: { [`p${i}`]: 'x' } })))
  t.same([...new Set(patched.map((a) => a.status))], [200])
  t.equal(new Set(patched.map((a) => a.body.metadata.resourceVersion)).size, 50, 'each makes a version of its own')

  const { body } = await api.get(item)
  const put = await Promise.all(writers.map((i) => api.put(item, { ...body, data: { winner: String(i) } })))
  t.equal(put.filter((a) => a.status === 200).length, 1, 'of those who start from the same version one wins')
  t.equal(put.filter((a) => a.status === 409).length, 49)
})

t.test('names: given, generated, wrong', async (t) => {
  const api = await startApiCluster(t)
  const generated = await api.make(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'gen-' } })
  t.match(generated.metadata, { name: /^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/, generateName: 'gen-' })
  const long = await api.make(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x'.repeat(80) } })
  t.equal(long.metadata.name?.length, 63, 'a long base is cut')
  t.match(await api.post(CONFIG_MAPS, { metadata: { name: 'BAD', generateName: 'ok-' } }), { status: 422, body: { details: { name: 'BAD' } } })
  t.match(await api.post(CONFIG_MAPS, { metadata: { generateName: 'BAD-' } }), { status: 422, body: { details: { name: /^BAD-.{5}$/ } } }, 'refused under the generated name')
  await api.make(CONFIG_MAPS, configMap('taken'))
  t.match(await api.post(CONFIG_MAPS, configMap('taken')), { status: 409, body: { reason: 'AlreadyExists', message: 'configmaps "taken" already exists' } })
  t.match(await api.post(CONFIG_MAPS, configMap('taken', { metadata: { generateName: 'taken-' } })), {
    status: 409,
    headers: { 'retry-after': '1' },
    body: { message: 'configmaps "taken" already exists, the server was not able to generate a unique name for the object', details: { retryAfterSeconds: 1 } },
  })
  t.match(await api.put(`${CONFIG_MAPS}/taken`, configMap('other')), { status: 400, body: { message: 'the name of the object (other) does not match the name on the URL (taken)' } })
  t.match(await api.put(`${CONFIG_MAPS}/taken`, { metadata: {} }), { status: 400, body: { message: 'the name of the object (taken based on URL) was undeterminable: name must be provided' } })
  t.match(await api.post(CONFIG_MAPS, configMap('x', { metadata: { namespace: 'other' } })), { status: 400, body: { message: 'the namespace of the provided object does not match the namespace sent on the request' } })
  t.match(await api.post(CONFIG_MAPS, configMap('x', { metadata: { resourceVersion: '7' } })), { status: 500, body: { message: 'resourceVersion should not be set on objects to be created' } })
})

t.test('what upstream cannot make its own of', async (t) => {
  const api = await startApiCluster(t)
  const path = '/apis/apps/v1/namespaces/default/daemonsets'
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'x' }] } }
  const daemonSet = (annotations = {}) => ({ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'd', annotations }, spec: { selector: { matchLabels: { a: 'b' } }, template } })
  const wrong = { 'deprecated.daemonset.template.generation': 'x' }
  const why = 'strconv.ParseInt: parsing "x": invalid syntax'
  t.match(await api.post(path, daemonSet(wrong)), { status: 400, body: { message: `DaemonSet in version "v1" cannot be handled as a DaemonSet: ${why}` } })
  await api.make(path, daemonSet())
  const patch = (type: string, query = '') => api.patch(`${path}/d${query}`, type.includes('apply') ? daemonSet(wrong) : { metadata: { annotations: wrong } }, { headers: { 'content-type': type } })
  t.match(await patch('application/merge-patch+json'), { status: 422, body: { message: new RegExp(`${why}$`) } })
  t.match(await patch('application/strategic-merge-patch+json'), { status: 500, body: { message: why } })
  t.match(await patch('application/apply-patch+yaml', '?fieldManager=f&force=true'), { status: 500, body: { message: `failed to convert to unversioned (/d; apps/v1, Kind=DaemonSet): ${why}` } })
})

t.test('a dry run changes nothing', async (t) => {
  const api = await startApiCluster(t)
  const created = await api.make(CONFIG_MAPS, configMap('real', { data: { a: '1' } }))
  const item = `${CONFIG_MAPS}/real`
  const before = await api.get(`${CONFIG_MAPS}?limit=500`)
  t.match(await api.post(`${CONFIG_MAPS}?dryRun=All`, configMap('never')), { status: 201, body: { metadata: { name: 'never', uid: /./, resourceVersion: undefined } } })
  t.match(await api.post(`${CONFIG_MAPS}?dryRun=All`, configMap('real')), { status: 409 })
  t.match(await api.put(`${item}?dryRun=All`, { ...created, data: { a: '2' } }), { status: 200, body: { data: { a: '2' } } })
  t.match(await api.patch(`${item}?dryRun=All`, { data: { a: '3' } }), { status: 200, body: { data: { a: '3' } } })
  t.match(await api.delete(`${item}?dryRun=All`), { status: 200, body: { status: 'Success' } })
  t.match(await api.delete(item, { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] }), { status: 200 })
  t.match(await api.delete(item, { kind: 'DeleteOptions', apiVersion: 'garden.example.com/v1', dryRun: ['All'] }), { status: 200 }, 'options come in the group of their client, known or not')
  t.match(await api.delete(item, { kind: 'Nonsense', apiVersion: 'garden.example.com/v1' }), { status: 400 })
  t.match(await api.delete(`${CONFIG_MAPS}?dryRun=All`), { status: 200, body: { kind: 'ConfigMapList' } })
  t.match(await api.post(`${CONFIG_MAPS}?dryRun=Some`, configMap('never')), { status: 422, body: { message: 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"' } })
  t.equal((await api.get(`${CONFIG_MAPS}?limit=500`)).text, before.text)
})

const AUTHORIZATION = '/apis/authorization.k8s.io/v1'

t.test('reviews come as their metadata, and no lists', async (t) => {
  const api = await startApiCluster(t)
  const ask = (kind: string) => api.post(`${AUTHORIZATION}/selfsubjectaccessreviews`, { spec: { nonResourceAttributes: { path: '/x', verb: 'get' } } }, { headers: { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` } })
  const { status, body } = await ask('PartialObjectMetadata')
  t.match({ status, ...body, metadata: Object.keys(body.metadata) }, { status: 201, kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', spec: undefined, metadata: ['managedFields'] })
  t.match(await ask('PartialObjectMetadataList'), { status: 406, body: { message: 'you requested PartialObjectMetadataList, but the requested object is not a list (*authorization.SelfSubjectAccessReview)' } })
  t.match(await ask('Table'), { status: 406 })
  t.same((await api.get('/api/v1/componentstatuses')).body.metadata, {}, 'what nobody stores has no version')
})

t.test('reviews tell who said what, as objects do', async (t) => {
  const api = await startApiCluster(t)
  const { body } = await api.post(`${AUTHORIZATION}/selfsubjectaccessreviews`, { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }, { headers: { 'user-agent': 'tester/1' } })
  t.match(body.metadata, { managedFields: [{ manager: 'tester', operation: 'Update', apiVersion: 'authorization.k8s.io/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:resourceAttributes': { '.': {}, 'f:resource': {}, 'f:verb': {} } } } }] })
  const rules = await api.post(`${AUTHORIZATION}/selfsubjectrulesreviews`, { spec: { namespace: 'default' } })
  t.same(rules.body.metadata, {})
})
