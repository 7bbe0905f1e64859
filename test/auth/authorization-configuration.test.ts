/** Who decides, by a file; the texts are a real server's. */
import fs from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { parseAuthorizationConfiguration } from '../../src/auth/authorization-configuration.ts'
import { authorizationOf } from '../../src/auth/modes.ts'
import { FakeClock } from '../../src/clock.ts'
import type { AuthorizationAttributes } from '../../src/registry/authorization.ts'
import { startApiCluster } from '../helpers/http.ts'
import { startJsonServer } from '../helpers/json-server.ts'
import { patiently } from '../helpers/patiently.ts'

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n'
const WRONG = `${HEAD}authorizers:
- {}
- {type: Foo}
- {type: RBAC}
- {type: RBAC, name: b}
- {type: Node, name: "A_b"}
- {type: Webhook, name: w}
- {type: Webhook, name: w, webhook: {}}
- type: Webhook
  name: x
  webhook: {timeout: 40s, authorizedTTL: -1s, unauthorizedTTL: -1s, subjectAccessReviewVersion: v2, matchConditionSubjectAccessReviewVersion: v2, failurePolicy: Fail, connectionInfo: {type: KubeConfigFile, kubeConfigFile: foo}, matchConditions: [{expression: ""}, {expression: "request.user"}, {expression: "request.foo == 'a'"}, {expression: "true"}, {expression: "true"}]}
- type: AlwaysAllow
  name: "yy"
  webhook: {}
- type: Webhook
  name: v
  webhook: {timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {type: Foo}, matchConditions: [{expression: "true"}]}
- type: Webhook
  name: u
  webhook: {timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {type: KubeConfigFile, kubeConfigFile: /nonexistent}}
- type: Webhook
  name: t
  webhook: {timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {type: InClusterConfig, kubeConfigFile: /x}}
`
const TEXT =
  '[authorizers[0].type: Required value, authorizers[1].type: Unsupported value: "Foo": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook", authorizers[2].name: Required value, authorizers[3].type: Duplicate value: "RBAC", authorizers[4].name: Invalid value: "A_b": authorizer name is invalid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \'-\' or \'.\', and must start and end with an alphanumeric character (e.g. \'example.com\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\'), authorizers[5].webhook: Required value: required when type=Webhook, authorizers[6].name: Duplicate value: "w", authorizers[6].timeout: Required value, authorizers[6].subjectAccessReviewVersion: Required value, authorizers[6].failurePolicy: Required value, authorizers[6].connectionInfo.type: Required value, authorizers[7].timeout: Invalid value: "40s": must be > 0s and <= 30s, authorizers[7].authorizedTTL: Invalid value: "-1s": must be > 0s, authorizers[7].unauthorizedTTL: Invalid value: "-1s": must be > 0s, authorizers[7].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1", authorizers[7].matchConditionSubjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", authorizers[7].failurePolicy: Unsupported value: "Fail": supported values: "NoOpinion", "Deny", authorizers[7].connectionInfo.kubeConfigFile: Invalid value: "foo": must be an absolute path, authorizers[7].matchConditions[0].expression: Required value, authorizers[7].matchConditions[1].expression: Invalid value: "request.user": must evaluate to bool but got string, authorizers[7].matchConditions[2].expression: Invalid value: "request.foo == \'a\'": compilation failed: ERROR: <input>:1:8: undefined field \'foo\'\n | request.foo == \'a\'\n | .......^, authorizers[7].matchConditions[4].expression: Duplicate value: "true", authorizers[8].webhook: Invalid value: "non-null": may only be specified when type=Webhook, authorizers[9].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified, authorizers[9].connectionInfo.type: Unsupported value: {"Type":"Foo","KubeConfigFile":null}: supported values: "InClusterConfig", "KubeConfigFile", authorizers[10].connectionInfo.kubeConfigFile: Invalid value: "/nonexistent": error loading file: stat /nonexistent: no such file or directory, authorizers[11].connectionInfo.kubeConfigFile: Invalid value: "/x": can only be set when type=KubeConfigFile]'

