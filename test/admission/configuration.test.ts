/** What plugins are configured with, by a file; the texts are a real server's. */
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { parseAdmissionConfiguration } from '../../src/admission/configuration.ts'
import { issueCertificate } from '../../src/apimachinery/certificate.ts'
import { usersOfKubeconfig } from '../../src/auth/kubeconfig-remote.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'
import { admissionPlugins } from '../../src/admission/plugins.ts'
import { startApiCluster, type ApiTester } from '../helpers/http.ts'
import { startJsonServer } from '../helpers/json-server.ts'
import { startWebhookServer } from '../helpers/webhook-server.ts'

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n'
const plugin = (name: string, configuration: string) => `${HEAD}- {name: ${name}, configuration: ${configuration}}\n`
const LIMITS = 'apiVersion: eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration'
const SECURITY = 'apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration'
const QUOTA = 'apiVersion: apiserver.config.k8s.io/v1, kind: ResourceQuotaConfiguration'
const TOLERATIONS = 'apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1, kind: Configuration'

t.test('what cannot be', async (t) => {
  const init = (name: string) => `failed to apply admission: couldn't init admission plugin "${name}": `
  for (const [text, message] of [
    ['kind: Foo\n', "failed to apply admission: failed to read plugin config: Object 'apiVersion' is missing in 'kind: Foo\n'"],
    [`${HEAD}- {name: PodSecurity, bar: nowhere}`, 'failed to apply admission: failed to read plugin config: strict decoding error: unknown field "plugins[0].bar"'],
    [plugin('EventRateLimit', `{${LIMITS}, foo: 1}`), `${init('EventRateLimit')}limits: Invalid value: null: must not be empty`],
    [
      plugin('EventRateLimit', `{${LIMITS}, limits: [{type: Foo, qps: 0, burst: -1}, {type: User, qps: 1, burst: 1, cacheSize: -1}]}`),
      `${init('EventRateLimit')}[limits[0].type: Unsupported value: "Foo": supported values: "Server", "Namespace", "User", "SourceAndObject", limits[0].burst: Invalid value: -1: must be positive, limits[0].qps: Invalid value: 0: must be positive, limits[1].cacheSize: Invalid value: -1: must not be negative]`,
    ],
    [plugin('PodSecurity', `{${SECURITY}, defaults: {enforce: x, enforce-version: "q"}}`), `${init('PodSecurity')}PodSecurity configuration error: [enforce: must be one of privileged, baseline, restricted, enforce-version: must be "latest" or "v1.x"]`],
    [plugin('PodSecurity', `{${SECURITY}, defaults: {enforce-version: true}}`), `${init('PodSecurity')}json: cannot unmarshal bool into Go struct field PodSecurityDefaults.defaults.enforce-version of type string`],
    [plugin('PodSecurity', '{apiVersion: pod-security.admission.config.k8s.io/v1, kind: Foo}'), `${init('PodSecurity')}no kind "Foo" is registered for version "pod-security.admission.config.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"`],
    [plugin('ResourceQuota', `{${QUOTA}, limitedResources: [{}]}`), `${init('ResourceQuota')}limitedResources[0].resource: Required value`],
    [plugin('ResourceQuota', `{${QUOTA}, limitedResources: [{foo: x}]}`), `${init('ResourceQuota')}strict decoding error: unknown field "limitedResources[0].foo"`],
    [
      plugin('PodTolerationRestriction', `{${TOLERATIONS}, default: [{key: "a b"}], whitelist: [{operator: Foo}]}`),
      `${init('PodTolerationRestriction')}invalid config: [podtolerationrestriction.default[0].key: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') podtolerationrestriction.whitelist[0].operator: Invalid value: "Foo": operator must be Exists when \`key\` is empty, which means "match all values and all keys" podtolerationrestriction.whitelist[0].operator: Unsupported value: "Foo": supported values: "Equal", "Exists"]`,
    ],
    [plugin('ImagePolicyWebhook', '{imagePolicy: {kubeConfigFile: /nope, allowTTL: 4000}}'), `${init('ImagePolicyWebhook')}valid value is between 1s and 30m0s, got 1h6m40s`],
    [plugin('MutatingAdmissionWebhook', '{apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: nope}'), `${init('MutatingAdmissionWebhook')}kubeConfigFile: Invalid value: "nope": must be an absolute file path`],
    [plugin('ValidatingAdmissionWebhook', '{apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, staticManifestsDir: /x}'), `${init('ValidatingAdmissionWebhook')}staticManifestsDir is not supported`],
    [plugin('LimitRanger', '{x: 1}'), 'failed to apply admission: the configuration of the admission plugin "LimitRanger" is not supported'],
  ] as const) t.throws(() => parseAdmissionConfiguration(text, '/config'), { message }, text)
  t.throws(() => parseAdmissionConfiguration(plugin('ImagePolicyWebhook', '{imagePolicy: {kubeConfigFile: nope}}'), '/a/config'), { message: /ENOENT.*'\/a\/nope'/ }, 'files are looked for beside it')
  for (const [name, why] of [['EventRateLimit', 'limits: Invalid value: null: must not be empty'], ['ImagePolicyWebhook', 'no config specified']] as const) t.throws(() => admissionPlugins({ enable: [name] }), { message: init(name) + why })
})

