/** Custom resources whose versions a webhook turns into each other. */
import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import type { AdmissionRequest, CustomResourceDefinition, ManagedFieldsEntry } from '../../schemas/types.ts'
import { definition, specOf, version } from '../helpers/definitions.ts'
import { eventually } from '../helpers/cluster.ts'
import { startApiCluster, type ApiTester } from '../helpers/http.ts'
import { patch, startWebhookServer, type Answer } from '../helpers/webhook-server.ts'

interface Resource {
  apiVersion: string
  kind: string
  metadata: Record<string, unknown>
  spec?: Record<string, string>
}

interface Review {
  uid: string
  desiredAPIVersion: string
  objects: Resource[]
}

type Change = (response: { uid: string; result: object; convertedObjects: Resource[] }) => void

const TEXT = { type: 'string' }
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const path = (v: string, name = '') => `/apis/example.com/${v}/namespaces/default/widgets${name && `/${name}`}`
const widget = (v: string, name: string, spec: object) => ({ apiVersion: `example.com/${v}`, kind: 'Widget', metadata: { name }, spec })

/** v1 has host:port, v2 has them apart. */
function converted({ spec = {}, ...object }: Resource, apiVersion: string): Resource {
  const { host = '', hostname = '', port = '' } = spec
  const [before = '', after = ''] = host.split(':')
  return { ...object, apiVersion, spec: apiVersion.endsWith('v2') ? { hostname: before, port: after } : { host: `${hostname}:${port}` } }
}

