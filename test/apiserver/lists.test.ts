/** Lists: selection, pages that hold together over changes, versions. */
import t from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { startApiCluster, type ApiTester, type Body } from '../helpers/http.ts'

// Nobody but the test makes any in this namespace.
const SECRETS = '/api/v1/namespaces/default/secrets'
const secret = (name: string, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata } })

const names = ({ items = [] }: Body) => items.map((item) => item.metadata.name)

async function withSecrets(api: ApiTester, count: number): Promise<void> {
  await api.delete(SECRETS)
  for (let i = 0; i < count; i++) await api.make(SECRETS, secret(`m-${i}`, { labels: { parity: i % 2 ? 'odd' : 'even', n: String(i) } }))
}

t.test('the shape of a list', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 2)
  const { body, headers, status } = await api.get(SECRETS)
  t.equal(status, 200)
  t.equal(headers['content-type'], 'application/json')
  t.match(body, { kind: 'SecretList', apiVersion: 'v1', metadata: { resourceVersion: /^\d+$/ } })
  t.same(names(body), ['m-0', 'm-1'])
  t.notOk(body.items?.some((item) => item.kind || item.apiVersion), 'items do not repeat their type')
  t.same((await api.get('/api/v1/namespaces/default/limitranges')).body.items, [], 'an empty list is a list')
  t.same(names((await api.get('/api/v1/secrets')).body), ['m-0', 'm-1'], 'of all namespaces')
})

t.test('selectors', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 4)
  const cases: [string, string[]][] = [
    ['labelSelector=parity%3Dodd', ['m-1', 'm-3']],
    ['labelSelector=parity!%3Dodd', ['m-0', 'm-2']],
    ['labelSelector=n%20in%20(1,2)', ['m-1', 'm-2']],
    ['labelSelector=n%20notin%20(1,2),parity', ['m-0', 'm-3']],
    ['labelSelector=!parity', []],
    ['labelSelector=n%3E2', ['m-3']],
    ['labelSelector=', ['m-0', 'm-1', 'm-2', 'm-3']],
    ['fieldSelector=metadata.name%3Dm-2', ['m-2']],
    ['fieldSelector=metadata.name!%3Dm-2', ['m-0', 'm-1', 'm-3']],
    ['fieldSelector=metadata.name%3Dm-2,metadata.namespace%3Dother', []],
    ['fieldSelector=metadata.name%3Dm-1&labelSelector=parity%3Deven', []],
    ['labelSelector=parity%3Dodd&labelSelector=parity%3Deven', ['m-1', 'm-3']],
  ]
  for (const [query, expected] of cases) t.same(names((await api.get(`${SECRETS}?${query}`)).body), expected, query)
  const all = await api.get('/api/v1/secrets?fieldSelector=metadata.namespace%3Ddefault')
  t.same(names(all.body), ['m-0', 'm-1', 'm-2', 'm-3'], 'a namespace by selector')
  t.same(names((await api.get('/api/v1/secrets?fieldSelector=metadata.namespace%3Ddefault,metadata.name%3Dm-1')).body), ['m-1'])
})

t.test('pages hold together while objects change', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 5)
  const first = (await api.get(`${SECRETS}?limit=2`)).body
  t.same(names(first), ['m-0', 'm-1'])
  t.equal(first.metadata.remainingItemCount, 3)
  await api.delete(`${SECRETS}/m-2`)
  await api.make(SECRETS, secret('m-3a'))
  await api.patch(`${SECRETS}/m-4`, { stringData: { changed: 'yes' } })
  const second = (await api.get(`${SECRETS}?limit=2&continue=${first.metadata.continue}`)).body
  t.same(names(second), ['m-2', 'm-3'])
  t.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
  const third = (await api.get(`${SECRETS}?limit=2&continue=${second.metadata.continue}`)).body
  t.same(names(third), ['m-4'])
  t.equal(third.items?.[0]?.data, undefined, 'as it was')
  t.notOk(third.metadata.continue)
  t.notOk(third.metadata.remainingItemCount)
  const token = JSON.parse(Buffer.from(first.metadata.continue ?? '', 'base64url').toString()) as object
  t.same(token, { v: 'meta.k8s.io/v1', rv: Number(first.metadata.resourceVersion), start: 'm-1\u0000' })
})

t.test('pages of what a selector finds', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 6)
  const first = (await api.get(`${SECRETS}?limit=2&labelSelector=parity%3Dodd`)).body
  t.same(names(first), ['m-1', 'm-3'])
  t.notOk(first.metadata.remainingItemCount, 'nobody counts what a selector would find')
  const second = (await api.get(`${SECRETS}?limit=2&labelSelector=parity%3Dodd&continue=${first.metadata.continue}`)).body
  t.same(names(second), ['m-5'])
  t.notOk(second.metadata.continue)
  const full = (await api.get(`${SECRETS}?limit=3&labelSelector=parity%3Deven`)).body
  t.same(names(full), ['m-0', 'm-2', 'm-4'])
  const empty = (await api.get(`${SECRETS}?limit=3&labelSelector=parity%3Deven&continue=${full.metadata.continue}`)).body
  t.same([names(empty), empty.metadata.continue], [[], undefined], 'behind a full page nobody looks for what matches')
})

