import t, { type Test } from 'tap'
import type { AdmissionRequest } from '../../schemas/types.ts'
import type { AdmissionPlugin } from '../../src/admission/chain.ts'
import { limitRanger } from '../../src/admission/limit-ranger.ts'
import { admissionPlugins, type AdmissionOptions } from '../../src/admission/plugins.ts'
import { isStatusError } from '../../src/errors.ts'
import { openTcp } from '../../src/network/gateway.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { RequestContext } from '../../src/registry/request-context.ts'
import { createObject } from '../../src/apiserver/verbs/create.ts'
import { ADMIN, startApi, userNamed, type TestApi } from '../helpers/in-process-api.ts'
import { patch, startWebhookServer, type Answer, type WebhookServer } from '../helpers/webhook-server.ts'

const NAMES = ['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook']
type Draft = Parameters<TestApi['create']>[0]

const webhookPlugins = (options?: AdmissionOptions): AdmissionPlugin[] => admissionPlugins(options).filter(({ name }) => NAMES.includes(name))

interface Setup extends TestApi {
  server: WebhookServer
  /** Adds a configuration with these webhooks; each has what most tests want unless told. */
  configure(kind: 'Mutating' | 'Validating', ...webhooks: Record<string, unknown>[]): Promise<unknown>
}

async function setup(t: Test, answer: (request: AdmissionRequest, path: string) => Answer | Promise<Answer>, options: { plugins?: AdmissionPlugin[] } = {}): Promise<Setup> {
  const server = await startWebhookServer(t, answer)
  const api = await startApi(t, { plugins: options.plugins ?? webhookPlugins() })
  let count = 0
  return {
    ...api,
    server,
    configure: (kind, ...webhooks) =>
      api.create({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: `${kind}WebhookConfiguration`,
        metadata: { name: `config-${++count}` },
        webhooks: webhooks.map((webhook, i) => ({
          name: `w${i}.example.com`,
          clientConfig: { url: `${server.url}/w${i}`, caBundle: server.caBundle },
          rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['configmaps', 'configmaps/*'] }],
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          ...webhook,
        })),
      }),
  }
}

const configMap = (name: string, more: object = {}): Draft => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ns' }, ...more })

async function failure(write: Promise<unknown>): Promise<string> {
  try {
    await write
    return ''
  } catch (error) {
    if (!isStatusError(error)) throw error
    return `${error.code} ${error.reason ?? ''}: ${error.message}`
  }
}

t.test('what a webhook is asked', async (t) => {
  const { create, client, configure, server } = await setup(t, () => ({}))
  await configure('Validating', { clientConfig: { url: `${server.url}/deep//path/`, caBundle: server.caBundle } })
  await create(configMap('a', { data: { k: 'v' } }), { ...userNamed('jane', 'devs'), uid: 'u', extra: { scopes: ['x'] } })
  await client().update({ ...(await client().get('v1/ConfigMap', { namespace: 'ns', name: 'a' })), data: { k: 'w' } } as KubeObject, { dryRun: true })
  await client().delete('v1/ConfigMap', { namespace: 'ns', name: 'a' }, { gracePeriodSeconds: 3 })
  const [made, changed, gone] = server.asked
  t.equal(made?.path, '/deep/path?timeout=10s')
  const gvk = { group: '', version: 'v1', kind: 'ConfigMap' }
  const gvr = { group: '', version: 'v1', resource: 'configmaps' }
  t.match(made?.request, {
    kind: gvk,
    resource: gvr,
    requestKind: gvk,
    requestResource: gvr,
    name: 'a',
    namespace: 'ns',
    operation: 'CREATE',
    userInfo: { username: 'jane', uid: 'u', groups: ['devs', 'system:authenticated'], extra: { scopes: ['x'] } },
    object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace: 'ns' }, data: { k: 'v' } },
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  })
  t.match(changed?.request, { operation: 'UPDATE', dryRun: true, object: { data: { k: 'w' } }, oldObject: { data: { k: 'v' } }, options: { kind: 'UpdateOptions', dryRun: ['All'] } })
  t.match(gone?.request, { operation: 'DELETE', object: null, oldObject: { data: { k: 'v' } }, options: { kind: 'DeleteOptions', gracePeriodSeconds: 3 } })
  t.not(made?.request.uid, changed?.request.uid)
  t.equal(server.connections(), 1, 'one connection serves all')
})