t.test('what cannot be', async (t) => {
  for (const [text, message] of [
    [WRONG, TEXT],
    ['', 'authorizers: Required value: at least one authorization mode must be defined'],
    [HEAD, 'authorizers: Required value: at least one authorization mode must be defined'],
    [`${HEAD}foo: 1\nauthorizers: [{type: RBAC, name: rbac, webhook: {bar: 1}}]`, 'failed to load AuthorizationConfiguration from file: strict decoding error: unknown field "authorizers[0].webhook.bar", unknown field "foo"'],
    [`${HEAD}authorizers: [{type: RBAC, name: foo}]`, 'expected name rbac for authorizer RBAC instead of foo'],
    [HEAD.replace('AuthorizationConfiguration', 'Foo'), 'failed to load AuthorizationConfiguration from file: no kind "Foo" is registered for version "apiserver.config.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"'],
  ] as const) t.throws(() => parseAuthorizationConfiguration(text), { message })
})

async function start(t: Test) {
  const dir = t.testdir()
  const clock = new FakeClock(0)
  const server = await startJsonServer(t, (place, body) => {
    const { spec } = body as { spec: { user: string } }
    if (place === '/broken') return undefined
    return { status: place === '/no' ? { allowed: false, denied: true, reason: 'never' } : { allowed: spec.user === 'jane', reason: `${place} knows` } }
  })
  const webhook = (name: string, more: object = {}) => {
    const file = path.join(dir, name)
    fs.writeFileSync(file, JSON.stringify({ clusters: [{ name: 'c', cluster: { server: `${server.url}/${name}`, 'certificate-authority-data': Buffer.from(server.ca).toString('base64') } }] }))
    return { type: 'Webhook', name, webhook: { timeout: '3s', subjectAccessReviewVersion: 'v1', matchConditionSubjectAccessReviewVersion: 'v1', failurePolicy: 'NoOpinion', connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: file }, ...more } }
  }
  const parse = (...authorizers: object[]) => parseAuthorizationConfiguration(JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers }))
  const build = (...authorizers: object[]) => authorizationOf({ authorizers: parse(...authorizers) }, { feeds: undefined as never, clock })
  return { clock, server, webhook, parse, build }
}

const pods = (name: string, more: object = {}): AuthorizationAttributes => ({ user: { name, groups: ['g'] }, verb: 'list', apiGroup: '', apiVersion: 'v1', namespace: 'ns', resource: 'pods', subresource: '', name: '', ...more })

t.test('several webhooks, each asked about what it is for', async (t) => {
  const { server, webhook, build } = await start(t)
  const { authorizer } = build(webhook('first', { matchConditions: [{ expression: 'has(request.resourceAttributes)' }, { expression: "request.resourceAttributes.namespace == 'ns'" }] }), webhook('no', { matchConditions: [{ expression: "'g' in request.groups" }, { expression: "request.user != 'joe'" }] }))
  t.same(await authorizer.authorize(pods('jane')), { decision: 'Allow', reason: '/first knows' })
  t.same(await authorizer.authorize(pods('mary')), { decision: 'Deny', reason: 'never' })
  t.same(await authorizer.authorize(pods('joe')), { decision: 'NoOpinion', reason: '/first knows' })
  t.same(await authorizer.authorize(pods('jane', { namespace: 'other' })), { decision: 'Deny', reason: 'never' })
  t.same(await authorizer.authorize({ user: { name: 'root', groups: ['system:masters'] }, verb: 'get', path: '/' }), { decision: 'Allow', reason: '' })
  t.strictSame(server.asked.map(({ path: place }) => place), ['/first', '/first', '/no', '/first', '/no'])
})

