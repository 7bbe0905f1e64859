/** Malformed and misplaced requests: code, reason and words of the answer, and that nothing is changed by them. */
import t from 'tap'
import { CONFIG_MAPS, configMap, startApiCluster, type Body, type RequestOptions } from '../helpers/http.ts'

interface Case extends RequestOptions {
  name: string
  method?: string
  path?: string
  code: number
  reason?: string
  message?: string | RegExp
  /** `field: message` of each cause. */
  causes?: string[]
}

const ITEM = `${CONFIG_MAPS}/kept`
const YAML = { 'content-type': 'application/yaml' }
const MERGE = { 'content-type': 'application/merge-patch+json' }
const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' }
const JSON_PATCH = { 'content-type': 'application/json-patch+json' }
const NOT_FOUND = 'the server could not find the requested resource'
const NOT_ALLOWED = 'the server does not allow this method on the requested resource'
const UNRECOGNIZED = 'the object provided is unrecognized (must be of type ConfigMap): '
const NO_TYPE = `${UNRECOGNIZED}couldn't get version/kind; json parse error: `
const AS_CONFIG_MAP = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
const post = (name: string, body: unknown, expected: Omit<Case, 'name' | 'body'>): Case => ({ name, method: 'POST', path: CONFIG_MAPS, body, ...expected })
const patch = (name: string, body: unknown, expected: Omit<Case, 'name' | 'body'>): Case => ({ name, method: 'PATCH', path: ITEM, headers: MERGE, body, ...expected })