t.test('refusals', async (t) => {
  const answers: Record<string, Answer> = {
    message: { allowed: false, status: { metadata: {}, code: 418, reason: 'Teapot', message: 'no coffee' } },
    reason: { allowed: false, status: { metadata: {}, reason: 'Forbidden', code: 200 } },
    silent: { allowed: false },
  }
  const { create, configure } = await setup(t, ({ name = '' }) => answers[name] ?? {})
  await configure('Validating', {})
  t.equal(await failure(create(configMap('message'))), '418 Teapot: admission webhook "w0.example.com" denied the request: no coffee')
  t.equal(await failure(create(configMap('reason'))), '400 Forbidden: admission webhook "w0.example.com" denied the request: Forbidden')
  t.equal(await failure(create(configMap('silent'))), '400 : admission webhook "w0.example.com" denied the request without explanation')
})

t.test('answers that are none', async (t) => {
  const answers: Record<string, Answer> = {
    status: (r) => void r.writeHead(500, { 'content-type': 'text/plain' }).end('boom '),
    missing: (r) => void r.writeHead(404).end(),
    binary: (r) => void r.writeHead(502, { 'content-type': 'application/octet-stream' }).end('x'),
    text: (r) => void r.end('garbage'),
    brace: (r) => void r.end('{"a":'),
    empty: (r) => void r.writeHead(200, { 'content-type': 'application/json' }).end(),
    closed: (r) => void r.socket?.destroy(),
    absent: (r) => void r.end('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
    stranger: (r) => void r.end('{"apiVersion":"v1","kind":"Pod"}'),
    uid: { uid: 'other' },
    untyped: (r) => void r.end('{}'),
    type: (r) => void r.end('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"allowed":"yes"}}'),
    patch: patch({ op: 'add', path: '/x', value: 1 }),
    own: (r) => void r.writeHead(503).end('{"kind":"Status","apiVersion":"v1","status":"Failure","message":"not today"}'),
  }
  const { create, configure, server } = await setup(t, ({ name = '' }) => answers[name] ?? {})
  await configure('Validating', {})
  const head = '500 InternalError: Internal error occurred: failed calling webhook "w0.example.com": failed to call webhook: '
  const invalid = head.replace('failed to call webhook: ', 'received invalid webhook response: ')
  const post = `Post "${server.url}/w0?timeout=10s": `
  const wrong = "couldn't get version/kind; json parse error: "
  const texts: Record<string, string> = {
    status: `${head}an error on the server ("boom") has prevented the request from succeeding`,
    missing: `${head}the server could not find the requested resource`,
    binary: `${head}an error on the server ("unknown") has prevented the request from succeeding`,
    text: `${head}${wrong}json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    brace: `${head}${wrong}unexpected end of JSON input`,
    empty: `${head}0-length response with status code: 200 and content type: application/json`,
    closed: `${head}${post}EOF`,
    absent: `${invalid}webhook response was absent`,
    stranger: `${head}no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:110"`,
    untyped: `${invalid}webhook response was absent`,
    type: `${head}json: cannot unmarshal string into Go struct field AdmissionResponse.response.allowed of type bool`,
    patch: `${invalid}validating webhook may not return response.patch`,
    own: `${head}not today`,
  }
  for (const [name, text] of Object.entries(texts)) t.equal(await failure(create(configMap(name))), text, name)
  t.match(await failure(create(configMap('uid'))), /received invalid webhook response: expected response\.uid="[0-9a-f-]{36}", got "other"$/)
})

t.test('webhooks that cannot be reached', async (t) => {
  const { create, configure, client, server } = await setup(t, () => () => undefined)
  const caBundle = server.caBundle
  const unused = await startWebhookServer(t, () => ({}))
  unused.close()
  const service = (name: string, port?: number) => ({ service: { namespace: 'ns', name, ...(port ? { port } : {}) }, caBundle })
  await create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook', namespace: 'ns' }, spec: { clusterIP: '10.96.0.77', ports: [{ port: 443 }] } })
  await create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'none', namespace: 'ns' }, spec: { clusterIP: 'None', ports: [{ port: 443 }] } })
  const cases: [string, object, string | RegExp][] = [
    ['nobody listens', { url: unused.url, caBundle }, `Post "${unused.url}/?timeout=1s": dial tcp 127.0.0.1:${unused.port}: connect: connection refused`],
    ['an authority that nobody knows', { url: server.url }, `Post "${server.url}/?timeout=1s": tls: failed to verify certificate: x509: certificate signed by unknown authority`],
    ['another authority', { url: server.url, caBundle: unused.caBundle }, /certificate signed by unknown authority$/],
    ['another name', { url: `https://0.0.0.0:${server.port}`, caBundle }, /x509: certificate is valid for .*127\.0\.0\.1.*, not 0\.0\.0\.0$/],
    ['no such service', service('missing'), 'Post "https://missing.ns.svc:443/?timeout=1s": service "missing" not found'],
    ['no address', service('none'), 'Post "https://none.ns.svc:443/?timeout=1s": cannot route to service with ClusterIP "None"'],
    ['no such port', service('hook', 8443), 'Post "https://hook.ns.svc:8443/?timeout=1s": no service port 8443 found for service "hook"'],
    ['nothing behind it', service('hook'), 'Post "https://hook.ns.svc:443/?timeout=1s": dial tcp 10.96.0.77:443: connect: connection refused'],
    ['no answer in time', { url: `${server.url}/slow`, caBundle }, `Post "${server.url}/slow?timeout=1s": context deadline exceeded`],
  ]
  for (const [name, clientConfig, text] of cases) {
    const config = (await configure('Validating', { clientConfig, timeoutSeconds: 1 })) as KubeObject
    const found = (await failure(create(configMap('x')))).replace('500 InternalError: Internal error occurred: failed calling webhook "w0.example.com": failed to call webhook: ', '')
    if (typeof text === 'string') t.equal(found, text, name)
    else t.match(found, text, name)
    await client().delete('admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration', { name: config.metadata.name ?? '' })
  }
})

