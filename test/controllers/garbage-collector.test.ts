import t from 'tap'
import type { OwnerReference } from '../../schemas/types.ts'
import garbageCollector from '../../controllers/garbage-collector.ts'
import { plan, type Classified } from '../../controllers/_garbage-graph.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { FakeCluster } from '../helpers/fake-client.ts'

const ref = (name: string, o: Partial<OwnerReference> = {}): OwnerReference => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid: `uid-${name}`, ...o })

function map(name: string, owners: OwnerReference[] = [], o: Partial<KubeObject['metadata']> & { kind?: string } = {}): KubeObject {
  const { kind = 'ConfigMap', ...metadata } = o
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'default', uid: `uid-${name}`, ...(owners.length > 0 ? { ownerReferences: owners } : {}), ...metadata } }
}

const KINDS = [
  { kind: 'v1/ConfigMap', plural: 'configmaps', namespaced: true },
  { kind: 'v1/Secret', plural: 'secrets', namespaced: true },
  { kind: 'v1/Node', plural: 'nodes', namespaced: false },
]

/** Config maps are kept in v1, and served in another version too. */
const SERVED = ['v1', 'v1beta1'].map((version) => ({ group: '', version, kind: 'ConfigMap', plural: 'configmaps' }))

async function collector(...objects: KubeObject[]) {
  const cluster = new FakeCluster()
  cluster.seed(...objects)
  const loop = garbageCollector.start(cluster.context({ kinds: () => KINDS, served: () => SERVED }))
  const settle = async () => {
    for (let before = -1; before !== cluster.writes.length; ) {
      before = cluster.writes.length
      await cluster.clock.step(20)
    }
  }
  await settle()
  const names = () => KINDS.flatMap((k) => cluster.all(k.kind).map((o) => o.metadata.name)).join(' ')
  const remove = async (name: string, propagationPolicy: string) => {
    await cluster.delete('v1/ConfigMap', { namespace: 'default', name }, { propagationPolicy })
    await settle()
  }
  return { cluster, loop, settle, names, remove }
}

t.test('what becomes of an object', (t) => {
  const own = (solid: string[], dangling: string[], waiting: string[]): Classified => ({ solid: solid.map((n) => ref(n)), dangling: dangling.map((n) => ref(n)), waiting: waiting.map((n) => ref(n)) })
  const cases: { name: string; object?: KubeObject; owners: Classified; some?: boolean; deleting?: boolean; expect: unknown }[] = [
    { name: 'no owners', owners: own([], [], []), expect: { do: 'nothing' } },
    { name: 'a solid owner', owners: own(['a'], [], []), expect: { do: 'nothing' } },
    { name: 'a solid and a missing one', owners: own(['a'], ['b'], ['c']), expect: { do: 'release', uids: ['uid-b', 'uid-c'] } },
    { name: 'only missing ones', owners: own([], ['b'], []), expect: { do: 'delete', policy: 'Background', unblock: false } },
    { name: 'the owner waits, no dependents', owners: own([], [], ['b']), expect: { do: 'delete', policy: 'Background', unblock: false } },
    { name: 'the owner waits, dependents', owners: own([], [], ['b']), some: true, expect: { do: 'delete', policy: 'Foreground', unblock: false } },
    { name: 'a circle of waiting', owners: own([], [], ['b']), some: true, deleting: true, expect: { do: 'delete', policy: 'Foreground', unblock: true } },
    { name: 'the orphan finalizer decides the policy', object: map('x', [], { finalizers: ['orphan'] }), owners: own([], ['b'], []), expect: { do: 'delete', policy: 'Orphan', unblock: false } },
  ]
  for (const c of cases) t.same(plan(c.object ?? map('x'), c.owners, { some: c.some ?? false, someDeletingTheirs: c.deleting ?? false }), c.expect, c.name)
  t.end()
})

t.test('background: dependents follow, of any kind and depth', async (t) => {
  const { names, remove, loop } = await collector(map('boss'), map('kid', [ref('boss')]), map('grandkid', [ref('kid')], { kind: 'Secret' }), map('other'))
  t.equal(names(), 'boss kid other grandkid')
  await remove('boss', 'Background')
  t.equal(names(), 'other')
  await loop.close()
})

t.test('an owner that never was, of another uid, or in another namespace counts as gone', async (t) => {
  const { names, cluster, loop } = await collector(
    map('boss'),
    map('far', [], { namespace: 'other' }),
    map('stray', [ref('nobody')]),
    map('fake', [ref('boss', { uid: 'another' })]),
    map('foreign', [ref('far')]),
    map('half', [ref('boss'), ref('nobody')]),
  )
  t.equal(names(), 'boss far half')
  t.same(cluster.read('v1/ConfigMap', 'half').metadata.ownerReferences, [ref('boss')])
  t.same(cluster.events, ['ConfigMap/foreign Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: default, name: far, uid: uid-far] does not exist in namespace "default"'])
  await loop.close()
})

t.test('an owner may be named in any version of its kind', async (t) => {
  const other = { apiVersion: 'v1beta1' }
  const { names, remove, loop } = await collector(map('boss'), map('kid', [ref('boss', other)]), map('stray', [ref('nobody', other)]), map('unserved', [ref('boss', { apiVersion: 'v0' })]))
  t.equal(names(), 'boss kid unserved')
  await remove('boss', 'Background')
  t.equal(names(), 'unserved')
  await loop.close()
})

t.test('what cannot be judged stays', async (t) => {
  const { names, loop } = await collector(map('unknown', [ref('x', { apiVersion: 'example.com/v1', kind: 'Thing' })]), map('n', [ref('boss')], { kind: 'Node', namespace: undefined }))
  t.equal(names(), 'unknown n')
  await loop.close()
})

t.test('orphan: dependents stay and forget their owner', async (t) => {
  const { names, cluster, remove, loop } = await collector(map('boss'), map('kid', [ref('boss')]))
  await remove('boss', 'Orphan')
  t.equal(names(), 'kid')
  t.same(cluster.read('v1/ConfigMap', 'kid').metadata.ownerReferences, [])
  await loop.close()
})

t.test('foreground: the owner goes last, and waits for what blocks it', async (t) => {
  const { names, cluster, remove, settle, loop } = await collector(
    map('boss'),
    map('blocker', [ref('boss', { blockOwnerDeletion: true })], { finalizers: ['example.com/hold'] }),
    map('free', [ref('boss')], { finalizers: ['example.com/hold'] }),
  )
  await remove('boss', 'Foreground')
  t.equal(names(), 'boss blocker free')
  t.same(cluster.read('v1/ConfigMap', 'boss').metadata.finalizers, ['foregroundDeletion'])
  t.ok(cluster.read('v1/ConfigMap', 'blocker').metadata.deletionTimestamp)
  await cluster.change('v1/ConfigMap', { namespace: 'default', name: 'blocker' }, (copy) => void (copy.metadata.finalizers = []))
  await settle()
  t.equal(names(), 'free', 'what does not block is not waited for')
  await loop.close()
})

t.test('a circle in the foreground ends', async (t) => {
  const block = { blockOwnerDeletion: true }
  const { names, remove, loop } = await collector(map('a', [ref('b', block)]), map('b', [ref('a', block)]))
  await remove('a', 'Foreground')
  t.equal(names(), '')
  await loop.close()
})