t.test('inside of the file or in another', async (t) => {
  const dir = t.testdir({ selectors: 'podNodeSelectorPluginConfig:\n  clusterDefaultNodeSelector: a=b\n  ns: c=d\n' })
  const text = `${HEAD}- {name: PodNodeSelector, path: selectors}\n- {name: EventRateLimit, configuration: {${LIMITS}, limits: [{type: Server, qps: 1, burst: 2}]}}\n`
  t.strictSame(parseAdmissionConfiguration(text, path.join(dir, 'config')), { PodNodeSelector: { clusterDefaultNodeSelector: 'a=b', ns: 'c=d' }, EventRateLimit: { limits: [{ type: 'Server', qps: 1, burst: 2 }] } })
})

const pod = (name: string, spec: object = {}, container: object = {}) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec } })
const create = async (api: ApiTester, namespace: string, object: object, more: object = {}) => {
  const { status, body, headers } = await api.post(`/api/v1/namespaces/${namespace}/pods`, object, more)
  return { status, message: (body as { message?: string }).message, warning: headers.warning }
}

t.test('levels of security where namespaces say nothing, and who is exempt', async (t) => {
  const config = parseAdmissionConfiguration(plugin('PodSecurity', `{${SECURITY}, defaults: {enforce: baseline, warn: restricted}, exemptions: {usernames: [jane], namespaces: [free], runtimeClasses: [kata]}}`), '/')
  const api = await startApiCluster(t, { nodes: [], allowPrivileged: true, admission: { config } })
  await api.make('/api/v1/namespaces', { metadata: { name: 'free' } })
  await api.make('/apis/node.k8s.io/v1/runtimeclasses', { metadata: { name: 'kata' }, handler: 'kata' })
  const privileged = { securityContext: { privileged: true } }
  const denied = { status: 403, message: 'pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)' }
  t.match(await create(api, 'default', pod('a', {}, privileged)), denied)
  t.match(await create(api, 'default', pod('b')), { status: 201, warning: /would violate PodSecurity .*restricted:latest/ })
  t.match(await create(api, 'free', pod('a', {}, privileged)), { status: 201, warning: undefined })
  t.match(await create(api, 'default', pod('c', { runtimeClassName: 'kata' }, privileged)), { status: 201, warning: undefined })
  t.match(await create(api, 'default', pod('a', {}, privileged), { headers: { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' } }), { status: 201, warning: undefined })
  const labelled = await api.patch('/api/v1/namespaces/free', { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/audit-version': 'v1.30' } } })
  t.match(labelled.headers.warning, 'namespace \\"free\\" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored')
})

t.test('resources that nobody may use without a quota', async (t) => {
  const config = parseAdmissionConfiguration(plugin('ResourceQuota', `{${QUOTA}, limitedResources: [{resource: persistentvolumeclaims, matchContains: [gold.storageclass]}, {resource: pods, matchScopes: [{scopeName: PriorityClass, operator: In, values: [high]}]}]}`), '/')
  const api = await startApiCluster(t, { nodes: [], admission: { config } })
  await api.make('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'high' }, value: 5 })
  const claim = (storageClassName: string) => api.post('/api/v1/namespaces/default/persistentvolumeclaims', { metadata: { name: `c-${storageClassName}` }, spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
  const refused = await claim('gold')
  t.match([refused.status, refused.body], [403, { message: 'persistentvolumeclaims "c-gold" is forbidden: insufficient quota to consume: gold.storageclass.storage.k8s.io/persistentvolumeclaims,gold.storageclass.storage.k8s.io/requests.storage' }])
  t.equal((await claim('silver')).status, 201)
  t.match(await create(api, 'default', pod('a')), { status: 201 })
  t.match(await create(api, 'default', pod('b', { priorityClassName: 'high' })), { status: 500, message: 'insufficient quota to match these scopes: [{PriorityClass In [high]}]' })
  const hard = { pods: '1', 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1', 'gold.storageclass.storage.k8s.io/requests.storage': '1Gi' }
  const quota = { metadata: { name: 'q' }, spec: { hard: { pods: '1' }, scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } } }
  const storage = { metadata: { name: 's' }, spec: { hard: Object.fromEntries(Object.entries(hard).slice(1)) } }
  for (const each of [quota, storage]) {
    const made = await api.make('/api/v1/namespaces/default/resourcequotas', each)
    const used = Object.fromEntries(Object.keys(each.spec.hard).map((name) => [name, '0']))
    await api.put(`/api/v1/namespaces/default/resourcequotas/${each.metadata.name}/status`, { ...made, status: { hard: each.spec.hard, used } })
  }
  t.equal((await claim('gold')).status, 201)
  t.match(await create(api, 'default', pod('b', { priorityClassName: 'high' })), { status: 201 })
})

t.test('images that somebody outside allows', async (t) => {
  const server = await startJsonServer(t, (_path, body) => {
    const { spec } = body as { spec: { containers: { image: string }[] } }
    if (spec.containers.some(({ image }) => image === 'lost')) return { status: 'nonsense' }
    const bad = spec.containers.filter(({ image }) => image.startsWith('bad')).map(({ image }) => image)
    return { status: { allowed: bad.length === 0, reason: bad[0] === 'bad-1' ? 'bad-1 is bad' : undefined, auditAnnotations: { seen: 'yes' } } }
  })
  const dir = t.testdir()
  fs.writeFileSync(path.join(dir, 'kubeconfig'), JSON.stringify({ clusters: [{ name: 'c', cluster: { server: server.url, 'certificate-authority-data': Buffer.from(server.ca).toString('base64') } }] }))
  const config = parseAdmissionConfiguration(plugin('ImagePolicyWebhook', '{imagePolicy: {kubeConfigFile: kubeconfig, allowTTL: 60, denyTTL: -1}}'), path.join(dir, 'config'))
  const api = await startApiCluster(t, { nodes: [], admission: { enable: ['ImagePolicyWebhook'], config } })
  t.match(await create(api, 'default', { ...pod('a', { initContainers: [{ name: 'i', image: 'init' }] }), metadata: { name: 'a', annotations: { 'x.image-policy.k8s.io/break-glass': 'yes', other: 'no' } } }), { status: 201 })
  t.match(server.asked[0]?.body, { kind: 'ImageReview', apiVersion: 'imagepolicy.k8s.io/v1alpha1', spec: { containers: [{ image: 'i' }, { image: 'init' }], annotations: { 'x.image-policy.k8s.io/break-glass': 'yes' }, namespace: 'default' } })
  t.match(await create(api, 'default', pod('b', {}, { image: 'bad-1' })), { status: 403, message: 'pods "b" is forbidden: image policy webhook backend denied one or more images: bad-1 is bad' })
  t.match(await create(api, 'default', pod('b', {}, { image: 'bad-2' })), { status: 403, message: 'pods "b" is forbidden: one or more images rejected by webhook backend' })
  const before = server.asked.length
  for (const name of ['c', 'd']) await create(api, 'default', pod(name))
  t.equal(server.asked.length, before + 1, 'a yes is believed for a while')
  const lost = { ...config, ImagePolicyWebhook: { ...config.ImagePolicyWebhook, remote: { url: 'https://127.0.0.1:1' } } } as typeof config
  const closed = await startApiCluster(t, { nodes: [], admission: { enable: ['ImagePolicyWebhook'], config: lost } })
  t.match(await create(closed, 'default', pod('a')), { status: 403, message: /^pods "a" is forbidden: Post "https:\/\/127\.0\.0\.1:1": / })
  const open = await startApiCluster(t, { nodes: [], admission: { enable: ['ImagePolicyWebhook'], config: { ImagePolicyWebhook: { ...lost.ImagePolicyWebhook, defaultAllow: true } as NonNullable<typeof lost.ImagePolicyWebhook> } } })
  t.match(await open.post('/api/v1/namespaces/default/pods', pod('a')), { status: 201, body: { metadata: { annotations: { 'alpha.image-policy.k8s.io/failed-open': 'true' } } } })
})

t.test('who the server is to admission webhooks', async (t) => {
  const pair = await issueCertificate({ subject: 'CN=the-server', years: 1, now: new SystemClock().now(), random: new SystemRandom() })
  const server = await startWebhookServer(t, () => ({}))
  const file = path.join(t.testdir(), 'kubeconfig')
  const users = [
    { name: `127.0.0.1:${server.port}`, user: { token: 'secret', 'client-certificate-data': Buffer.from(pair.cert).toString('base64'), 'client-key-data': Buffer.from(pair.key).toString('base64') } },
    { name: '*', user: { username: 'u', password: 'p' } },
  ]
  fs.writeFileSync(file, JSON.stringify({ users }))
  const config = parseAdmissionConfiguration(plugin('ValidatingAdmissionWebhook', `{apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: ${file}}`), '/')
  const api = await startApiCluster(t, { nodes: [], admission: { config } })
  const webhook = { name: 'w.example.com', clientConfig: { url: server.url, caBundle: server.caBundle }, rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] }], sideEffects: 'None', admissionReviewVersions: ['v1'] }
  for (const kind of ['Validating', 'Mutating']) await api.make(`/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, { metadata: { name: 'w' }, webhooks: [webhook] })
  await api.make('/api/v1/namespaces/default/secrets', { metadata: { name: 'a' } })
  t.strictSame(server.asked.map(({ authorization, subject }) => ({ authorization, subject })), [{ authorization: undefined, subject: undefined }, { authorization: 'Bearer secret', subject: 'the-server' }])
})

t.test('which user is for which server', (t) => {
  const file = path.join(t.testdir(), 'kubeconfig')
  const names = ['hook.ns.svc:443', 'plain.ns.svc', '*.other.svc', '*.example.com:8443', '*.example.com', '[::1]:9443']
  fs.writeFileSync(file, JSON.stringify({ users: names.map((name) => ({ name, user: { token: name } })) }))
  const userOf = usersOfKubeconfig(file)
  for (const [host, port, token] of [['hook.ns.svc', 443, names[0]], ['plain.ns.svc', 443, names[1]], ['plain.ns.svc', 444, undefined], ['a.other.svc', 443, names[2]], ['a.b.example.com', 8443, names[3]], ['a.example.com', 443, names[4]], ['example.com', 443, undefined], ['::1', 9443, names[5]]] as const) t.equal(userOf(host, port)?.token, token, `${host}:${port}`)
  fs.writeFileSync(file, JSON.stringify({ users: [{ name: 'me', user: { token: 'mine' } }], contexts: [{ name: 'c', context: { user: 'me' } }], 'current-context': 'c' }))
  t.equal(usersOfKubeconfig(file)('any', 1)?.token, 'mine')
  t.end()
})
