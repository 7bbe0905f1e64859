import t from 'tap'
import { parseSelector } from '../../src/apimachinery/labels.ts'
import { InformerFactory } from '../../src/client/informer.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import type { ConfigMap } from '../../schemas/types.ts'
import { startApi } from '../helpers/in-process-api.ts'

const KIND = 'v1/ConfigMap'
const map = (name: string, metadata: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata } })
const names = (objects: readonly KubeObject[]) => objects.map((o) => o.metadata.name).sort()
const owned = (uid: string) => ({ ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid, controller: true }] })

t.test('a lister is up to date the moment a write resolves', async (t) => {
  const { informers, client } = await startApi(t)
  const api = client()
  await api.create(map('before'))
  const lister = informers.lister<ConfigMap>(KIND)
  t.same(names(lister.list()), ['before'])
  const created = await api.create(map('a', { labels: { x: 'y' } }))
  t.equal(lister.get('default', 'a'), created, 'the very object of the store')
  const updated = await api.update({ ...created, metadata: { ...created.metadata, labels: { x: 'z' } } })
  t.equal(lister.get('default', 'a'), updated)
  t.equal(lister.byUid(created.metadata.uid ?? ''), updated)
  t.same(lister.select('', parseSelector('x=y')), [])
  t.same(names(lister.select('default', parseSelector('x=z'))), ['a'])
  t.same(lister.list('other'), [])
  await api.delete(KIND, { namespace: 'default', name: 'a' })
  t.equal(lister.get('default', 'a'), undefined)
  t.equal(lister.byUid(created.metadata.uid ?? ''), undefined)
  t.equal(lister.size, 1)
})

t.test('indexes follow', async (t) => {
  const { informers, client } = await startApi(t)
  const api = client()
  await api.create(map('old', { labels: { team: 'red' } }))
  const informer = informers.for<ConfigMap>(KIND)
  const byTeam = (o: ConfigMap) => (o.metadata.labels?.team ? [o.metadata.labels.team, 'any'] : [])
  informer.addIndex('team', byTeam)
  informer.addIndex('team', () => ['ignored: the name is taken'])
  const { lister } = informer
  t.same(names(lister.byIndex('team', 'red')), ['old'], 'what was there is indexed')
  const blue = await api.create(map('new', { labels: { team: 'blue' } }))
  t.same(names(lister.byIndex('team', 'any')), ['new', 'old'])
  await api.update({ ...blue, metadata: { ...blue.metadata, labels: { team: 'red' } } })
  t.same(lister.byIndex('team', 'blue'), [])
  t.same(names(lister.byIndex('team', 'red')), ['new', 'old'])
  await api.delete(KIND, { namespace: 'default', name: 'old' })
  t.same(names(lister.byIndex('team', 'red')), ['new'])
  t.throws(() => lister.byIndex('nope', 'x'), /no index nope/)
  await api.create(map('child', owned('u1')))
  t.same(names(lister.ownedBy('u1')), ['child'])
  t.same(lister.ownedBy('u2'), [])
})

t.test('subscribers hear what is there and then every change', async (t) => {
  const { informers, client } = await startApi(t)
  const api = client()
  await api.create(map('a'))
  const heard: string[] = []
  const informer = informers.for<ConfigMap>(KIND)
  const unsubscribe = informer.subscribe({
    add: (o) => heard.push(`add ${o.metadata.name}`),
    update: (o, old) => heard.push(`update ${o.metadata.name} from ${old.data?.n ?? '-'} to ${o.data?.n ?? '-'}`),
    delete: (o) => heard.push(`delete ${o.metadata.name}`),
  })
  t.same(heard, ['add a'])
  await api.patch(KIND, { namespace: 'default', name: 'a' }, { data: { n: '1' } })
  await api.create(map('b'))
  await api.delete(KIND, { namespace: 'default', name: 'a' })
  t.same(heard, ['add a', 'update a from - to 1', 'add b', 'delete a'])
  unsubscribe()
  await api.delete(KIND, { namespace: 'default', name: 'b' })
  t.equal(heard.length, 4)
  t.equal(informers.for(KIND), informer, 'one informer for all')
})

