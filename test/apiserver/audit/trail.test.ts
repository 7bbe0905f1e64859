/** What an audit log says of requests, and which of them it tells of. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { auditConfigOf, parseAuditPolicy } from '../../../src/apiserver/audit/policy.ts'
import type { AuditEvent } from '../../../src/apiserver/audit/sink.ts'
import { AuditTrail } from '../../../src/apiserver/audit/trail.ts'
import { FakeClock, SystemRandom } from '../../../src/clock.ts'
import type { AuthorizationAttributes } from '../../../src/registry/authorization.ts'
import { eventually } from '../../helpers/cluster.ts'
import { CONFIG_MAPS, configMap, startApiCluster, TOKEN } from '../../helpers/http.ts'
import { startJsonServer } from '../../helpers/json-server.ts'
import { userNamed } from '../../helpers/in-process-api.ts'

const policy = (rules: string, more = '') => parseAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\n${more}rules:\n${rules}`)

t.test('policies that are none', async (t) => {
  const cases: [string, string][] = [
    ['- level: Everything', 'rules[0].level: Unsupported value: "Everything": supported values: "Metadata", "None", "Request", "RequestResponse"'],
    ['- users: [a]', 'rules[0].level: Required value'],
    ['- {level: None, user: [a]}', 'strict decoding error: unknown field "rules[0].user"'],
    ['- {level: None, nonResourceURLs: [healthz]}', `rules[0].nonResourceURLs[0]: Invalid value: "healthz": non-resource URL rules must begin with a '/' character`],
    ['- {level: None, nonResourceURLs: ["/a*b"]}', `rules[0].nonResourceURLs[0]: Invalid value: "/a*b": non-resource URL wildcards '*' must be the final character of the rule`],
    ['- {level: None, omitStages: [Begin]}', 'rules[0].omitStages[0]: Invalid value: "Begin": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic'],
    ['- {level: None, resources: [{group: "", resourceNames: [a]}]}', 'rules[0].resources.resourceNames: Invalid value: ["a"]: using resourceNames requires at least one resource'],
  ]
  for (const [rules, message] of cases) t.throws(() => policy(rules), { message }, rules)
  t.throws(() => policy('  []'), { message: 'loaded illegal policy with 0 rules' })
  t.throws(() => parseAuditPolicy('apiVersion: v1\nkind: Policy'), { message: /an audit policy has apiVersion audit.k8s.io\/v1/ })
})

t.test('which rule is for a request', async (t) => {
  const { rules } = policy(`
- {level: None, users: [nobody]}
- {level: Metadata, userGroups: [watched]}
- {level: Request, verbs: [delete], resources: [{group: "", resources: [pods]}], namespaces: [ns]}
- {level: Request, resources: [{group: "", resources: ["pods/*"]}, {group: apps, resources: ["*/scale"]}]}
- {level: RequestResponse, resources: [{group: "", resources: [secrets], resourceNames: [one]}]}
- {level: Metadata, nonResourceURLs: ["/health*"], omitStages: [RequestReceived], omitManagedFields: true}`)
  const asked = (text: string, user = userNamed('jane')): AuthorizationAttributes => {
    const [verb = '', what = '', where = ''] = text.split(' ')
    if (what === '') return { user, verb: 'get', path: verb }
    const [apiGroup = '', resource = '', subresource = ''] = what.split('/')
    const [namespace = '', name = ''] = where.split('/')
    return { user, verb, apiGroup, apiVersion: 'v1', resource, subresource, namespace, name }
  }
  const level = (attributes: AuthorizationAttributes) => auditConfigOf({ rules }, attributes).level
  for (const [text, expected] of [
    ['delete /pods ns/a', 'Request'],
    ['delete /services ns/a', 'None'],
    ['get /pods ns/a', 'Request'],
    ['get /pods/log ns/a', 'Request'],
    ['update apps/deployments/scale ns/a', 'Request'],
    ['update apps/deployments ns/a', 'None'],
    ['get /secrets ns/one', 'RequestResponse'],
    ['get /secrets ns/two', 'None'],
    ['/healthz', 'Metadata'],
    ['/version', 'None'],
  ] as const) t.equal(level(asked(text)), expected, text)
  t.equal(level(asked('get /pods ns/a', userNamed('x', 'watched'))), 'Metadata')
  t.equal(level(asked('delete /pods ns/a', userNamed('nobody', 'watched'))), 'None')
  t.same(auditConfigOf({ rules, omitStages: ['Panic'] }, asked('/healthz')), { level: 'Metadata', omitStages: ['Panic', 'RequestReceived'], omitManagedFields: true })
})

interface Event {
  stage: string
  auditID: string
  [member: string]: unknown
}

async function audited(t: Test, more: Parameters<typeof startApiCluster>[1] = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-audit-'))
  const file = path.join(dir, 'audit.log')
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
  const rules = `