const bodies: Case[] = [
  post('half a body', '{"apiVersion": "v1", ', { code: 400, message: `${NO_TYPE}unexpected end of JSON input ({"apiVersion": "v1", )` }),
  post('an empty body', '', { code: 400, message: `${NO_TYPE}unexpected end of JSON input (<empty>)` }),
  post('no JSON', 'hello', { code: 400, message: `${NO_TYPE}invalid character 'h' looking for beginning of value (68656c6c6f)` }),
  post('a list', '[1]', { code: 400, message: /json: cannot unmarshal array into Go value of type struct/ }),
  post('a long beginning is cut', `{"apiVersion": 5, "kind": "ConfigMap", "metadata": {}}`, { code: 400, message: `${NO_TYPE}json: cannot unmarshal number into Go struct field .apiVersion of type string ({"apiVersion": 5, "kind": "Con ...)` }),
  post('a version of three parts', { apiVersion: 'a/b/c', kind: 'ConfigMap' }, { code: 400, message: /^the object provided is unrecognized \(must be of type ConfigMap\): unexpected GroupVersion string: a\/b\/c/ }),
  post('an unknown kind', { apiVersion: 'v1', kind: 'Frob' }, { code: 400, message: 'Frob in version "v1" cannot be handled as a ConfigMap: no kind "Frob" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"' }),
  post('another kind', { apiVersion: 'v1', kind: 'Secret' }, { code: 400, message: 'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion' }),
  post('a group that is nowhere', { apiVersion: 'example.com/v1', kind: 'ConfigMap' }, { code: 400, message: /no kind "ConfigMap" is registered for version "example.com\/v1" in scheme/ }),
  { name: 'a version that is served no more', method: 'POST', path: '/apis/apps/v1/namespaces/default/deployments', body: { apiVersion: 'apps/v1beta1', kind: 'Deployment' }, code: 400, message: 'the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)' },
  post('a type that does not fit', { metadata: { name: 'x', labels: { a: 1 } } }, { code: 400, message: `${AS_CONFIG_MAP}json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string` }),
  post('strict about unknown fields', { metadata: { name: 'x' }, foo: 1, data: {} }, { path: `${CONFIG_MAPS}?fieldValidation=Strict`, code: 400, message: `${AS_CONFIG_MAP}strict decoding error: unknown field "foo"` }),
  post('strict about repeated fields', '{"metadata":{"name":"x"},"data":{"a":"1","a":"2"}}', { path: `${CONFIG_MAPS}?fieldValidation=Strict`, code: 400, message: `${AS_CONFIG_MAP}strict decoding error: duplicate field "data.a"` }),
  post('field validation of an unknown sort', configMap('x'), { path: `${CONFIG_MAPS}?fieldValidation=Maybe`, code: 422, causes: ['fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"'] }),
  post('broken YAML', 'apiVersion: v1\nkind: [', { headers: YAML, code: 400, message: /^the object provided is unrecognized \(must be of type ConfigMap\): yaml: line \d+: .* \(61706956657273696f6e3a2076310a6b696e643a205b\)$/ }),
  post('YAML of another shape', 'just text', { headers: YAML, code: 400, message: `${NO_TYPE}json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (6a7573742074657874)` }),
  post('protobuf without its magic', 'xxxx', { headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, code: 400, message: /provided data does not appear to be a protobuf message, expected prefix \[107 56 115 0\]/ }),
  post('a media type that is not taken', 'a=b', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, code: 415, reason: 'UnsupportedMediaType', message: 'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf' }),
  post('a media type that is none', {}, { headers: { 'content-type': 'bad//type' }, code: 415, reason: 'UnsupportedMediaType', message: /^the body of the request was in an unknown format/ }),
  post('a media type that says nothing', { metadata: { name: 'A' } }, { headers: { 'content-type': '' }, code: 422, causes: ['^metadata.name: Invalid value: "A"'] }),
  post('CBOR', Buffer.from([0xd9, 0xd9, 0xf7, 0xa0]), { headers: { 'content-type': 'application/cbor' }, code: 415 }),
  post('an invalid object', configMap('x', { metadata: { labels: { 'a b': '' } }, data: { '../x': '' } }), { code: 422, reason: 'Invalid', causes: ['^metadata.labels: Invalid value: "a b"', '^data\\[../x\\]: Invalid value', "must not start with '..'$"] }),
  post('a body over the limit', `{"data":{"a":"${'x'.repeat(3 * 1024 * 1024)}"}}`, { code: 413, reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' }),
]

const patches: Case[] = [
  patch('no JSON', '{', { code: 400, message: 'error decoding patch: unexpected end of JSON input' }),
  patch('a merge patch that is a list', [], { code: 400, message: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}' }),
  patch('a value that does not fit', { data: { a: 1 } }, { code: 422, causes: [/^patch: Invalid value: "\{\\"apiVersion\\":\\"v1\\",\\"data\\":\{\\"a\\":1\},\\"kind\\":.*\}": json: cannot unmarshal number into Go struct field ConfigMap.data of type string$/.source] }),
  patch('strict about unknown fields', { foo: 1 }, { path: `${ITEM}?fieldValidation=Strict`, code: 422, message: /^ "" is invalid: patch: Invalid value: .* strict decoding error: unknown field "foo"$/ }),
  patch('a strategic patch that does not fit', { data: { a: { b: 1 } } }, { headers: STRATEGIC, code: 422, causes: [/^patch: Invalid value: "map\[data:map\[a:map\[b:1\]\]\]": unrecognized type: string$/.source] }),
  patch('a JSON patch to nowhere', [{ op: 'replace', path: '/nope/a', value: 1 }], { headers: JSON_PATCH, code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request' }),
  patch('a test that fails', [{ op: 'test', path: '/data/a', value: 'other' }], { headers: JSON_PATCH, code: 422 }),
  patch('too many operations', Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' })), { headers: JSON_PATCH, code: 413, message: 'The allowed maximum operations in a JSON patch is 10000, got 10001' }),
  patch('plain JSON is no patch', {}, { headers: { 'content-type': 'application/json' }, code: 415 }),
  patch('another name', { metadata: { name: 'b' } }, { code: 400, message: 'the name of the object (b) does not match the name on the URL (kept)' }),
  patch('no name', { metadata: { name: null } }, { code: 400, message: 'the name of the object (kept based on URL) was undeterminable: name must be provided' }),
  patch('another uid', { metadata: { uid: 'b' } }, { code: 422, message: /metadata.uid: Invalid value: "b": field is immutable/ }),
  patch('a version that is not known', { apiVersion: 'v2' }, { code: 422, message: /no kind "ConfigMap" is registered for version "v2" in scheme/ }),
  patch('another kind', { kind: 'Secret' }, { code: 422, message: /converting \(v1.Secret\) to \(core.ConfigMap\): unknown conversion$/ }),
  patch('a version that is none', { apiVersion: 'a/b/c' }, { code: 422, message: /unexpected GroupVersion string: a\/b\/c$/ }),
  patch('no version', { apiVersion: null }, { code: 400, message: 'the name of the object (kept based on URL) was undeterminable: name must be provided' }),
  patch('null', null, { code: 400, message: 'Invalid JSON Patch' }),
  patch('labels that are none', { metadata: { labels: { a: 'no!' } } }, { code: 422, message: /^ConfigMap "kept" is invalid: metadata.labels: Invalid value: "no!": a valid label must be/ }),
  patch('a forced merge patch', {}, { path: `${ITEM}?force=true`, code: 422, causes: ['force: Forbidden: may not be specified for non-apply patch'] }),
  patch('one that is not there', {}, { path: `${CONFIG_MAPS}/nope`, code: 404, message: 'configmaps "nope" not found' }),
]

const places: Case[] = [
  { name: 'an item that is not there', path: `${CONFIG_MAPS}/nope`, code: 404, reason: 'NotFound', message: 'configmaps "nope" not found' },
  { name: 'a namespace that is not there', method: 'POST', path: '/api/v1/namespaces/nope/configmaps', body: configMap('x'), code: 404, message: 'namespaces "nope" not found' },
  { name: 'a resource that is not served', path: '/api/v1/namespaces/default/frobs', code: 404, message: NOT_FOUND },
  { name: 'a version that is not served', path: '/apis/apps/v9/namespaces/default/deployments', code: 404, message: NOT_FOUND },
  { name: 'a subresource that the kind lacks', path: `${ITEM}/status`, code: 404, message: NOT_FOUND },
  { name: 'more path than there is', path: '/api/v1/namespaces/default/pods/x/status/more', code: 404, message: NOT_FOUND },
  { name: 'an item outside its namespace', path: '/api/v1/configmaps/kept', code: 404, message: NOT_FOUND },
  { name: 'a cluster resource in a namespace', path: '/api/v1/namespaces/default/nodes', code: 404, message: NOT_FOUND },
  { name: 'creating in all namespaces', method: 'POST', path: '/api/v1/configmaps', body: configMap('x'), code: 405, reason: 'MethodNotAllowed', message: NOT_ALLOWED },
  { name: 'deleting in all namespaces', method: 'DELETE', path: '/api/v1/configmaps', code: 405 },
  { name: 'posting to an item', method: 'POST', path: ITEM, body: configMap('kept'), code: 405 },
  { name: 'replacing a collection', method: 'PUT', path: CONFIG_MAPS, body: {}, code: 405 },
  { name: 'patching a collection', method: 'PATCH', path: CONFIG_MAPS, headers: MERGE, body: {}, code: 405 },
  { name: 'listing what is only posted', path: '/api/v1/namespaces/default/bindings', code: 405 },
  { name: 'an unknown method', method: 'PROPFIND', path: ITEM, code: 405 },
  { name: 'writing by a watch path', method: 'PUT', path: '/api/v1/watch/namespaces/default/configmaps/kept', body: {}, code: 405 },
  { name: 'a name that cannot be', path: `${CONFIG_MAPS}/a%25b`, code: 400, message: `Name parameter invalid: "a%b": may not contain '%'` },
  { name: 'a name that would climb', path: `${CONFIG_MAPS}/%2e%2e`, code: 400, message: `Name parameter invalid: "..": may not be '..'` },
  { name: 'an encoded slash', path: `${CONFIG_MAPS}/..%2f..%2fsecrets`, code: 404, message: NOT_FOUND },
  { name: 'bytes that are no text', path: `${CONFIG_MAPS}/%ff%fe`, code: 404, message: 'configmaps "\ufffd\ufffd" not found' },
]

const queries: Case[] = [
  { name: 'a timeout that is none', path: '/version?timeout=soon', code: 400, reason: 'BadRequest', message: 'invalid timeout specified in the request URL - time: invalid duration "soon"' },
  { name: 'a timeout in no unit, of nobody', path: `${CONFIG_MAPS}?timeout=3x`, token: null, code: 400, message: 'invalid timeout specified in the request URL - time: unknown unit "x" in duration "3x"' },
  { name: 'a timeout beyond all measure', path: `${CONFIG_MAPS}/none?timeout=300h`, code: 404 },
  { name: 'a limit that is no number', path: `${CONFIG_MAPS}?limit=abc`, code: 400, reason: 'BadRequest', message: 'strconv.ParseInt: parsing "abc": invalid syntax' },
  { name: 'a limit without digits', path: `${CONFIG_MAPS}?limit=`, code: 400, message: 'strconv.ParseInt: parsing "": invalid syntax' },
  { name: 'a limit past all bounds', path: `${CONFIG_MAPS}?limit=99999999999999999999`, code: 400, message: 'strconv.ParseInt: parsing "99999999999999999999": value out of range' },
  { name: 'a label selector', path: `${CONFIG_MAPS}?labelSelector=a%20b`, code: 400, reason: 'BadRequest' },
  { name: 'a field selector', path: `${CONFIG_MAPS}?fieldSelector=a`, code: 400, message: `invalid selector: 'a'; can't understand 'a'` },
  { name: 'a field that cannot be selected by', path: `${CONFIG_MAPS}?fieldSelector=data.a=b`, code: 400, message: `"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"` },
  { name: 'a version that is none', path: `${CONFIG_MAPS}?resourceVersion=x`, code: 400, message: 'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax' },
  { name: 'a version past all bounds', path: `${CONFIG_MAPS}?resourceVersion=99999999999999999999`, code: 400, message: /value out of range$/ },
  { name: 'a version of the future', path: `${CONFIG_MAPS}?resourceVersion=18446744073709551615`, code: 504, reason: 'Timeout', message: /^Timeout: Too large resource version: 18446744073709551615, current: \d+$/ },
  { name: 'an item at a version of the future', path: `${ITEM}?resourceVersion=999999999`, code: 504 },
  { name: 'an item at no version', path: `${ITEM}?resourceVersion=x`, code: 500, message: 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax' },
  { name: 'a match without version', path: `${CONFIG_MAPS}?resourceVersionMatch=Exact`, code: 422, causes: ['resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided'] },
  { name: 'initial events for a list', path: `${CONFIG_MAPS}?sendInitialEvents=true`, code: 422, causes: ['sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'] },
  { name: 'a match for a watch', path: `${CONFIG_MAPS}?watch=1&resourceVersion=5&resourceVersionMatch=Exact`, code: 422, causes: ['resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided', 'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"'] },
  { name: 'a watch of one by two names', path: `/api/v1/watch/namespaces/default/configmaps/kept?fieldSelector=metadata.name%3Dother`, code: 400, message: "fieldSelector metadata.name doesn't match requested name" },
  { name: 'a continue token', path: `${CONFIG_MAPS}?continue=x`, code: 400, message: /^invalid continue token/ },
  { name: 'an answer nobody makes', path: ITEM, headers: { accept: 'text/html' }, code: 406, reason: 'NotAcceptable', message: '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf' },
  { name: 'an answer in an unknown form', path: ITEM, headers: { accept: 'application/json;as=Poem;g=meta.k8s.io;v=v1' }, code: 406, message: 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf' },
  { name: 'an answer in CBOR', path: ITEM, headers: { accept: 'application/cbor' }, code: 406 },
  { name: 'a table with other objects', path: `${CONFIG_MAPS}?includeObject=All`, headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' }, code: 400, message: /^Unable to convert to Table as requested: includeObject: Invalid value: "All"/ },
]

const deletes: Case[] = [
  { name: 'options of another kind', method: 'DELETE', path: ITEM, body: { apiVersion: 'v1', kind: 'Nope' }, code: 400, message: 'no kind "Nope" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"' },
  { name: 'options that cannot be read', method: 'DELETE', path: ITEM, body: '{', code: 400, message: "couldn't get version/kind; json parse error: unexpected end of JSON input" },
  { name: 'two ways to treat dependents', method: 'DELETE', path: ITEM, body: { orphanDependents: true, propagationPolicy: 'Background' }, code: 422, causes: ['propagationPolicy: Invalid value: "Background": orphanDependents and deletionPropagation cannot be both set'] },
  { name: 'an unknown policy', method: 'DELETE', path: `${ITEM}?propagationPolicy=Maybe`, code: 422, message: /propagationPolicy: Unsupported value: "Maybe"/ },
  { name: 'grace that is no number', method: 'DELETE', path: `${ITEM}?gracePeriodSeconds=soon`, code: 400, message: 'strconv.ParseInt: parsing "soon": invalid syntax' },
  { name: 'another uid', method: 'DELETE', path: ITEM, body: { preconditions: { uid: 'other' } }, code: 409, message: /^Operation cannot be fulfilled on ConfigMap "kept": the UID in the precondition \(other\) does not match the UID in record/ },
  { name: 'another version', method: 'DELETE', path: ITEM, body: { preconditions: { resourceVersion: '1' } }, code: 409, message: /the ResourceVersion in the precondition \(1\) does not match/ },
]

const matches = (expected: string, found: string) => expected === found || new RegExp(expected).test(found)

for (const [title, cases] of Object.entries({ bodies, patches, places, queries, deletes })) {
  t.test(title, async (t) => {
    const api = await startApiCluster(t)
    await api.make(CONFIG_MAPS, configMap('kept', { data: { a: '1' } }))
    const before = (await api.get(CONFIG_MAPS)).text
    for (const { name, method = 'GET', path = ITEM, code, reason, message, causes, ...options } of cases) {
      const { status, body, text, headers } = await api.request(method, path, options)
      const details = body.details as Body | undefined
      const found = ((details?.causes ?? []) as { field: string; message: string }[]).map((c) => `${c.field}: ${c.message}`)
      t.match({ status, body }, { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', metadata: {}, code, ...(reason ? { reason } : {}), ...(message === undefined ? {} : { message }) } }, name)
      if (causes) t.ok(causes.length === found.length && causes.every((c, i) => matches(c, found[i] ?? '')), `${name}: causes ${found.join(' | ')}`)
      t.equal(headers['content-type'], 'application/json', `${name}: in JSON`)
      t.notMatch(text, /at .*\.[cm]?[jt]s:\d+/, `${name}: without a stack`)
    }
    t.equal((await api.get(CONFIG_MAPS)).text, before, 'nothing was changed')
  })
}

t.test('groups that nobody serves are no business of this API', async (t) => {
  const api = await startApiCluster(t)
  for (const path of ['/apis/example.com', '/apis/example.com/v1', '/apis/example.com/v1/frobs', '/apis/example.com/v1/namespaces/default/frobs/x', '/nope', '/favicon.ico']) {
    const { status, text, headers } = await api.get(path)
    t.match({ status, text, headers }, { status: 404, text: '404 page not found\n', headers: { 'content-type': 'text/plain; charset=utf-8' } }, path)
  }
  for (const path of ['/apis/apps/v9', '/apis/apps/v1/frobs', '/api/v1/frobs', '/api/v2']) t.match(await api.get(path), { status: 404, body: { message: NOT_FOUND } }, path)
})

t.test('errors come in the form that the client takes', async (t) => {
  const api = await startApiCluster(t)
  const forms: [string, string, RegExp][] = [
    ['application/yaml', 'application/yaml', /^apiVersion: v1\n/],
    ['application/json;as=Table;g=meta.k8s.io;v=v1,application/json', 'application/json', /^\{"kind":"Status"/],
    ['application/json;as=Table;g=meta.k8s.io;v=v1', 'application/json', /^\{\n {2}"kind": "Status"/],
    ['application/vnd.kubernetes.protobuf', 'application/vnd.kubernetes.protobuf', /^k8s\0/],
    ['application/vnd.kubernetes.protobuf;q=0.5,application/json', 'application/json', /^\{"kind":"Status"/],
    ['*/*', 'application/json', /^\{"kind":"Status"/],
  ]
  for (const [accept, contentType, text] of forms) {
    t.match(await api.get(`${CONFIG_MAPS}/nope`, { headers: { accept } }), { status: 404, headers: { 'content-type': contentType }, text }, accept)
  }
})

t.test('who is nobody or unknown', async (t) => {
  const api = await startApiCluster(t)
  t.match(await api.get(CONFIG_MAPS, { token: 'wrong' }), { status: 401, body: { reason: 'Unauthorized', message: 'Unauthorized' } })
  const anonymous = { status: 403, body: { reason: 'Forbidden', message: 'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"', details: { kind: 'configmaps' } } }
  t.match(await api.get(CONFIG_MAPS, { token: null }), anonymous)
  t.match(await api.get(CONFIG_MAPS, { token: null, headers: { authorization: 'Basic eDp5' } }), anonymous, 'another scheme says nothing')
  t.match(await api.get('/x<y>', { token: null }), { status: 403, body: { message: 'forbidden: User "system:anonymous" cannot get path "/x&lt;y&gt;"' } })
  t.match(await api.request('PROPFIND', CONFIG_MAPS, { token: null }), { status: 403 }, 'who may not is told nothing else')
})
