import t from 'tap'
import { defineKind, type KindDefinition, type KubeObject } from '../../src/registry/kind.ts'
import { fromStorage, parseApiVersion, Scheme, storeKey, toStorage, type ObjectCodec } from '../../src/registry/scheme.ts'

interface Widget extends KubeObject {
  size?: number
  big?: boolean
}

// Nothing here is decoded.
const codec = (typeName?: string) => ({ ...(typeName ? { typeName } : {}), normalize: (object: object) => object }) as ObjectCodec
const v2 = defineKind<Widget>({ group: 'example.com', version: 'v2', kind: 'Widget', plural: 'widgets', namespaced: true, versionPriority: 2 }) as KindDefinition
const v1 = defineKind<Widget>({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  storedAs: { group: 'example.com', version: 'v2', kind: 'Widget', toStorage: ({ big, ...rest }) => ({ ...rest, size: big ? 9 : 1 }) as Widget, fromStorage: (object) => ({ ...object, big: ((object as Widget).size ?? 0) > 5 }) },
}) as KindDefinition
const node = defineKind<KubeObject>({ group: '', version: 'v1', kind: 'Node', plural: 'nodes', namespaced: false, storagePrefix: 'registry/minions' })

t.test('kinds are found by all their names', (t) => {
  const scheme = new Scheme(() => codec('io.Type'))
  scheme.add([v1, v2, node])
  const served = scheme.require('example.com/v2/Widget')
  t.match(served, { apiVersion: 'example.com/v2', ref: 'example.com/v2/Widget', singular: 'widget', groupResource: { group: 'example.com', resource: 'widgets' }, prefix: '/registry/widgets/' })
  t.equal(served.storage, served)
  t.equal(scheme.byResource('example.com', 'v2', 'widgets'), served)
  t.equal(scheme.byKind({ group: 'example.com', version: 'v2', kind: 'Widget' }), served)
  t.equal(scheme.byRef('v1/Node')?.prefix, '/registry/minions/')
  t.equal(scheme.require('example.com/v1/Widget').storage, served, 'in whatever order they come')
  t.same(scheme.versionsOf('example.com', 'Widget').map((k) => k.version), ['v2', 'v1'])
  t.throws(() => scheme.require('v1/Nope'), /no kind v1\/Nope is served/)
  for (const name of ['__proto__', 'constructor', 'toString']) t.equal(scheme.byResource('', 'v1', name), undefined)
  t.end()
})

t.test('keys and conversions', (t) => {
  const scheme = new Scheme(() => codec('io.Type'))
  scheme.add([v2, v1, node])
  const [old, stored] = [scheme.require('example.com/v1/Widget'), scheme.require('example.com/v2/Widget')]
  t.equal(storeKey(old, 'ns', 'a'), '/registry/widgets/ns/a')
  t.equal(storeKey(scheme.require('v1/Node'), 'ignored', 'a'), '/registry/minions/a')
  const object = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, big: true }
  t.same(toStorage(old, object), { apiVersion: 'example.com/v2', kind: 'Widget', metadata: { name: 'a' }, size: 9 })
  t.match(fromStorage(old, { metadata: {}, size: 9 } as KubeObject), { apiVersion: 'example.com/v1', big: true })
  t.equal(toStorage(stored, object), object)
  t.equal(fromStorage(stored, object), object, 'what is stored as itself is taken as it is')
  t.same(['v1', 'apps/v1', 'a.b/v1beta1'].map(parseApiVersion), [{ group: '', version: 'v1' }, { group: 'apps', version: 'v1' }, { group: 'a.b', version: 'v1beta1' }])
  t.end()
})

t.test('kinds come and go', (t) => {
  const scheme = new Scheme(() => codec())
  let changes = 0
  const stop = scheme.onChange(() => changes++)
  const before = scheme.generation
  scheme.add([v2, v1])
  t.equal(changes, 1)
  t.ok(scheme.generation > before)
  t.ok(scheme.hasVersion({ group: 'example.com', version: 'v1' }))
  t.notOk(scheme.isBuiltIn('example.com'), 'without facts about them')
  scheme.remove([v1])
  t.equal(changes, 2)
  t.notOk(scheme.hasVersion({ group: 'example.com', version: 'v1' }))
  t.equal(scheme.byRef('example.com/v1/Widget'), undefined)
  t.ok(scheme.byRef('example.com/v2/Widget'))
  stop()
  scheme.remove([v2])
  t.equal(changes, 2)
  t.same(scheme.all(), [])
  t.throws(() => scheme.add([v1]), /is stored as example.com\/v2 Widget, which is not served/)
  t.end()
})
