/** Watches: where they begin, what they tell, how they end. */
import http2 from 'node:http2'
import t from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'
import { startApiCluster, type ApiTester, type Body, type WatchEvent } from '../helpers/http.ts'

const SECRETS = '/api/v1/namespaces/default/secrets'
const secret = (name: string, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata } })
const brief = (events: WatchEvent[]) => events.map(({ type, object }) => `${type} ${object.metadata.name ?? object.metadata.resourceVersion ?? ''}`.trim())
const version = async (api: ApiTester) => (await api.get(SECRETS)).body.metadata.resourceVersion

t.test('from a version on, each change in its order', async (t) => {
  const api = await startApiCluster(t)
  await api.make(SECRETS, secret('before'))
  const from = await version(api)
  const watch = await api.watch(`${SECRETS}?watch=true&resourceVersion=${from}`)
  t.match(watch, { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' } })
  const created = await api.make(SECRETS, secret('a'))
  const patched = await api.patch(`${SECRETS}/a`, { metadata: { labels: { x: 'y' } } })
  await api.delete(`${SECRETS}/a`)
  const [added, modified, deleted] = await watch.take(3)
  t.same(added, { type: 'ADDED', object: created })
  t.same(modified, { type: 'MODIFIED', object: patched.body })
  t.match(deleted, { type: 'DELETED', object: { kind: 'Secret', metadata: { name: 'a', labels: { x: 'y' } } } })
  t.ok(Number(deleted?.object.metadata.resourceVersion) > Number(patched.body.metadata.resourceVersion), 'a deletion has a version of its own')

  const again = await api.watch(`${SECRETS}?watch=true&resourceVersion=${from}`)
  t.same(await again.take(3), [added, modified, deleted], 'history tells the same')
  watch.close()
  again.close()
})

t.test('where a watch begins', async (t) => {
  const api = await startApiCluster(t)
  await api.make(SECRETS, secret('a'))
  await api.make(SECRETS, secret('b'))
  const now = await version(api)
  const later = async (): Promise<void> => {
    await api.make(SECRETS, secret('later'))
    await api.delete(`${SECRETS}/later`)
  }
  const state = ['ADDED a', 'ADDED b']
  const news = ['ADDED later', 'DELETED later']
  const cases: [string, string[]][] = [
    ['watch=1', [...state, ...news]],
    ['watch=true&resourceVersion=0', [...state, ...news]],
    ['watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan', [...state, ...news]],
    [`watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=${now}`, [...state, ...news]],
    ['watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan', news],
    [`watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0`, news],
    [`watch=true&resourceVersion=${now}`, news],
    ['watch=true&fieldSelector=metadata.name%3Db', ['ADDED b']],
  ]
  for (const [query, expected] of cases) {
    const watch = await api.watch(`${SECRETS}?${query}`)
    await later()
    t.same(brief(await watch.take(expected.length)), expected, query)
    watch.close()
  }
  const paths: [string, string[]][] = [
    ['/api/v1/watch/namespaces/default/secrets', [...state, ...news]],
    ['/api/v1/watch/secrets', [...state, ...news]],
    ['/api/v1/watch/namespaces/default/secrets/b', ['ADDED b']],
    ['/api/v1/secrets?watch=true&fieldSelector=metadata.namespace%3Ddefault', [...state, ...news]],
  ]
  for (const [path, expected] of paths) {
    const watch = await api.watch(path)
    await later()
    t.same(brief(await watch.take(expected.length)), expected, path)
    watch.close()
  }
  t.match(await api.get(`${SECRETS}/b?watch=true`), { status: 200, body: { kind: 'Secret' } }, 'an item is got, not watched')
})

t.test('the end of the initial events', async (t) => {
  const api = await startApiCluster(t)
  await api.make(SECRETS, secret('a'))
  for (const query of ['watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true', 'watch=true&allowWatchBookmarks=true']) {
    const watch = await api.watch(`${SECRETS}?${query}`)
    const [added, bookmark] = await watch.take(2)
    t.match(added, { type: 'ADDED', object: { metadata: { name: 'a' } } })
    t.match(bookmark, { type: 'BOOKMARK', object: { kind: 'Secret', apiVersion: 'v1', metadata: { resourceVersion: /^\d+$/, annotations: { 'k8s.io/initial-events-end': 'true' } } } }, query)
    t.ok(Number(bookmark?.object.metadata.resourceVersion) >= Number(added?.object.metadata.resourceVersion))
    watch.close()
  }
})

t.test('what a selector sees', async (t) => {
  const api = await startApiCluster(t)
  await api.make(SECRETS, secret('flips', { labels: { on: 'no' } }))
  const watch = await api.watch(`${SECRETS}?watch=true&resourceVersion=${await version(api)}&labelSelector=on%3Dyes`)
  const set = (on: string) => api.patch(`${SECRETS}/flips`, { metadata: { labels: { on } } })
  await set('still-no')
  const on = (await set('yes')).body
  await api.patch(`${SECRETS}/flips`, { metadata: { annotations: { a: 'b' } } })
  const off = (await set('no')).body
  await set('yes')
  await api.delete(`${SECRETS}/flips`)
  const events = await watch.take(5)
  t.same(events.map((e) => e.type), ['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED'])
  t.same(events[0]?.object, on)
  t.match(events[2]?.object.metadata, { labels: { on: 'yes' }, resourceVersion: off.metadata.resourceVersion }, 'leaving shows the last state that was in, with the version of the change')
  watch.close()
})

t.test('watches that share a selector and those that do not see the same', async (t) => {
  const api = await startApiCluster(t)
  const from = await version(api)
  const queries = ['', '', '&labelSelector=n%3D1', '&labelSelector=n%3D1', '&labelSelector=n%3D2', '&fieldSelector=metadata.name%3Dx1']
  const watches = await Promise.all(queries.map((query) => api.watch(`${SECRETS}?watch=true&resourceVersion=${from}${query}`)))
  await Promise.all([1, 2].map((n) => api.make(SECRETS, secret(`x${n}`, { labels: { n: String(n) } }))))
  const seen = await Promise.all(watches.map(async (watch, i) => brief(await watch.take(i < 2 ? 2 : 1)).sort()))
  t.same(seen, [['ADDED x1', 'ADDED x2'], ['ADDED x1', 'ADDED x2'], ['ADDED x1'], ['ADDED x1'], ['ADDED x2'], ['ADDED x1']])
  for (const watch of watches) watch.close()
})

t.test('versions that cannot be watched from', async (t) => {
  const clock = new FakeClock()
  const api = await startApiCluster(t, { clock })
  const expired = async (from: string | undefined, what: string): Promise<void> => {
    const watch = await api.watch(`${SECRETS}?watch=true&resourceVersion=${from}`)
    t.equal(watch.status, 200)
    t.match(await watch.all(), [{ type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: new RegExp(`^too old resource version: ${from} \\(\\d+\\)$`) } }], what)
  }
  await expired('1', 'before the server began')
  const from = await version(api)
  await api.make(SECRETS, secret('a'))
  await clock.step(11 * 60_000)
  await expired(from, 'forgotten since')
  const future = await api.watch(`${SECRETS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999`)
  t.match(await future.all(), [{ type: 'ERROR', object: { reason: 'Timeout', code: 504, message: /^Timeout: Too large resource version: 999999, current: \d+$/ } }])
  t.match(await api.get(`${SECRETS}?watch=true&resourceVersion=x`), { status: 500, body: { message: 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax' } })
})

t.test('bookmarks and time', async (t) => {
  const clock = new FakeClock()
  const api = await startApiCluster(t, { clock })
  const from = await version(api)
  const watch = await api.watch(`${SECRETS}?watch=true&resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=150`)
  const plain = await api.watch(`${SECRETS}?watch=true&resourceVersion=${from}&timeoutSeconds=150`)
  await clock.step(60_000)
  const first = await watch.next()
  t.match(first, { type: 'BOOKMARK', object: { kind: 'Secret', apiVersion: 'v1', metadata: { resourceVersion: /^\d+$/ } } })
  t.notOk(first.object.metadata.annotations)
  const { metadata } = await api.make(SECRETS, secret('a'))
  await clock.step(60_000)
  const [added, second] = await watch.take(2)
  t.equal(added?.type, 'ADDED')
  t.ok(Number(second?.object.metadata.resourceVersion) >= Number(metadata.resourceVersion))
  t.notOk(watch.ended)
  await clock.step(30_000)
  t.same((await watch.all()).map((e) => e.type), ['BOOKMARK'], 'one more before the end')
  t.same(brief(await plain.all()), ['ADDED a'], 'none for who has not asked, and the end in time')
})

t.test('a watch in other forms', async (t) => {
  const api = await startApiCluster(t)
  await api.make(SECRETS, secret('a', { labels: { x: 'y' } }))
  const table = await api.watch(`${SECRETS}?watch=true`, { headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } })
  await api.make(SECRETS, secret('b'))
  const [first, second] = await table.take(2)
  t.match(first?.object, { kind: 'Table', columnDefinitions: [{ name: 'Name' }, {}, {}, {}], rows: [{ cells: ['a', 'Opaque', 0, /^\d+s$/], object: { kind: 'PartialObjectMetadata' } }] })
  t.match(second?.object, { kind: 'Table', columnDefinitions: null, rows: [{ cells: ['b'] }] })
  const partial = await api.watch(`${SECRETS}?watch=true`, { headers: { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' } })
  const [meta] = await partial.take(1)
  t.match(meta?.object, { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a', labels: { x: 'y' } } })
  t.notOk(meta?.object.type)
  table.close()
  partial.close()
})

t.test('a large first state comes whole, and what happens meanwhile after it', async (t) => {
  const api = await startApiCluster(t)
  const data = { x: Buffer.alloc(500_000).toString('base64') }
  for (let i = 0; i < 24; i++) await api.make(SECRETS, { ...secret(`big-${String(i).padStart(2, '0')}`), data })
  const watch = await api.watch(`${SECRETS}?watch=true&allowWatchBookmarks=true`)
  watch.stream.pause()
  await api.make(SECRETS, secret('late'))
  watch.stream.resume()
  const events = await watch.take(26)
  t.equal(events.filter((e) => e.type === 'ADDED').length, 25)
  t.match(events[24], { type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } })
  t.match(events[25], { type: 'ADDED', object: { metadata: { name: 'late' } } })
  watch.close()
})

t.test('a reader that does not read is dropped, the others go on', async (t) => {
  const api = await startApiCluster(t)
  const session = http2.connect(api.cluster.url, { rejectUnauthorized: false })
  const path = `${SECRETS}?watch=true&resourceVersion=${await version(api)}`
  const idle = session.request({ ':path': path, authorization: 'Bearer test-admin' })
  const closed = new Promise((resolve) => idle.on('close', resolve))
  idle.on('error', () => {})
  await new Promise((resolve) => idle.on('response', resolve))
  idle.pause()
  const busy = await api.watch(path)
  const data = { x: Buffer.alloc(700_000).toString('base64') }
  await api.make(SECRETS, { ...secret('big'), data })
  let count = 1
  await eventually(async () => {
    await api.patch(`${SECRETS}/big`, { metadata: { annotations: { n: String(count++) } } })
    idle.read(0)
    return count > 20
  })
  t.same((await busy.take(20)).length, 20, 'who reads gets all')
  idle.resume()
  await closed
  t.not(idle.rstCode, undefined)
  busy.close()
  session.destroy()
})

t.test('a client that goes away frees its watch', async (t) => {
  const api = await startApiCluster(t)
  const events: Body[] = []
  const watches = await Promise.all(Array.from({ length: 20 }, () => api.watch(`${SECRETS}?watch=true`)))
  for (const watch of watches.slice(0, 10)) watch.close()
  api.session().destroy()
  const after = await api.watch(`${SECRETS}?watch=true`)
  await api.make(SECRETS, secret('a'))
  events.push((await after.next()).object)
  t.equal(events.length, 1)
  after.close()
})
