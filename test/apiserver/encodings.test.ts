/** The forms in which objects go in and out: JSON, YAML, protobuf, tables, metadata alone, compressed. */
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { parse } from 'yaml'
import { typeNameFor } from '../../schemas/facts.ts'
import { upstreamDiscovery } from '../../schemas/resources.ts'
import { normalize } from '../../src/apimachinery/normalize.ts'
import { decodeMessage, encodeMessage, unwrapUnknown, wrapUnknown } from '../../src/apimachinery/protobuf.ts'
import { CONFIG_MAPS, configMap, startApiCluster, type Answer, type Body } from '../helpers/http.ts'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const inProtobuf = { headers: { accept: PROTOBUF } }
const TABLE = { headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } }
const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

/** What a protobuf answer says, as JSON has it. */
function fromProtobuf({ bytes }: Answer): Body {
  const { apiVersion, kind, raw } = unwrapUnknown(bytes)
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  const typeName = typeNameFor(group ?? '', version || 'v1', kind)
  if (!typeName) throw new Error(`no type for ${apiVersion} ${kind}`)
  return normalize(typeName, { kind, apiVersion, ...decodeMessage(typeName, raw) }) as unknown as Body
}

function toProtobuf(object: Record<string, unknown>): Buffer {
  const { apiVersion, kind } = object as { apiVersion: string; kind: string }
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return wrapUnknown({ apiVersion, kind, raw: encodeMessage(typeNameFor(group ?? '', version ?? '', kind) ?? '', object) })
}

t.test('YAML in and out', async (t) => {
  const api = await startApiCluster(t)
  const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ym\ndata:\n  text: |\n    two\n    lines\n  number: "1"\n  yes: "no"\n'
  const created = await api.post(CONFIG_MAPS, yaml, { headers: { 'content-type': 'application/yaml', accept: 'application/yaml' } })
  t.match(created, { status: 201, headers: { 'content-type': 'application/yaml' } })
  t.match(parse(created.text), { kind: 'ConfigMap', data: { text: 'two\nlines\n', number: '1', true: 'no' } }, 'a bare yes is a truth')
  const listed = await api.get(CONFIG_MAPS, { headers: { accept: 'application/yaml' } })
  t.match(parse(listed.text), { kind: 'ConfigMapList', items: [{}, { metadata: { name: 'ym' } }] })
  t.match(await api.put(`${CONFIG_MAPS}/ym`, 'metadata: {name: ym}\ndata: {a: b}', { headers: { 'content-type': 'application/yaml' } }), { status: 200, body: { data: { a: 'b' } } })
  t.match(await api.delete(`${CONFIG_MAPS}/ym`, 'kind: DeleteOptions\napiVersion: v1\n', { headers: { 'content-type': 'application/yaml' } }), { status: 200 })
})

t.test('what the answer looks like', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('p'))
  const item = `${CONFIG_MAPS}/p`
  const cases: [string, Record<string, string>, boolean][] = [
    [item, {}, false],
    [`${item}?pretty=true`, {}, true],
    [`${item}?pretty=1`, {}, true],
    [`${item}?pretty=yes`, {}, false],
    [item, { accept: 'application/json;pretty=1' }, true],
    [item, { 'user-agent': 'curl/8' }, true],
    [`${item}?pretty=false`, { 'user-agent': 'curl/8' }, false],
    [item, { 'user-agent': 'kubectl/v1.36' }, false],
  ]
  for (const [path, headers, pretty] of cases) t.match((await api.get(path, { headers })).text, pretty ? /^\{\n {2}"kind": "ConfigMap",\n/ : /^\{"kind":"ConfigMap",/, `${path} ${JSON.stringify(headers)}`)
})