t.test('failures that are ignored are noted', async (t) => {
  const { api, configure } = await setup(t, () => (r) => void r.writeHead(500).end())
  await configure('Mutating', { failurePolicy: 'Ignore' }, {})
  await configure('Validating', { failurePolicy: 'Ignore', rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] }] })
  const kind = api.scheme.require('v1/Secret')
  const ctx = new RequestContext({ user: ADMIN, namespace: 'ns' }, { clock: api.clock, random: api.random, system: api.system })
  await createObject(api, kind, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }, ctx)
  t.same([...(ctx.auditAnnotations ?? [])], [['failed-open.validating.webhook.admission.k8s.io/round_0_index_0', 'w0.example.com']])
})

t.test('a service with something behind it', async (t) => {
  const server = await startWebhookServer(t, () => ({ warnings: ['seen'] }))
  const { create, api } = await startApi(t, { plugins: webhookPlugins({ dial: () => openTcp({ host: '127.0.0.1', port: server.port }) }) })
  await create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'hook', namespace: 'ns' }, spec: { ports: [{ port: 443 }] } })
  const rules = [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }]
  const clientConfig = { service: { namespace: 'ns', name: 'hook', path: '/check' }, caBundle: server.caBundle }
  await create({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', webhooks: [{ name: 'a.example.com', clientConfig, rules, sideEffects: 'None', admissionReviewVersions: ['v1'] }] })
  const ctx = new RequestContext({ user: ADMIN, namespace: 'ns' }, { clock: api.clock, random: api.random, system: api.system })
  await createObject(api, api.scheme.require('v1/ConfigMap'), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }, ctx)
  t.same(ctx.warnings, ['seen'])
  t.equal(server.asked[0]?.path, '/check?timeout=10s')
})

