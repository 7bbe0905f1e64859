import t from 'tap'
import { deal, FairQueue } from '../../src/apiserver/fair-queue.ts'
import { FakeClock } from '../../src/clock.ts'
import { startApiCluster, timely } from '../helpers/http.ts'

const FLOW = '/apis/flowcontrol.apiserver.k8s.io/v1'

t.test('hands are dealt the same each time, of different queues', (t) => {
  for (const flow of ['a', 'b', 'user/x', '']) {
    const hand = deal(flow, 64, 6)
    t.equal(new Set(hand).size, 6, `${flow}: six queues`)
    t.ok(hand.every((queue) => queue >= 0 && queue < 64), `${flow}: that there are`)
    t.same(deal(flow, 64, 6), hand, `${flow}: again`)
  }
  t.same(deal('x', 2, 2).sort(), [0, 1])
  t.end()
})

t.test('a level gives out its seats, queues what it can and refuses the rest', async (t) => {
  const clock = new FakeClock()
  const level = new FairQueue(clock, { seats: 1, queuing: { queues: 1, handSize: 1, queueLength: 2 } })
  t.equal(level.enter('a'), true, 'there is a seat')
  const second = level.enter('a')
  const third = level.enter('a')
  t.equal(level.enter('a'), false, 'the queue is full')
  t.match(level, { inUse: 1, waiting: 2 })
  level.leave()
  t.equal(await second, true, 'the next gets the seat')
  await clock.step(15_000)
  t.equal(await third, false, 'whoever waits too long is refused')
  t.match(level, { inUse: 1, waiting: 0 })
  level.leave()
  t.equal(level.inUse, 0)
})

t.test('one flow does not keep another waiting', async (t) => {
  const level = new FairQueue(new FakeClock(), { seats: 1, queuing: { queues: 8, handSize: 1, queueLength: 100 } })
  const order: string[] = []
  level.enter('holder')
  const waits = ['busy', 'busy', 'busy', 'quiet'].map(async (flow) => {
    await level.enter(flow)
    order.push(flow)
    level.leave()
  })
  t.not(deal('busy', 8, 1)[0], deal('quiet', 8, 1)[0], 'they are dealt different queues')
  level.leave()
  await Promise.all(waits)
  t.ok(order.indexOf('quiet') <= 1, `it comes in turn: ${order.join(', ')}`)
})

t.test('more seats let those in that wait', async (t) => {
  const level = new FairQueue(new FakeClock(), { seats: 0, queuing: { queues: 1, handSize: 1, queueLength: 9 } })
  const waiting = level.enter('a')
  level.limits = { seats: 1, queuing: undefined }
  t.equal(await waiting, true)
})

t.test('over HTTP', async (t) => {
  const api = await startApiCluster(t)
  const schemas = await api.get(`${FLOW}/flowschemas/exempt`)
  const levels = await api.get(`${FLOW}/prioritylevelconfigurations/exempt`)
  const uidOf = (answer: typeof schemas): unknown => (answer.body.metadata as { uid: string }).uid
  t.match(schemas.headers, { 'x-kubernetes-pf-flowschema-uid': uidOf(schemas), 'x-kubernetes-pf-prioritylevel-uid': uidOf(levels) }, 'an administrator is exempt, and told so')
  t.match(schemas.headers['audit-id'], /^[0-9a-f-]{36}$/, 'each answer has an audit id')
  t.equal((await api.get('/healthz', { headers: { 'audit-id': 'mine' } })).headers['audit-id'], 'mine', 'or the one it was asked with')

  const limited = { type: 'Limited', limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, lendablePercent: 0, limitResponse: { type: 'Reject' } } }
  await api.make(`${FLOW}/prioritylevelconfigurations`, { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name: 'none' }, spec: limited })
  await api.make(`${FLOW}/flowschemas`, {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: 'jane' },
    spec: { matchingPrecedence: 2, priorityLevelConfiguration: { name: 'none' }, rules: [{ subjects: [{ kind: 'User', user: { name: 'jane' } }], resourceRules: [{ verbs: ['list'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/version/*'] }] }] },
  })
  const as = (path: string, user: string) => api.get(path, { headers: { 'impersonate-user': user } })
  const refused = await as('/api/v1/namespaces/default/pods', 'jane')
  t.match(refused, { status: 429, text: 'Too many requests, please try again later.\n', headers: { 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' } })
  t.equal((await as('/version/', 'jane')).status, 429)
  t.equal((await as('/api/v1/pods', 'jane')).status, 403, 'a rule for namespaces is not for the cluster')
  t.equal((await as('/api/v1/namespaces/default/configmaps', 'jane')).status, 403, 'nor for other resources')
  t.equal((await as('/api/v1/namespaces/default/pods', 'joe')).status, 403, 'nor for other users')
  await api.delete(`${FLOW}/flowschemas/jane`)
  t.equal((await as('/api/v1/namespaces/default/pods', 'jane')).status, 403, 'and it ends with its schema')

  const { text, headers } = await timely('/metrics', api.get('/metrics'))
  t.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores')
  t.match(text, /^apiserver_request_total\{code="429",component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"\} 1$/m)
  t.match(text, /^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="exempt",priority_level="exempt"\} \d+$/m)
  t.match(text, /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="catch-all"\} 13$/m)
  t.match(text, /^apiserver_resource_objects\{group="",resource="namespaces"\} 4$/m)
  t.match(text, /^apiserver_request_duration_seconds_bucket\{.*verb="LIST".*le="\+Inf"\} \d+$/m)
  t.match((await api.get('/metrics/slis')).text, /^kubernetes_healthcheck\{name="etcd",type="readyz"\} 1$/m)
  t.equal((await api.get('/metrics/x')).status, 404)
})

t.test('a table of flow schemas has them in the order they are tried', async (t) => {
  const api = await startApiCluster(t)
  const { body } = await api.get(`${FLOW}/flowschemas`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
  const rows = (body['rows'] as { cells: [string, string, number] }[]).map(({ cells }) => cells)
  t.equal(rows[0]?.[0], 'exempt')
  t.equal(rows.at(-1)?.[0], 'catch-all')
  t.same(rows, rows.toSorted(([a, , one], [b, , other]) => one - other || (a < b ? -1 : 1)))
})