t.test('a page that is asked for too late', async (t) => {
  const clock = new FakeClock()
  const api = await startApiCluster(t, { clock })
  await withSecrets(api, 4)
  const first = (await api.get(`${SECRETS}?limit=2`)).body
  await api.make(SECRETS, secret('m-9'))
  await clock.step(11 * 60_000)
  const gone = await api.get(`${SECRETS}?limit=2&continue=${first.metadata.continue}`)
  t.match(gone, { status: 410, body: { reason: 'Expired', message: /^The provided continue parameter is too old to display a consistent list result/, metadata: { continue: /./ } } })
  const rest = (await api.get(`${SECRETS}?limit=2&continue=${gone.body.metadata.continue}`)).body
  t.same(names(rest), ['m-2', 'm-3'], 'goes on where it was')
  t.same(names((await api.get(`${SECRETS}?continue=${rest.metadata.continue}`)).body), ['m-9'], 'as things are now')
  t.match(await api.get(`${SECRETS}?resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`), { status: 410, body: { reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' } })
})

t.test('versions of a list', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 1)
  const old = (await api.get(SECRETS)).body.metadata.resourceVersion
  await api.make(SECRETS, secret('m-later'))
  const cases: [string, string[]][] = [
    ['', ['m-0', 'm-later']],
    ['resourceVersion=0', ['m-0', 'm-later']],
    ['resourceVersion=0&resourceVersionMatch=NotOlderThan', ['m-0', 'm-later']],
    [`resourceVersion=${old}`, ['m-0', 'm-later']],
    [`resourceVersion=${old}&resourceVersionMatch=NotOlderThan`, ['m-0', 'm-later']],
    [`resourceVersion=${old}&resourceVersionMatch=Exact`, ['m-0']],
    [`resourceVersion=${old}&limit=5`, ['m-0']],
    [`resourceVersion=0&limit=5`, ['m-0', 'm-later']],
    ['resourceVersion=0&limit=1', ['m-0', 'm-later']],
    ['resourceVersion=1&resourceVersionMatch=NotOlderThan&limit=1', ['m-0']],
  ]
  for (const [query, expected] of cases) t.same(names((await api.get(`${SECRETS}?${query}`)).body), expected, query || 'none')
  t.match(await api.get(`${SECRETS}?resourceVersion=0&resourceVersionMatch=Exact`), { status: 422 })
  t.match(await api.get(`${SECRETS}?continue=abc&resourceVersion=5&resourceVersionMatch=Exact`), { status: 422 })
})

t.test('the latest write is always in the list', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 0)
  for (let i = 0; i < 20; i++) {
    const { metadata } = await api.make(SECRETS, secret(`w-${i}`))
    const { body } = await api.get(`${SECRETS}?resourceVersion=${metadata.resourceVersion}`)
    t.equal(body.items?.length, i + 1)
  }
})

t.test('collections are deleted as they are selected', async (t) => {
  const api = await startApiCluster(t)
  await withSecrets(api, 6)
  const odd = await api.delete(`${SECRETS}?labelSelector=parity%3Dodd`)
  t.match(odd, { status: 200, body: { kind: 'SecretList' } })
  t.same(names(odd.body), ['m-1', 'm-3', 'm-5'], 'answers what was there')
  t.same(names((await api.get(SECRETS)).body), ['m-0', 'm-2', 'm-4'])
  t.same(names((await api.delete(`${SECRETS}?limit=1`)).body), ['m-0'], 'a limit counts here too')
  await api.patch(`${SECRETS}/m-2`, { metadata: { finalizers: ['example.com/hold'] } })
  await api.delete(SECRETS)
  t.match((await api.get(SECRETS)).body.items, [{ metadata: { name: 'm-2', deletionTimestamp: /Z$/ } }], 'what is held stays, marked')
})

t.test('fields are those of the version that is asked', async (t) => {
  const api = await startApiCluster(t)
  const EVENTS = '/namespaces/default/events'
  const event = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e' }, regarding: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', type: 'Normal', action: 'A', reportingController: 'test/c', reportingInstance: 'i', eventTime: '2026-01-01T00:00:00.000000Z' }
  await api.make(`/apis/events.k8s.io/v1${EVENTS}`, event)
  const cases: [string, string[]][] = [
    ['/apis/events.k8s.io/v1', ['reportingController=test/c', 'regarding.name=p']],
    ['/api/v1', ['source=test/c', 'reportingComponent=test/c', 'involvedObject.name=p']],
  ]
  for (const [group, selectors] of cases) for (const selector of selectors) t.same(names((await api.get(`${group}${EVENTS}?fieldSelector=${encodeURIComponent(selector)}`)).body), ['e'], selector)
})