t.test('patches, one after the other', async (t) => {
  const { create, configure } = await setup(t, (_, path) => (path.startsWith('/w0') ? patch({ op: 'add', path: '/data', value: { first: '1' } }) : patch({ op: 'copy', from: '/data/first', path: '/data/second' })))
  await configure('Mutating', {}, {})
  t.match(await create(configMap('a')), { data: { first: '1', second: '1' } })
})

t.test('patches that cannot be taken', async (t) => {
  const answers: Record<string, Answer> = {
    undecodable: { patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') },
    impossible: patch({ op: 'remove', path: '/nowhere' }),
    mistyped: patch({ op: 'add', path: '/data', value: 3 }),
    typeless: { patch: 'W10=' },
    patchless: { patchType: 'JSONPatch' },
    other: { ...patch({ op: 'add', path: '/data', value: {} }), patchType: 'Merge' },
    nothing: { patchType: 'JSONPatch', patch: 'W10=' },
  }
  const { create, configure, client } = await setup(t, ({ name = '' }) => answers[name] ?? patch({ op: 'add', path: '/metadata/labels', value: {} }))
  await configure('Mutating', {})
  const head = '500 InternalError: Internal error occurred: '
  const calling = `${head}failed calling webhook "w0.example.com": `
  t.equal(await failure(create(configMap('undecodable'))), `${calling}received undecodable patch in webhook response: unexpected end of JSON input`)
  t.equal(await failure(create(configMap('impossible'))), `${head}error in remove for path: '/nowhere': Unable to remove nonexistent key: nowhere: missing value`)
  t.match(await failure(create(configMap('mistyped'))), /^500 InternalError: Internal error occurred: json: cannot unmarshal number into Go struct field ConfigMap\.data of type map\[string\]string$/)
  t.equal(await failure(create(configMap('typeless'))), `${calling}received invalid webhook response: webhook returned response.patch but not response.patchType`)
  t.equal(await failure(create(configMap('patchless'))), `${calling}received invalid webhook response: webhook returned response.patchType but not response.patch`)
  t.equal(await failure(create(configMap('other'))), `${calling}unsupported patch type "Merge"`)
  t.equal(await failure(create(configMap('nothing'))), '')
  t.equal(await failure(client().delete('v1/ConfigMap', { namespace: 'ns', name: 'nothing' })), '', 'an empty patch of a delete is fine')
  t.equal(await failure(create(configMap('fine'))), '')
  t.equal(await failure(client().delete('v1/ConfigMap', { namespace: 'ns', name: 'fine' })), `${head}admission webhook "w0.example.com" attempted to modify the object, which is not supported for this operation`)
})

t.test('called again when others change the object after it', async (t) => {
  const { create, configure, server } = await setup(t, ({ object }, path) => {
    const { data = {} } = object as { data?: Record<string, string> }
    if (path.startsWith('/w0')) return data.b ? patch({ op: 'add', path: '/data/seen', value: data.b }) : {}
    return data.b ? {} : patch({ op: 'add', path: '/data/b', value: 'B' })
  })
  await configure('Mutating', { reinvocationPolicy: 'IfNeeded' }, {})
  t.match(await create(configMap('a', { data: { a: 'A' } })), { data: { a: 'A', b: 'B', seen: 'B' } })
  t.same(server.asked.map(({ path }) => path.slice(0, 3)), ['/w0', '/w1', '/w0'])
})

t.test('plugins see what webhooks change', async (t) => {
  const { create, configure } = await setup(t, () => patch({ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'i' } }), { plugins: [limitRanger, ...webhookPlugins()] })
  await create({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l', namespace: 'ns' }, spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } })
  await configure('Mutating', { rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] })
  const pod = await create({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  t.match(pod, { spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1' } } }, { name: 'sidecar', terminationMessagePath: '/dev/termination-log', resources: { limits: { cpu: '1' } } }] } })
})

t.test('which requests a webhook is asked about', async (t) => {
  const { create, configure, client, server } = await setup(t, () => ({}))
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns', labels: { team: 'a' } } })
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { team: 'b' } } })
  const rule = (more: object) => ({ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], scope: '*', ...more })
  const only = (more: object) => ({ rules: [rule(more)] })
  const all: Record<string, Record<string, unknown>> = {
    everything: {},
    create: only({ operations: ['CREATE', 'CONNECT'] }),
    group: only({ apiGroups: ['apps'] }),
    version: only({ apiVersions: ['v2'] }),
    plain: only({ resources: ['*'] }),
    status: only({ resources: ['*/status'] }),
    cluster: only({ scope: 'Cluster' }),
    namespaced: only({ scope: 'Namespaced' }),
    labelled: { objectSelector: { matchLabels: { x: 'y' } } },
    teamA: { namespaceSelector: { matchLabels: { team: 'a' } } },
    exact: { ...only({ apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }), matchPolicy: 'Exact' },
    equivalent: { ...only({ apiGroups: ['autoscaling'], apiVersions: ['v1'], resources: ['horizontalpodautoscalers'] }), matchPolicy: 'Equivalent' },
  }
  const urls = (name: string) => ({ clientConfig: { url: `${server.url}/${name.toLowerCase()}`, caBundle: server.caBundle }, name: `${name.toLowerCase()}.example.com` })
  await configure('Validating', ...Object.entries(all).map(([name, more]) => ({ rules: [rule({})], ...urls(name), ...more })))
  const askedFor = async (write: Promise<unknown>): Promise<string[]> => {
    server.asked.length = 0
    await write
    return server.asked.map(({ path }) => path.slice(1).split('?')[0] ?? '').sort()
  }
  t.same(await askedFor(create(configMap('a'))), ['create', 'everything', 'namespaced', 'plain', 'teama'])
  t.same(await askedFor(create({ ...configMap('b'), metadata: { name: 'b', namespace: 'other', labels: { x: 'y' } } })), ['create', 'everything', 'labelled', 'namespaced', 'plain'])
  t.same(await askedFor(create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'third', labels: { team: 'a' } } })), ['cluster', 'create', 'everything', 'plain', 'teama'])
  t.same(await askedFor(create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } })), ['cluster', 'create', 'everything', 'plain', 'teama'], 'cluster-wide objects are in no namespace')
  const deployment = await create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd', namespace: 'ns' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } })
  t.same(await askedFor(client().updateStatus({ ...deployment, status: { replicas: 1 } } as KubeObject)), ['everything', 'group', 'namespaced', 'status', 'teama'])
  const metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }]
  const hpa = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h', namespace: 'ns' }, spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, metrics } }
  t.same(await askedFor(create(hpa)), ['create', 'equivalent', 'everything', 'namespaced', 'plain', 'teama', 'version'])
  const translated = server.asked.find(({ path }) => path.startsWith('/equivalent'))?.request
  t.match(translated, { kind: { version: 'v1' }, requestKind: { version: 'v2' }, resource: { version: 'v1' }, object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 50 } } })
})