t.test('a watch that ends is begun anew with a list', async (t) => {
  const { api, client } = await startApi(t)
  const admin = client()
  for (const name of ['kept', 'changed', 'gone', 'again']) await admin.create(map(name))
  // A store whose watch can be cut off.
  let watch: Parameters<typeof api.store.watch>[1] | undefined
  let watches = 0
  const store = {
    list: (prefix: string) => api.store.list(prefix),
    watch(prefix: string, options: typeof watch & object) {
      watches++
      watch = options
      return api.store.watch(prefix, { ...options, onEvents: (events) => watch === options && options.onEvents(events) })
    },
  }
  const failures: unknown[] = []
  const factory = new InformerFactory({ store, scheme: api.scheme } as unknown as typeof api, (kind, error) => failures.push(kind, error))
  const heard: string[] = []
  const informer = factory.for<ConfigMap>(KIND)
  const error = new Error('mine')
  const fails = () => {
    throw error
  }
  informer.subscribe({ update: fails, delete: fails })
  informer.subscribe({ add: (o) => heard.push(`add ${o.metadata.name}`), update: (o) => heard.push(`update ${o.metadata.name}`), delete: (o) => heard.push(`delete ${o.metadata.name}`) })
  heard.length = 0
  const cut = watch
  watch = undefined
  await admin.patch(KIND, { namespace: 'default', name: 'changed' }, { data: { n: '1' } })
  for (const name of ['gone', 'again']) await admin.delete(KIND, { namespace: 'default', name })
  for (const name of ['again', 'new']) await admin.create(map(name))
  t.same(heard, [])
  cut?.onClose?.(new Error('too slow'))
  t.same(heard.sort(), ['add again', 'add new', 'delete again', 'delete gone', 'update changed', 'update kept'])
  t.same(names(informer.lister.list()), ['again', 'changed', 'kept', 'new'])
  t.same(failures.splice(0).slice(0, 2), [KIND, error], 'a subscriber that fails is told of')
  heard.length = 0
  await admin.delete(KIND, { namespace: 'default', name: 'new' })
  t.same(heard, ['delete new'], 'and keeps nobody from hearing')
  t.equal(watches, 2)
  factory.relist()
  t.same(heard, ['delete new', 'update again', 'update changed', 'update kept'])
  factory.close()
})

t.test('another version of a kind has an informer of its own', async (t) => {
  const { informers, client } = await startApi(t)
  await client().create({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h', namespace: 'default' }, spec: { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } } } as KubeObject)
  t.equal(informers.lister('autoscaling/v1/HorizontalPodAutoscaler').get('default', 'h')?.apiVersion, 'autoscaling/v1')
  t.equal(informers.lister('autoscaling/v2/HorizontalPodAutoscaler').get('default', 'h')?.apiVersion, 'autoscaling/v2')
})

t.test('informers close with their factory', async (t) => {
  const { informers, client, api } = await startApi(t)
  const before = api.store.watchers
  const lister = informers.lister(KIND)
  t.equal(api.store.watchers, before + 1)
  informers.close()
  t.ok(api.store.watchers < before + 1)
  await client().create(map('late'))
  t.equal(lister.get('default', 'late'), undefined)
})

t.test('the client: conflicts are tried again, errors are StatusErrors', async (t) => {
  const { client } = await startApi(t)
  const api = client()
  const ref = { namespace: 'default', name: 'c' }
  await api.create({ ...map('c'), data: { n: '0' } } as ConfigMap)
  let lost = 0
  const changed = await api.change<ConfigMap>(KIND, ref, (copy) => {
    copy.data = { n: String(Number(copy.data?.n) + 1) }
  })
  t.same(changed.data, { n: '1' })
  await Promise.all(
    Array.from({ length: 10 }, () =>
      api.change<ConfigMap>(KIND, ref, (copy) => {
        lost++
        copy.data = { n: String(Number(copy.data?.n) + 1) }
      }),
    ),
  )
  t.same((await api.get<ConfigMap>(KIND, ref)).data, { n: '11' }, 'no change is lost')
  t.ok(lost >= 10)
  const untouched = await api.get<ConfigMap>(KIND, ref)
  t.equal(await api.change<ConfigMap>(KIND, ref, () => false), untouched, 'or left as it is')
  t.throws(() => Object.assign(untouched, { data: {} }), TypeError, 'what is shared is frozen')
  for (const [reason, act] of [
    ['NotFound', () => api.get(KIND, { namespace: 'default', name: 'nope' })],
    ['NotFound', () => api.get('v1/Nope', { name: 'x' })],
    ['AlreadyExists', () => api.create(map('c'))],
    ['Invalid', () => api.create(map('BAD'))],
    ['Conflict', () => api.update({ ...map('c'), metadata: { ...map('c').metadata, resourceVersion: '1' } })],
  ] as const) {
    const error: unknown = await act().then(() => undefined, (e: unknown) => e)
    t.ok(isStatusError(error, reason), reason)
  }
  t.same(names(await api.list(KIND, { fieldSelector: 'metadata.name=c' })), ['c'])
  t.same(await api.list(KIND, { namespace: 'other' }), [])
  await api.create(map('dry'), { dryRun: true })
  await t.rejects(api.get(KIND, { namespace: 'default', name: 'dry' }), /not found/)
})