- {level: RequestResponse, resources: [{group: "", resources: [configmaps]}], omitManagedFields: true}
- {level: None, nonResourceURLs: ["/healthz"]}
- level: Metadata`
  const api = await startApiCluster(t, { ...more, audit: { policy: policy(rules), log: { path: file } } })
  const events = (id: string, count: number) =>
    eventually(() => {
      const found = fs.readFileSync(file, 'utf8').split('\n').filter((line) => line.includes(id)).map((line) => JSON.parse(line) as Event)
      return found.length >= count && found
    })
  return { api, file, events }
}

const about = (id: string, more: Record<string, string> = {}) => ({ headers: { 'audit-id': id, 'user-agent': 'test/1', ...more } })

t.test('the events of requests', async (t) => {
  const { api, file, events } = await audited(t)
  const created = await api.post(CONFIG_MAPS, configMap('one', { data: { k: '<v>' } }), about('create-1'))
  t.equal(created.headers['audit-id'], 'create-1')
  const [begun, done] = await events('create-1', 2)
  const user = { username: 'admin', uid: 'admin', groups: ['system:masters', 'system:authenticated'] }
  t.match(begun, { kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', stage: 'RequestReceived', requestURI: CONFIG_MAPS, verb: 'create', user, userAgent: 'test/1', objectRef: { resource: 'configmaps', namespace: 'default', apiVersion: 'v1' } })
  t.match(done, {
    stage: 'ResponseComplete',
    objectRef: { name: 'one' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { kind: 'ConfigMap', metadata: { name: 'one', uid: undefined, namespace: undefined }, data: { k: '<v>' } },
    responseObject: { kind: 'ConfigMap', metadata: { name: 'one', managedFields: undefined } },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  })
  t.ok(fs.readFileSync(file, 'utf8').includes('\\u003cv\\u003e'), 'as Go writes it')
  t.equal(fs.statSync(file).mode & 0o777, 0o600)

  await api.patch(`${CONFIG_MAPS}/one`, { data: { k: 'w' } }, about('patch-1'))
  t.match((await events('patch-1', 2))[1], { verb: 'patch', requestObject: { data: { k: 'w' } }, responseObject: { data: { k: 'w' } } })
  await api.delete(`${CONFIG_MAPS}/one`, { propagationPolicy: 'Background' }, about('delete-1'))
  t.match((await events('delete-1', 2))[1], { requestObject: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal', propagationPolicy: 'Background', metadata: undefined }, responseStatus: { status: 'Success', details: { name: 'one', kind: 'configmaps' }, code: 200 } })

  await api.get('/api/v1/pods', { token: 'wrong', ...about('who-1') })
  t.match(await events('who-1', 1), [{ stage: 'ResponseStarted', user: {}, responseStatus: { status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 } }])
  await api.get('/api/v1/secrets', about('as-1', { 'impersonate-user': 'jane' }))
  t.match((await events('as-1', 2))[1], {
    user,
    impersonatedUser: { username: 'jane', groups: ['system:authenticated'] },
    authenticationMetadata: { impersonationConstraint: 'impersonate:user-info' },
    responseStatus: { reason: 'Forbidden', code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
    responseObject: undefined,
  })
  const watch = await api.watch(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1`, about('watch-1'))
  watch.close()
  t.same((await events('watch-1', 3)).map(({ stage }) => stage), ['RequestReceived', 'ResponseStarted', 'ResponseComplete'])
  await api.get('/healthz', about('health-1'))
  await api.get('/version', about('version-1'))
  await events('version-1', 2)
  t.notMatch(fs.readFileSync(file, 'utf8'), 'health-1', 'the policy leaves it out')
  t.notMatch(fs.readFileSync(file, 'utf8'), TOKEN, 'no token is written')
})

t.test('what else is noted: policies and webhooks, and which token was given', async (t) => {
  const { api, events } = await audited(t)
  await api.make('/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', {
    metadata: { name: 'noting' },
    spec: {
      matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] },
      validations: [{ expression: "object.metadata.name != 'bad'", message: 'bad name' }],
      auditAnnotations: [{ key: 'who', valueExpression: "'made by ' + request.userInfo.username" }],
    },
  })
  await api.make('/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings', { metadata: { name: 'noting' }, spec: { policyName: 'noting', validationActions: ['Audit'] } })
  await api.post(CONFIG_MAPS, configMap('bad'), about('noted-1'))
  t.match((await events('noted-1', 2))[1], {
    annotations: {
      'noting/who': 'made by admin',
      'validation.policy.admission.k8s.io/validation_failure': '[{"message":"bad name","policy":"noting","binding":"noting","expressionIndex":0,"validationActions":["Audit"]}]',
    },
  })
  await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', {}, about('token-1'))
  t.match((await events('token-1', 2))[1], { annotations: { 'authentication.kubernetes.io/issued-credential-id': /^JTI=[0-9a-f-]{36}$/ } })
})