t.test('dry runs ask only webhooks without effects of their own', async (t) => {
  const { create, configure, refused } = await setup(t, () => ({}))
  await configure('Validating', { sideEffects: 'NoneOnDryRun' })
  t.same(await refused(configMap('a')), [])
  await create({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: 'some' }, webhooks: [{ name: 's.example.com', clientConfig: { url: 'https://127.0.0.1:1' }, rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['secrets'] }], sideEffects: 'None', admissionReviewVersions: ['v1'] }] })
  t.same(await refused({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: 'exempt' }, webhooks: [] }), [], 'configurations themselves are exempt')
})

t.test('conditions decide whether a webhook is asked', async (t) => {
  const { create, configure, server } = await setup(t, () => ({ allowed: false }))
  const conditions = [
    { name: 'name', expression: "object.metadata.name in ['asked', 'broken']" },
    { name: 'data', expression: "object.metadata.name != 'broken' || object.data.size() > 0" },
    { name: 'user', expression: "request.userInfo.username == 'admin' && authorizer.group('').resource('pods').check('get').allowed()" },
  ]
  await configure('Validating', { matchConditions: conditions })
  t.equal(await failure(create(configMap('skipped'))), '')
  t.match(await failure(create(configMap('asked'))), /denied the request/)
  t.equal(await failure(create(configMap('broken'))), `403 Forbidden: configmaps "broken" is forbidden: expression '${conditions[1]?.expression}' resulted in error: no such key: data`)
  t.equal(server.asked.length, 1)
})

