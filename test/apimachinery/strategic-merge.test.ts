import t from 'tap'
import { freezeJSON } from '../../src/apimachinery/json.ts'
import { strategicMerge, type JSONObject } from '../../src/apimachinery/strategic-merge.ts'
import { StrategicMergeError } from '../../src/apimachinery/strategic-merge-error.ts'

const POD = 'io.k8s.api.core.v1.Pod'
const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment'
const merge = (original: object, patch: object, type = POD) => strategicMerge(type, freezeJSON(original as JSONObject), freezeJSON(patch as JSONObject))
const containers = (...list: object[]) => ({ spec: { containers: list } })
const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, image: name })) as [object, object, object]

t.test('lists and maps', (t) => {
  const table: [string, object, object, object][] = [
    ['items merge by key', containers(a, b), containers({ name: 'b', image: 'x' }), containers(a, { name: 'b', image: 'x' })],
    ['new items come first', containers(a, b), containers(c), containers(c, a, b)],
    ['an item is deleted', containers(a, b), containers({ name: 'a', $patch: 'delete' }), containers(b)],
    ['a list is replaced', containers(a, b), containers({ $patch: 'replace' }, c), containers(c)],
    ['order is enforced', containers(a, b, c), { spec: { $setElementOrder: undefined, '$setElementOrder/containers': [{ name: 'c' }, { name: 'b' }, { name: 'a' }] } }, containers(c, b, a)],
    ['others keep their place', containers(a, b, c), { spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }] } }, containers(b, c, a)],
    ['lists without a strategy are replaced', { spec: { tolerations: [{ key: 'a' }] } }, { spec: { tolerations: [{ key: 'b' }] } }, { spec: { tolerations: [{ key: 'b' }] } }],
    ['scalars merge as a set', { metadata: { finalizers: ['x', 'y'] } }, { metadata: { finalizers: ['z', 'x'] } }, { metadata: { finalizers: ['z', 'x', 'y'] } }],
    ['scalars are deleted', { metadata: { finalizers: ['x', 'y'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['x'] } }, { metadata: { finalizers: ['y'] } }],
    ['null deletes', { metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { a: null, z: null } } }, { metadata: { labels: { b: '2' } } }],
    ['a map is replaced', { metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }, { metadata: { labels: { b: '2' } } }],
    ['a map is emptied', { spec: { securityContext: { runAsUser: 1 } } }, { spec: { securityContext: { $patch: 'delete' } } }, { spec: { securityContext: {} } }],
    ['directives on what is not there', { metadata: {} }, { metadata: { labels: { $patch: 'delete' }, annotations: { a: null, b: 'c' } } }, { metadata: { annotations: { b: 'c' } } }],
    [
      'retained keys',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ $retainKeys: ['name', 'configMap'], name: 'v', configMap: { name: 'c' } }] } },
      { spec: { volumes: [{ name: 'v', configMap: { name: 'c' } }] } },
    ],
  ]
  for (const [name, original, patch, expected] of table) t.same(merge(original, JSON.parse(JSON.stringify(patch))), expected, name)
  t.same(merge({ spec: { strategy: { type: 'RollingUpdate', rollingUpdate: {} } } }, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }, DEPLOYMENT), { spec: { strategy: { type: 'Recreate' } } })
  t.end()
})

t.test('what is left alone is shared', (t) => {
  const original = freezeJSON({ ...containers(a, b), metadata: { labels: {} } })
  const merged = merge(original, containers({ name: 'b', image: 'x' })) as typeof original
  t.equal(merged.metadata, original.metadata)
  t.equal(merged.spec.containers[0], original.spec.containers[0])
  t.end()
})

t.test('what is refused', (t) => {
  const table: [object, string, number][] = [
    [containers({ image: 'x' }), 'map: map[image:x] does not contain declared merge key: name', 500],
    [containers({ name: 'a', $patch: 'frob' }), 'unknown patch type: frob in map: map[$patch:frob name:a]', 500],
    [{ $patch: 1 }, 'unknown patch type: %!s(int64=1) in map: map[$patch:1]', 500],
    [containers({ $patch: 'merge', name: 'a' }), 'merging lists cannot yet be specified in the patch', 500],
    [{ spec: { containers: [1] } }, 'list element types are not identical: [[map[image:a name:a] map[image:b name:b]] [1]]', 500],
    [{ spec: { '$setElementOrder/containers': 'x' } }, 'expected a []interface {}, but received a string', 500],
    [{ spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'a' }] } }, "The order in patch list:\n[map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:b]]\n", 500],
    [{ spec: { '$setElementOrder/zz': [] } }, 'unable to find api field in struct PodSpec for the json field "zz"', 500],
    [{ spec: { $setElementOrder: [] } }, 'invalid patch format of setElementOrder list', 400],
    [{ spec: { $deleteFromPrimitiveList: [] } }, 'invalid patch format of primitive list', 400],
    [{ spec: { $retainKeys: ['x'], nodeName: 'y' } }, 'invalid patch format of retainKeys', 400],
  ]
  for (const [patch, message, code] of table) t.throws(() => merge(containers(a, b), patch), Object.assign(new StrategicMergeError(message), { code }), message)
  t.end()
})