t.test('protobuf in', async (t) => {
  const api = await startApiCluster(t)
  const headers = { 'content-type': PROTOBUF }
  const created = await api.post(CONFIG_MAPS, toProtobuf(configMap('pb', { data: { a: '1' } })), { headers: { ...headers, accept: PROTOBUF } })
  t.match(created, { status: 201, headers: { 'content-type': PROTOBUF } })
  t.match(fromProtobuf(created), { kind: 'ConfigMap', metadata: { name: 'pb', uid: /./ }, data: { a: '1' } })
  t.match(await api.get(`${CONFIG_MAPS}/pb`), { body: { data: { a: '1' } } })
  t.match(await api.put(`${CONFIG_MAPS}/pb`, toProtobuf(configMap('pb', { data: { a: '2' } })), { headers }), { status: 200, body: { data: { a: '2' } } })
  t.match(await api.post(CONFIG_MAPS, toProtobuf({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }), { headers }), { status: 400, body: { message: /^Secret in version "v1" cannot be handled as a ConfigMap/ } })
  const options = { apiVersion: 'apps/v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }
  t.match(await api.delete(`${CONFIG_MAPS}/pb`, toProtobuf(options), { headers }), { status: 200 }, 'options come in the group of their client')
})

t.test('protobuf out: every resource says the same as in JSON', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('c', { data: { a: '1' }, binaryData: { b: 'AAE=' } }))
  await api.make('/api/v1/namespaces/default/services', { metadata: { name: 's' }, spec: { ports: [{ port: 80, targetPort: 'web' }], selector: { app: 'x' } } })
  let items = 0
  for (const [groupVersion, resources] of Object.entries(upstreamDiscovery().resources)) {
    const root = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`
    for (const { name, verbs } of resources) {
      if (name.includes('/') || !verbs.includes('list')) continue
      const [json, protobuf] = [await api.get(`${root}/${name}`), await api.get(`${root}/${name}`, inProtobuf)]
      if (protobuf.headers['content-type'] !== PROTOBUF) {
        t.fail(`${root}/${name}: ${protobuf.status} ${String(protobuf.headers['content-type'])}`)
        continue
      }
      const { metadata: _, ...found } = fromProtobuf(protobuf)
      const { metadata: __, ...expected } = json.body
      t.same({ ...found, items: found.items ?? [] }, expected, `${root}/${name}`)
      items += json.body.items?.length ?? 0
    }
  }
  t.ok(items > 100, `${items} objects`)
})

t.test('protobuf: watches, metadata, discovery', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('c'))
  const item = `${CONFIG_MAPS}/c`
  const partial = await api.get(item, { headers: { accept: `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1` } })
  t.match(fromProtobuf(partial), { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'c' } })
  t.match(await api.get(item, { headers: { accept: `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1, application/json` } }), { status: 200, headers: { 'content-type': 'application/json' }, body: { kind: 'ConfigMap' } }, 'tables have no protobuf')
  t.match(fromProtobuf(await api.get('/apis', inProtobuf)), { kind: 'APIGroupList', groups: [{ name: 'apiregistration.k8s.io' }] })
  t.match(fromProtobuf(await api.get('/api/v1', inProtobuf)), { kind: 'APIResourceList', groupVersion: 'v1' })

  const stream = api.session().request({ ':path': `${CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dc&timeoutSeconds=1`, authorization: 'Bearer test-admin', accept: PROTOBUF })
  const chunks: Buffer[] = []
  let contentType: unknown
  stream.on('response', (headers) => (contentType = headers['content-type']))
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => stream.on('end', resolve))
  t.equal(contentType, `${PROTOBUF};stream=watch`)
  const bytes = Buffer.concat(chunks)
  t.equal(bytes.readUInt32BE(0), bytes.length - 4, 'a frame tells its length')
  t.match(bytes.subarray(4).toString('latin1'), /^\n\x05ADDED[^]*k8s\0/)
})

t.test('tables', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('a', { data: { x: '1', y: '2' } }))
  const one = await api.get(`${CONFIG_MAPS}/a`, TABLE)
  t.match(one, {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: /^\d+$/ },
      columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', priority: 0 }, { name: 'Data', type: 'string' }, { name: 'Age' }],
      rows: [{ cells: ['a', 2, /^\d+s$/], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } } }],
    },
  })
  const rows = async (query: string) => (await api.get(`${CONFIG_MAPS}?fieldSelector=metadata.name%3Da&${query}`, TABLE)).body.rows
  t.match(await rows('includeObject=None'), [{ object: null }])
  t.match(await rows('includeObject=Object'), [{ object: { kind: 'ConfigMap', data: { x: '1' } } }])
  t.same((await api.get('/api/v1/namespaces/default/secrets', TABLE)).body.rows, [])
  t.match(await api.get(`${CONFIG_MAPS}?limit=1`, TABLE), { body: { metadata: { continue: /./, remainingItemCount: 1 } } })
  t.match(await api.get(CONFIG_MAPS, { headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1beta1' } }), { body: { kind: 'Table', apiVersion: 'meta.k8s.io/v1beta1' } })
  t.match(await api.get(CONFIG_MAPS, { headers: { accept: 'application/json;as=Table;g=example.com;v=v1,application/json' } }), { body: { kind: 'ConfigMapList' } }, 'an unknown form is passed over')
  t.match(await api.post(`${CONFIG_MAPS}?dryRun=All`, configMap('b'), TABLE), { status: 201, body: { kind: 'Table', rows: [{ cells: ['b', 0] }] } })
})

t.test('metadata alone', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('a', { metadata: { labels: { x: 'y' } }, data: { x: '1' } }))
  const { body } = await api.get(`${CONFIG_MAPS}/a`, { headers: { accept: PARTIAL } })
  t.match(body, { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a', labels: { x: 'y' } } })
  t.notOk(body.data)
  const list = await api.get(CONFIG_MAPS, { headers: { accept: PARTIAL.replace('Metadata', 'MetadataList') } })
  t.match(list.body, { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', items: [{ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } }, {}] })
  t.match(await api.delete(`${CONFIG_MAPS}/a`, undefined, { headers: { accept: `${PARTIAL},application/json` } }), { status: 200, body: { kind: 'Status' } })
})

t.test('large answers are compressed for who takes it', async (t) => {
  const api = await startApiCluster(t)
  await api.make(CONFIG_MAPS, configMap('big', { data: { x: 'x'.repeat(200_000) } }))
  const headers = { 'accept-encoding': 'br, gzip' }
  for (const http1 of [true, false]) {
    const plain = await api.get(`${CONFIG_MAPS}/big`, { http1 })
    const packed = await api.get(`${CONFIG_MAPS}/big`, { http1, headers })
    t.match(packed.headers, { 'content-encoding': 'gzip', vary: 'Accept-Encoding', 'content-length': String(packed.bytes.length) })
    t.equal(gunzipSync(packed.bytes).toString(), plain.text)
    t.notOk(plain.headers['content-encoding'])
    t.notOk((await api.get(`${CONFIG_MAPS}?fieldSelector=metadata.name%3Dnone`, { http1, headers })).headers['content-encoding'], 'small ones are not')
    t.notOk((await api.get(`${CONFIG_MAPS}/big`, { http1, headers: { 'accept-encoding': 'xgzip' } })).headers['content-encoding'])
  }
})

t.test('warnings', async (t) => {
  const api = await startApiCluster(t)
  const unknown = { ...configMap('w'), foo: 1, metadata: { name: 'w', bar: 2 } }
  const warned = await api.post(CONFIG_MAPS, unknown)
  t.match(warned, { status: 201 })
  t.same(warned.warnings, ['unknown field "metadata.bar"', 'unknown field "foo"'])
  t.same((await api.post(`${CONFIG_MAPS}?fieldValidation=Ignore&dryRun=All`, { ...unknown, metadata: { name: 'w2', bar: 2 } })).warnings, [])
  t.same((await api.post(CONFIG_MAPS, '{"metadata":{"name":"w3"},"data":{"a":"1","a":"2"}}')).warnings, ['duplicate field "data.a"'])
  const yaml = 'metadata: {name: w4}\ndata:\n  a: "1"\n  a: "2"\n  b: "1"\n  b: "2"\n'
  t.same((await api.post(CONFIG_MAPS, yaml, { headers: { 'content-type': 'application/yaml' } })).warnings, ['line 4: key "a" already set in map', 'line 6: key "b" already set in map'])
  t.same((await api.patch(`${CONFIG_MAPS}/w`, { foo: { 'ключ "x"': 1 } })).warnings, ['unknown field "foo"'])
  t.same((await api.patch(`${CONFIG_MAPS}/w`, { 'ключ "x"': 1 })).warnings, ['unknown field "ключ \\"x\\""'], 'in any script')
  const refused = await api.post(CONFIG_MAPS, { ...unknown, metadata: { name: 'NOT VALID', bar: 1 } })
  t.match(refused, { status: 422, warnings: ['unknown field "metadata.bar"', 'unknown field "foo"'] }, 'a refusal carries them too')
  const many = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`${'long'.repeat(20)}${i}`, i]))
  t.ok((await api.post(CONFIG_MAPS, { ...configMap('w5'), ...many })).warnings.length < 60, 'no more than headers can hold')
  for (const path of ['/api/v1/namespaces/default/endpoints', '/api/v1/componentstatuses', '/api/v1/namespaces/default/endpoints/nope']) t.match((await api.get(path)).warnings, [/ is deprecated in v1\./], path)
  // Owners that are not there would take the object with them.
  const owner = async (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', name, uid: (await api.get(`/api/v1/namespaces/${name}`)).body.metadata.uid })
  const [one, other] = [await owner('default'), await owner('kube-system')]
  const twice = { name: 'owned', ownerReferences: [one, other, one, one] }
  const text = (since: string) => `.metadata.ownerReferences contains duplicate entries${since}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${one.uid}, ${one.uid}`
  t.match(await api.post(CONFIG_MAPS, { metadata: twice }), { status: 201, warnings: [text('')], body: { metadata: { ownerReferences: [one, other] } } })
  t.same((await api.put(`${CONFIG_MAPS}/owned`, { metadata: twice })).warnings, [text('')])
  t.same((await api.patch(`${CONFIG_MAPS}/owned`, { metadata: twice })).warnings, [text(' after mutating admission happens')])
})