t.test('a webhook that writes to the cluster it is asked by', async (t) => {
  const { create, configure, client } = await setup(t, async ({ name }) => {
    if (name === 'outer') await create(configMap('inner'))
    return {}
  })
  await configure('Mutating', {})
  await create(configMap('outer'))
  t.same((await client().list('v1/ConfigMap')).map(({ metadata }) => metadata.name), ['inner', 'outer'])
})

t.test('answers without end or measure', async (t) => {
  const answers: Record<string, Answer> = {
    huge: (r) => void r.end(Buffer.alloc(9 * 1024 * 1024, ' ')),
    endless: (r) => {
      const more = (): boolean => r.destroyed || r.write(Buffer.alloc(256 * 1024, ' '), () => more())
      more()
    },
    torn: (r) => void r.writeHead(200, { 'content-length': '1000' }).write('{"apiVersion":', () => r.socket?.destroy()),
    stalled: (r) => void r.writeHead(200, { 'content-type': 'application/json' }).write('{"apiVersion":'),
    header: (r) => void r.socket?.end('HTTP/1.1 200 OK\r\nnot a header\r\n\r\n'),
    long: { warnings: Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat(10_000)}`), auditAnnotations: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, 'v'])) },
  }
  const { create, client, configure } = await setup(t, ({ name = '' }) => answers[name] ?? {})
  await configure('Mutating', { timeoutSeconds: 1 })
  for (const [name, text] of [
    ['huge', /: the answer is larger than 8388608 bytes$/],
    ['endless', /: the answer is larger than 8388608 bytes$/],
    ['torn', /: unexpected EOF$/],
    ['stalled', /: context deadline exceeded/],
    ['header', /malformed/],
  ] as const) t.match(await failure(create(configMap(name))), text, name)
  t.equal(await failure(create(configMap('long'))), '')
  t.same((await client().list('v1/ConfigMap')).map(({ metadata }) => metadata.name), ['long'], 'nothing is half-written')
})

t.test('large objects are shown whole, and patches that make them larger are taken', async (t) => {
  const large = 'x'.repeat(1_000_000)
  const { create, configure, server } = await setup(t, () => patch({ op: 'add', path: '/data/more', value: 'y'.repeat(20_000) }))
  await configure('Mutating', {})
  const made = (await create(configMap('large', { data: { large } }))) as unknown as KubeObject & { data: Record<string, string> }
  t.equal((server.asked[0]?.request.object as typeof made | undefined)?.data.large?.length, large.length)
  t.equal(made.data.more?.length, 20_000)
})

t.test('a webhook that changes what it is asked about', async (t) => {
  let depth = 0
  const { create, client, configure, server } = await setup(t, async ({ name = '', operation }) => {
    if (operation !== 'UPDATE') return {}
    const current = await client().get('v1/ConfigMap', { namespace: 'ns', name })
    if (!current) return {}
    if (name === 'gone') await client().delete('v1/ConfigMap', { namespace: 'ns', name }).catch(() => undefined)
    else if (depth++ < 3) await client().update({ ...current, data: { depth: String(depth) } } as unknown as KubeObject).catch(() => undefined)
    return {}
  })
  await configure('Validating', {})
  for (const name of ['mine', 'gone']) await create(configMap(name))
  const update = async (name: string) => client().update({ ...(await client().get('v1/ConfigMap', { namespace: 'ns', name })), data: { by: 'me' } } as unknown as KubeObject)
  t.match(await failure(update('mine')), /^409 Conflict: Operation cannot be fulfilled on configmaps "mine"/, 'whoever comes first wins')
  t.match(await client().get('v1/ConfigMap', { namespace: 'ns', name: 'mine' }), { data: { depth: '3' } })
  t.match(await failure(update('gone')), /^(?:404 NotFound|409 Conflict)/)
  t.same((await client().list('v1/ConfigMap')).map(({ metadata }) => metadata.name), ['mine'])
  t.ok(server.asked.length < 20, 'and nobody is asked for ever')
})