t.test('tokens that are kept in Secrets', async (t) => {
  const { api, events } = await audited(t)
  const NS = '/api/v1/namespaces/default'
  await eventually(async () => (await api.get(`${NS}/serviceaccounts/default`)).status === 200)
  await api.make(`${NS}/secrets`, { metadata: { name: 'kept', annotations: { 'kubernetes.io/service-account.name': 'default' } }, type: 'kubernetes.io/service-account-token' })
  const token = await eventually(async () => {
    const { data } = (await api.get(`${NS}/secrets/kept`)).body as { data?: { token?: string } }
    return data?.token !== undefined && Buffer.from(data.token, 'base64').toString()
  })
  const ask = (id: string) => api.get('/version', { token, ...about(id) })
  const subject = { 'authentication.k8s.io/legacy-token': 'system:serviceaccount:default:default' }
  t.same((await ask('kept-1')).warnings, [])
  t.match((await events('kept-1', 2))[0], { stage: 'RequestReceived', annotations: { ...subject, 'authentication.k8s.io/legacy-token-manual-secret': 'kept' } })
  await api.patch(`${NS}/serviceaccounts/default`, { secrets: [{ name: 'kept' }] })
  t.same((await ask('kept-2')).warnings, ['Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.'])
  t.match((await events('kept-2', 2))[1], { annotations: { ...subject, 'authentication.k8s.io/legacy-token-autogenerated-secret': 'kept' } })
  await api.patch(`${NS}/secrets/kept`, { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } } })
  t.equal((await ask('kept-3')).status, 401)
  t.match((await events('kept-3', 1))[0], { annotations: { ...subject, 'authentication.k8s.io/legacy-token-invalidated': 'kept/default' } })
})

t.test('a refusal of 500 is an answer, what nobody foresaw a panic', async (t) => {
  const events: AuditEvent[] = []
  const auditor = { policy: policy('- level: Metadata'), sink: { write: (written: readonly AuditEvent[]) => void events.push(...written), close: () => undefined }, isStrict: false, onLost: () => undefined }
  const raw = { method: 'GET', url: '/version', headers: {}, rawHeaders: [], socket: {}, signal: new AbortController().signal } as unknown as ConstructorParameters<typeof AuditTrail>[1]
  const trail = new AuditTrail(auditor, raw, { clock: new FakeClock(0), random: new SystemRandom() })
  trail.received({ user: userNamed('jane'), verb: 'get', path: '/version' })
  trail.panicked(new Error('what?'))
  t.match(events.at(-1), { stage: 'Panic', responseStatus: { status: 'Failure', message: "APIServer panic'd: what?", reason: 'InternalError', code: 500 } })
  const { api, events: written } = await audited(t, { nodes: [], admission: { enable: ['PodNodeSelector'] } })
  await api.make('/api/v1/namespaces', { metadata: { name: 'odd', annotations: { 'scheduler.alpha.kubernetes.io/node-selector': 'bad selector' } } })
  await api.post('/api/v1/namespaces/odd/pods', { metadata: { name: 'a' }, spec: { containers: [{ name: 'c', image: 'i' }] } }, about('odd-1'))
  t.match((await written('odd-1', 2))[1], { stage: 'ResponseComplete', responseStatus: { code: 500, message: 'invalid selector: [bad selector]' } })
})

t.test('a request whose beginning cannot be written down', async (t) => {
  const server = await startJsonServer(t, () => undefined)
  const webhook = { remote: { url: server.url, ca: server.ca }, initialBackoffMs: 0 }
  const strict = await startApiCluster(t, { audit: { policy: policy('- level: Metadata'), webhook: { ...webhook, mode: 'blocking-strict' } } })
  const refused = await strict.get('/version')
  t.match([refused.status, refused.text], [500, 'Internal Server Error: "/version": failed to store audit event\n'])
  const lenient = await startApiCluster(t, { audit: { policy: policy('- level: Metadata'), webhook: { ...webhook, mode: 'blocking' } } })
  t.equal((await lenient.get('/version')).status, 200)
})
