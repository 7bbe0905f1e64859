import t from 'tap'
import { below, decodeSet, hasMember, hasPath, intersectSets, membersOf, subtractSet, subtractTrees, unionSets, withNamedFields, type FieldSet } from '../../src/apimachinery/field-set.ts'
import { freezeJSON } from '../../src/apimachinery/json.ts'
import { mergeTypeOf } from '../../src/apimachinery/merge-type.ts'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { compareElements, elementText, itemElement, pathText } from '../../src/apimachinery/path-element.ts'

const a = freezeJSON({ 'f:m': { '.': {}, 'f:x': {}, 'f:y': {} }, 'f:s': { 'f:r': {} } }) as FieldSet
const b = freezeJSON({ 'f:m': { 'f:x': {} }, 'f:s': {}, 'f:z': {} }) as FieldSet

t.test('operations', (t) => {
  t.same(unionSets(a, b), { 'f:m': { '.': {}, 'f:x': {}, 'f:y': {} }, 'f:s': { '.': {}, 'f:r': {} }, 'f:z': {} })
  t.same(unionSets(b, a), unionSets(a, b))
  t.same(intersectSets(a, b), { 'f:m': { 'f:x': {} } })
  t.same(subtractSet(a, b), { 'f:m': { '.': {}, 'f:y': {} }, 'f:s': { 'f:r': {} } }, 'what lies below a member stays')
  t.same(subtractSet(b, a), { 'f:s': {}, 'f:z': {} })
  t.same(subtractTrees(a, b), { 'f:m': { '.': {}, 'f:y': {} } }, 'what lies below a member goes too')
  t.equal(unionSets(a, {}), a)
  t.equal(subtractSet(a, { 'f:q': {}, 'f:m': { 'f:q': {} } }), a, 'a set that loses nothing is the same one')
  t.end()
})

t.test('what is in a set', (t) => {
  t.same([hasMember(a, 'f:m'), hasMember(a, 'f:s'), hasMember(a, 'f:q')], [true, false, false])
  t.same([hasPath(a, ['f:m', 'f:x']), hasPath(a, ['f:s']), hasPath(a, [])], [true, false, false])
  t.same(below(a, 'f:m'), { 'f:x': {}, 'f:y': {} })
  t.equal(below(b, 'f:z'), undefined)
  const set = { 'f:spec': { 'f:ports': { 'k:{"port":443}': { '.': {}, 'f:name': {} }, 'k:{"port":80}': {} } }, 'f:a': {} }
  t.same(membersOf(set).map(pathText), ['.a', '.spec.ports[port=80]', '.spec.ports[port=443]', '.spec.ports[port=443].name'])
  t.same(withNamedFields({ 'f:spec': { 'f:containers': { 'k:{"name":"c"}': { 'f:image': {} } } }, 'f:metadata': { 'f:labels': { 'f:a': {} } } }, mergeTypeOf('io.k8s.api.core.v1.Pod')), {
    'f:spec': { '.': {}, 'f:containers': { '.': {}, 'k:{"name":"c"}': { 'f:image': {} } } },
    'f:metadata': { '.': {}, 'f:labels': { '.': {}, 'f:a': {} } },
  })
  t.end()
})

t.test('sets from outside', (t) => {
  const canonical = { 'f:a': { '.': {}, 'k:{"a":"x","b":1}': {}, 'v:"s"': {} } }
  t.equal(decodeSet(canonical), canonical)
  t.same(decodeSet({ 'f:a': { '.': {}, 'k:{"b":1, "a":"x"}': {}, 'v: "s"': null, 'q:new': {} } }), canonical)
  t.same(decodeSet(undefined), {})
  t.throws(() => decodeSet({ fa: {} }), new ParseError('missing colon: fa'))
  t.throws(() => decodeSet([]), new ParseError('expect { or n, but found something else'))
  t.end()
})

t.test('elements', (t) => {
  const ports = mergeTypeOf('io.k8s.api.core.v1.ServiceSpec').map?.fields.get('ports')?.type.list
  if (!ports) return t.fail('a service has a list of ports')
  t.equal(itemElement(ports, { port: 80 }), 'k:{"port":80,"protocol":"TCP"}', 'a key that has a default')
  t.throws(() => itemElement(ports, 'x'), new ParseError('associative list with keys may not have non-map elements'))
  const set = { element: { scalar: 'string' }, isAtomic: false, keys: [] } as const
  t.equal(itemElement(set, '<a>'), 'v:"\\u003ca\\u003e"')
  t.throws(() => itemElement(set, {}), new ParseError("associative list without keys has an element that's a map type"))
  t.same(['f:a', 'k:{"n":"x","p":1}', 'v:"s"', 'v:1.5', 'i:3'].map(elementText), ['.a', '[n="x",p=1]', '[="s"]', '[=1.5]', '[3]'])
  const order = ['f:a', 'f:b', 'k:{"a":2}', 'k:{"a":10}', 'v:2', 'v:"a"', 'i:2', 'i:10']
  t.same([...order].reverse().sort(compareElements), order)
  t.end()
})