/** @param admit answers what is asked at `/admit` */
async function setup(t: Test, admit: () => Answer = () => ({})): Promise<{ api: ApiTester; asked: number[]; admissions: AdmissionRequest[]; answerWith(change: Change): void; delay(): () => void; hook: object }> {
  const asked: number[] = []
  let change: Change = () => undefined
  let gate = Promise.resolve()
  /** Answers wait until the returned function is called. */
  const delay = () => {
    let open = () => {}
    gate = new Promise((resolve) => (open = resolve))
    return () => open()
  }
  const admissions: AdmissionRequest[] = []
  const server = await startWebhookServer(t, (request, place) => {
    if (!place.startsWith('/admit')) return (response) => convert(request, response)
    admissions.push(request)
    return admit()
  })
  const convert = (request: unknown, response: ServerResponse) => {
    const { uid, desiredAPIVersion, objects } = request as Review
    asked.push(objects.length)
    const answer = { uid, result: { status: 'Success' }, convertedObjects: objects.map((object) => converted(object, desiredAPIVersion)) }
    change(answer)
    void gate.then(() => response.end(JSON.stringify({ kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', response: answer })))
  }
  const api = await startApiCluster(t)
  const versions = [version('v1', specOf({ host: TEXT })), version('v2', specOf({ hostname: TEXT, port: TEXT }), { selectableFields: [{ jsonPath: '.spec.hostname' }] })]
  const webhook = { clientConfig: { url: `${server.url}/convert`, caBundle: server.caBundle }, conversionReviewVersions: ['v1'] }
  await api.make(CRDS, definition('Widget', versions, { conversion: { strategy: 'Webhook', webhook } } satisfies Partial<CustomResourceDefinition['spec']>))
  await eventually(async () => (await api.get(path('v2'))).status === 200)
  const hook = { clientConfig: { url: `${server.url}/admit`, caBundle: server.caBundle }, admissionReviewVersions: ['v1'], sideEffects: 'None' }
  return { api, asked, admissions, answerWith: (wanted) => (change = wanted), delay, hook }
}

t.test('each version shows what the webhook makes of the stored one', async (t) => {
  const { api, asked } = await setup(t)
  t.match(await api.post(path('v1'), widget('v1', 'a', { host: 'h:1' })), { status: 201, body: { spec: { host: 'h:1' } } })
  t.same(asked, [], 'nobody is asked for the version of the store')
  t.same((await api.get(path('v2', 'a'))).body.spec, { hostname: 'h', port: '1' })
  t.same((await api.get(path('v2', 'a'))).body.spec, { hostname: 'h', port: '1' })
  t.same(asked, [1], 'the same object is converted once')
  const watch = await api.watch(`${path('v2')}?watch=1`)
  t.same((await api.post(path('v2'), widget('v2', 'b', { hostname: 'i', port: '2' }))).body.spec, { hostname: 'i', port: '2' })
  t.same((await api.patch(path('v2', 'a'), { spec: { port: '7' } })).body.spec, { hostname: 'h', port: '7' })
  t.same((await api.get(path('v1', 'a'))).body.spec, { host: 'h:7' })
  t.same((await api.get(path('v2'))).body.items?.map(({ spec }) => spec), [{ hostname: 'h', port: '7' }, { hostname: 'i', port: '2' }])
  t.match(await api.delete(path('v2', 'a')), { status: 200 })
  const events = await watch.take(4)
  t.same(events.map(({ type, object }) => [type, object.spec]), [['ADDED', { hostname: 'h', port: '1' }], ['ADDED', { hostname: 'i', port: '2' }], ['MODIFIED', { hostname: 'h', port: '7' }], ['DELETED', { hostname: 'h', port: '7' }]])
  watch.close()
})

t.test('a list is one question', async (t) => {
  const { api, asked } = await setup(t)
  for (const name of ['a', 'b', 'c']) await api.make(path('v1'), widget('v1', name, { host: 'h:1' }))
  t.same((await api.get(path('v2'))).body.items?.map(({ spec }) => spec), [1, 2, 3].map(() => ({ hostname: 'h', port: '1' })))
  t.same(asked, [3])
})

t.test('answers that cannot be used', async (t) => {
  const { api, answerWith } = await setup(t)
  await api.make(path('v1'), widget('v1', 'a', { host: 'h:1' }))
  const first = (edit: (object: Resource) => void): Change => ({ convertedObjects: [object] }) => void (object && edit(object))
  const cases: [name: string, change: Change, message: string | RegExp][] = [
    ['failure', (r) => (r.result = { status: 'Failure', message: 'no' }), 'failed: no'],
    ['failure without words', (r) => (r.result = {}), "failed: response.result.status was '', not 'Success'"],
    ['another question', (r) => (r.uid = 'other'), /^failed: expected response\.uid="[-0-9a-f]{36}", got "other"$/],
    ['too few', (r) => (r.convertedObjects = []), 'returned 0 objects, expected 1'],
    ['another version', first((o) => (o.apiVersion = 'example.com/v9')), 'returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v9)'],
    ['another kind', first((o) => (o.kind = 'Gadget')), 'returned invalid object at index 0: invalid kind (expected Widget, received Gadget)'],
    ['another name', first((o) => (o.metadata.name = 'b')), 'returned invalid object: must have the same name: a != b'],
    ['a label that is none', first((o) => (o.metadata.labels = { 'a b': 'c' })), /^returned invalid metadata: metadata\.labels: Invalid value: "a b": name part must consist of/],
    ['a label that is no text', first((o) => (o.metadata.labels = { a: 1 })), 'returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object'],
  ]
  for (const [name, change, message] of cases) {
    answerWith(change)
    const { status, body } = await api.get(path('v2', 'a'))
    t.equal(status, 500, name)
    const told = String(body.message).replace('conversion webhook for example.com/v1, Kind=Widget ', '')
    if (typeof message === 'string') t.equal(told, message, name)
    else t.match(told, message, name)
    t.equal((await api.get(path('v1', 'a'))).status, 200, `${name}: the stored version is served`)
  }
  answerWith(first((o) => Object.assign(o.metadata, { labels: { made: 'yes' }, finalizers: ['a/b'] })))
  const { body } = await api.get(path('v2', 'a'))
  t.same(body.metadata.labels, { made: 'yes' })
  t.equal(body.metadata.finalizers, undefined, 'of metadata only labels and annotations are taken')
})

t.test('fields are held across versions', async (t) => {
  const { api, answerWith } = await setup(t)
  const apply = (v: string, manager: string, spec: object, force = '') =>
    api.patch(`${path(v, 'a')}?fieldManager=${manager}${force}`, widget(v, 'a', spec), { headers: { 'content-type': 'application/apply-patch+yaml' } })
  const holders = async () => ((await api.get(path('v1', 'a'))).body.metadata.managedFields as ManagedFieldsEntry[] | undefined)?.map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, fieldsV1])
  t.match(await apply('v2', 'm', { hostname: 'h', port: '1' }), { status: 201 })
  const conflict = 'Apply failed with 2 conflicts: conflicts with "m":\n- .spec.hostname\n- .spec.port'
  t.match(await apply('v1', 'n', { host: 'k:2' }), { status: 409, body: { message: conflict } })
  t.match(await apply('v1', 'n', { host: 'h:2' }), { status: 409, body: { message: /^Apply failed with 1 conflict: conflict with "m": \.spec\.port$/ } })
  t.match(await apply('v1', 'n', { host: 'h:2' }, '&force=true'), { status: 200, body: { spec: { host: 'h:2' } } })
  t.same(await holders(), [['m', 'example.com/v2', { 'f:spec': { 'f:hostname': {} } }], ['n', 'example.com/v1', { 'f:spec': { 'f:host': {} } }]])
  t.match(await api.patch(path('v2', 'a'), { spec: { port: '3' } }), { status: 200 })
  t.same(await holders(), [['m', 'example.com/v2', { 'f:spec': { 'f:hostname': {} } }], ['unknown', 'example.com/v2', { 'f:spec': { 'f:port': {} } }]], 'host of the first version changed with it')
  await apply('v1', 'n', { host: 'h:4' }, '&force=true')
  answerWith((r) => (r.result = { status: 'Failure', message: 'no' }))
  t.match(await apply('v1', 'n', { host: 'h:5' }), { status: 500, body: { message: /failed: no$/ } }, 'who holds what cannot be told')
  t.match(await api.patch(path('v1', 'a'), { spec: { host: 'h:6' } }), { status: 200 })
  t.equal(await holders(), undefined, 'an update forgets who held what')
})

t.test('selectors look at what the webhook makes', async (t) => {
  const { api, answerWith } = await setup(t)
  for (const name of ['a', 'b']) await api.make(path('v1'), widget('v1', name, { host: 'h:1' }))
  answerWith(({ convertedObjects }) => convertedObjects.forEach((o) => Object.assign(o.metadata, { labels: { named: o.metadata.name } })))
  t.same((await api.get(`${path('v2')}?labelSelector=named=b`)).body.items?.map(({ metadata }) => metadata.name), ['b'])
})

t.test('a watch tells what begins and ceases to match, however late the webhook answers', async (t) => {
  const { api, asked, delay } = await setup(t)
  await api.make(path('v1'), widget('v1', 'early', { host: 'h:1' }))
  const selected = `${path('v2')}?fieldSelector=spec.hostname=h`
  const names = async () => (await api.get(selected)).body.items?.map(({ metadata }) => metadata.name)
  let go = delay()
  const watch = await api.watch(`${selected}&watch=1`)
  const list = names()
  await eventually(() => Promise.resolve(asked.length >= 2))
  await api.make(path('v1'), widget('v1', 'late', { host: 'h:1' }))
  const edit = (name: string, host: string) => api.patch(path('v1', name), { spec: { host } })
  await edit('early', 'h:2')
  await edit('early', 'i:2')
  await edit('late', 'h:2')
  go()
  t.same(await list, ['early'], 'the state when it was asked')
  const told = async (count: number) => (await watch.take(count)).map(({ type, object: { metadata, spec } }) => `${type} ${metadata.name} ${Object.values(spec ?? {}).join(':')}`)
  t.same(await told(5), ['ADDED early h:1', 'ADDED late h:1', 'MODIFIED early h:2', 'DELETED early h:2', 'MODIFIED late h:2'])
  go = delay()
  await edit('early', 'h:3')
  t.match(await api.delete(path('v1', 'late')), { status: 200 })
  await edit('early', 'i:3')
  go()
  t.same(await told(3), ['ADDED early h:3', 'DELETED late h:2', 'DELETED early h:3'])
  t.same(await names(), [])
  watch.close()
})

t.test('a write is judged by what the webhook makes, whatever is written meanwhile', async (t) => {
  const { api, asked, delay } = await setup(t)
  await api.make(path('v1'), widget('v1', 'a', { host: 'h:1' }))
  const go = delay()
  const change = [{ op: 'test', path: '/spec/hostname', value: 'h' }, { op: 'replace', path: '/spec/port', value: '9' }]
  const patched = api.patch(path('v2', 'a'), change, { headers: { 'content-type': 'application/json-patch+json' } })
  await eventually(() => Promise.resolve(asked.length >= 1))
  t.match(await api.patch(path('v1', 'a'), { metadata: { labels: { other: 'yes' } } }), { status: 200 })
  go()
  t.match(await patched, { status: 200, body: { metadata: { labels: { other: 'yes' } }, spec: { hostname: 'h', port: '9' } } })
})

t.test('objects whose version is gone', async (t) => {
  const api = await startApiCluster(t)
  const [v1, v2] = [version('v1', specOf({})), version('v2', specOf({}))]
  await api.make(CRDS, definition('Widget', [v1, v2]))
  await eventually(async () => (await api.get(path('v2'))).status === 200)
  await api.make(path('v1'), widget('v1', 'a', {}))
  const crd = `${CRDS}/widgets.example.com`
  t.match(await api.patch(crd, { spec: { versions: [v1, { ...v2, storage: true }] } }), { status: 200 })
  t.match(await api.patch(`${crd}/status`, { status: { storedVersions: ['v2'] } }), { status: 200 })
  t.match(await api.patch(crd, { spec: { versions: [{ ...v2, storage: true }] } }), { status: 200 })
  const message = 'request to convert CR from an invalid group/version: example.com/v1'
  for (const url of [path('v2', 'a'), `${path('v2')}?limit=5`]) t.match(await api.get(url), { status: 500, body: { message, reason: undefined } }, url)
  const busy = { status: 429, body: { message: `storage is (re)initializing: failed to list example.com/v2, Kind=Widget: ${message}`, reason: 'TooManyRequests', details: { retryAfterSeconds: 1 } } }
  for (const query of ['', '?resourceVersion=0']) t.match(await api.get(path('v2') + query), busy, query)
})

t.test('admission webhooks and policies see the version they name', async (t) => {
  const { api, admissions, answerWith, hook } = await setup(t, () => patch({ op: 'replace', path: '/spec/port', value: '9' }))
  const configurations = '/apis/admissionregistration.k8s.io/v1'
  const rules = [{ apiGroups: ['example.com'], apiVersions: ['v2'], operations: ['CREATE', 'UPDATE'], resources: ['widgets'] }]
  await api.make(`${configurations}/mutatingwebhookconfigurations`, { metadata: { name: 'm' }, webhooks: [{ ...hook, name: 'm.example.com', rules }] })
  const validations = [{ expression: "object.spec.port == '9' && (oldObject == null || oldObject.spec.hostname == object.spec.hostname)" }]
  await api.make(`${configurations}/validatingadmissionpolicies`, { metadata: { name: 'p' }, spec: { matchConstraints: { resourceRules: rules }, validations } })
  await api.make(`${configurations}/validatingadmissionpolicybindings`, { metadata: { name: 'p' }, spec: { policyName: 'p', validationActions: ['Deny'] } })
  t.match(await api.post(path('v1'), widget('v1', 'a', { host: 'h:1' })), { status: 201, body: { apiVersion: 'example.com/v1', spec: { host: 'h:9' } } }, 'what was patched in v2 is kept in v1')
  t.match(admissions[0], { kind: { version: 'v2' }, requestKind: { version: 'v1' }, object: { apiVersion: 'example.com/v2', spec: { hostname: 'h', port: '1' } } })
  t.match(await api.patch(path('v1', 'a'), { spec: { host: 'h:2' } }), { status: 200, body: { spec: { host: 'h:9' } } })
  t.match(admissions[1], { object: { spec: { hostname: 'h', port: '2' } }, oldObject: { apiVersion: 'example.com/v2', spec: { hostname: 'h', port: '9' } } })
  t.match(await api.patch(path('v1', 'a'), { spec: { host: 'other:2' } }), { status: 422, body: { message: /^widgets\.example\.com "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: failed expression/ } })
  answerWith((r) => (r.result = { status: 'Failure', message: 'no' }))
  t.match(await api.post(path('v1'), widget('v1', 'b', { host: 'h:1' })), { status: 500, body: { message: 'Internal error occurred: conversion webhook for example.com/v1, Kind=Widget failed: no' } })
})