t.test('selectors are told, and may be asked for', async (t) => {
  const { server, webhook, build } = await start(t)
  const { authorizer } = build(webhook('first', { matchConditions: [{ expression: "request.resourceAttributes.?fieldSelector.requirements.orValue([]).exists(r, r.key == 'spec.nodeName' && r.values == ['n1'])" }] }))
  t.match(await authorizer.authorize(pods('jane')), { decision: 'NoOpinion' })
  t.match(await authorizer.authorize(pods('jane', { fieldSelector: [{ key: 'spec.nodeName', operator: '=', values: ['n1'] }], labelSelector: [{ key: 'a', operator: 'exists', values: [] }, { key: 'b', operator: 'gt', values: ['1'] }] })), { decision: 'Allow' })
  t.match(server.asked[0]?.body, { spec: { resourceAttributes: { fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] }, labelSelector: { requirements: [{ key: 'a', operator: 'Exists' }] } } } })
})

t.test('a webhook that cannot be asked, and a condition that cannot be told', async (t) => {
  const { clock, webhook, build } = await start(t)
  const undecided = { matchConditions: [{ expression: "request.resourceAttributes.labelSelector.rawSelector == 'x'" }] }
  for (const failurePolicy of ['NoOpinion', 'Deny']) {
    const lost = build(webhook('broken', { failurePolicy })).authorizer.authorize(pods('jane'))
    t.match(await patiently(clock, lost), { decision: failurePolicy, error: /^Post "https:.*\/broken": the server answered 500$/ })
    t.match(await build(webhook('first', { failurePolicy, ...undecided })).authorizer.authorize(pods('jane')), { decision: failurePolicy, error: /^cel evaluation error: expression '.*' resulted in error: no such key: labelSelector$/ })
  }
})

t.test('what one says is remembered as long as told', async (t) => {
  const { clock, server, webhook, build } = await start(t)
  const { authorizer } = build(webhook('first', { authorizedTTL: '10s', cacheUnauthorizedRequests: false }))
  for (const user of ['jane', 'jane', 'joe', 'joe']) await authorizer.authorize(pods(user))
  t.equal(server.asked.length, 3)
  await clock.step(10_001)
  await authorizer.authorize(pods('jane'))
  t.equal(server.asked.length, 4)
})

t.test('a change keeps what only a start can bring', async (t) => {
  const { webhook, parse, build } = await start(t)
  const { authorizer, replace } = build({ type: 'AlwaysDeny', name: 'alwaysdeny' })
  t.throws(() => replace(parse(webhook('first'))), { message: 'missing required types: [AlwaysDeny]' })
  t.throws(() => replace(parse({ type: 'AlwaysDeny', name: 'alwaysdeny' }, { type: 'RBAC', name: 'rbac' })), { message: 'authorizer type RBAC is not allowed if it was not enabled at initial server startup' })
  t.match(await authorizer.authorize(pods('jane')), { decision: 'NoOpinion', reason: 'Everything is forbidden.' })
  replace(parse(webhook('first'), { type: 'AlwaysDeny', name: 'alwaysdeny' }))
  t.match(await authorizer.authorize(pods('jane')), { decision: 'Allow' })
})

t.test('a request that nobody could judge', async (t) => {
  const webhook = { remote: { url: 'https://127.0.0.1:1/<ask>' }, onError: 'Deny' as const }
  const api = await startApiCluster(t, { authorization: { authorizers: [{ type: 'Webhook', name: 'w', webhook }, { type: 'RBAC', name: 'rbac' }] }, controllers: [], scheduler: false })
  t.equal((await api.get('/version')).status, 200, 'administrators need no judge')
  const { status, text, headers } = await api.get('/api/v1/secrets', { token: null })
  t.match({ status, text, headers }, { status: 500, text: /^Internal Server Error: "\/api\/v1\/secrets": Post "https:\/\/127\.0\.0\.1:1\/&lt;ask&gt;": .*\n$/, headers: { 'content-type': 'text/plain; charset=utf-8' } })
})
