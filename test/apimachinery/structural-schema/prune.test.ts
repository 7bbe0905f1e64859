import t from 'tap'
import { withDefaults } from '../../../src/apimachinery/structural-schema/defaults.ts'
import { coerceEmbedded, decodeMetaLeniently, validateEmbedded } from '../../../src/apimachinery/structural-schema/embedded-meta.ts'
import { validateListTypes } from '../../../src/apimachinery/structural-schema/list-types.ts'
import { prune } from '../../../src/apimachinery/structural-schema/prune.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { freezeJSON } from '../../../src/apimachinery/json.ts'

const text: Schema = { type: 'string' }
const integer: Schema = { type: 'integer' }
const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const embedded: Schema = { ...open, 'x-kubernetes-embedded-resource': true }

t.test('what a schema does not know goes, and is told', (t) => {
  const cases: [string, Schema, unknown, unknown, string[]][] = [
    ['a field', object({ a: text }), { a: 'x', b: 1 }, { a: 'x' }, ['b']],
    ['deep in lists and objects', object({ l: { type: 'array', items: object({ a: text }) } }), { l: [{ a: 'x', z: 1 }, { y: 2 }] }, { l: [{ a: 'x' }, {}] }, ['l[0].z', 'l[1].y']],
    ['in the values of a map', object({ m: { type: 'object', additionalProperties: object({ a: text }) } }), { m: { k: { a: 'x', b: 1 } } }, { m: { k: { a: 'x' } } }, ['m.k.b']],
    ['all that a map of anything holds', object({ m: { type: 'object', additionalProperties: true } }), { m: { k: { a: 1 }, n: 5 } }, { m: { k: {}, n: 5 } }, ['m.k.a']],
    ['nothing where unknown fields are kept', object({ p: open }), { p: { a: { b: [1] } } }, { p: { a: { b: [1] } } }, []],
    ['but what is known within is looked into', object({ p: { ...open, properties: { a: object({ b: text }) } } }), { p: { a: { b: 'x', c: 1 }, z: {} } }, { p: { a: { b: 'x' }, z: {} } }, ['p.a.c']],
    ['members of an embedded resource stay', object({ e: object({ spec: object({}) }, { 'x-kubernetes-embedded-resource': true }) }), { e: { kind: 'A', metadata: { x: 1 }, spec: { y: 1 }, z: 1 } }, { e: { kind: 'A', metadata: { x: 1 }, spec: {} } }, ['e.spec.y', 'e.z']],
    ['a value of another type is left to validation', object({ a: object({ b: text }) }), { a: 'x' }, { a: 'x' }, []],
    ['a null that is no value', object({ a: text, b: { ...text, nullable: true }, c: { ...text, default: 'x' } }), { a: null, b: null, c: null }, { b: null, c: null }, []],
  ]
  for (const [name, schema, value, expected, unknown] of cases) t.same(prune(freezeJSON(value), schema, false), { value: expected, unknown, hasUnknown: unknown.length > 0 }, name)
  t.end()
})

t.test('a resource keeps what every resource has', (t) => {
  const resource = freezeJSON({ apiVersion: 'a/v1', kind: 'A', metadata: { name: 'x', zip: 1 }, spec: { a: 'x' } })
  t.same(prune(resource, object({}), true), { value: { apiVersion: 'a/v1', kind: 'A', metadata: { name: 'x', zip: 1 } }, unknown: ['spec'], hasUnknown: true })
  t.equal(prune(resource, object({ spec: object({ a: text }) }), true).value, resource, 'shared where nothing goes')
  t.same(prune(resource, undefined, true).value, { apiVersion: 'a/v1', kind: 'A', metadata: { name: 'x', zip: 1 } }, 'nothing else without a schema')
  t.end()
})

t.test('defaults', (t) => {
  const nested = object({ deep: { ...text, default: 'x' } }, { default: {} })
  const cases: [string, Schema, unknown, unknown][] = [
    ['a member', object({ a: { ...integer, default: 1 } }), {}, { a: 1 }],
    ['not over a value', object({ a: { ...integer, default: 1 } }), { a: 0 }, { a: 0 }],
    ['over a null that may not be', object({ a: { ...integer, default: 1 } }), { a: null }, { a: 1 }],
    ['not over a null that may be', object({ a: { ...integer, default: 1, nullable: true } }), { a: null }, { a: null }],
    ['inside of a default', object({ n: nested }), {}, { n: { deep: 'x' } }],
    ['not without what they are in', object({ o: object({ a: { ...integer, default: 1 } }) }), {}, {}],
    ['in items', { type: 'array', items: object({ a: { ...integer, default: 1 } }) }, [{}, { a: 2 }], [{ a: 1 }, { a: 2 }]],
    ['in place of an item that is null', { type: 'array', items: { ...text, default: 'x' } }, [null, 'y'], ['x', 'y']],
    ['in the values of a map', object({ m: { type: 'object', additionalProperties: object({ a: { ...integer, default: 1 } }) } }), { m: { k: {} } }, { m: { k: { a: 1 } } }],
    ['a list', object({ l: { type: 'array', items: text, default: ['a'] } }), {}, { l: ['a'] }],
  ]
  for (const [name, schema, value, expected] of cases) t.same(withDefaults(freezeJSON(value), schema), expected, name)
  const value = freezeJSON({ a: 2 })
  t.equal(withDefaults(value, object({ a: { ...integer, default: 1 } })), value, 'shared where nothing is missing')
  const schema = object({ l: { type: 'array', items: text, default: ['a'] } })
  t.not((withDefaults({}, schema) as { l?: unknown }).l, schema.properties?.l?.default, 'a copy of the default')
  t.end()
})

t.test('embedded resources', (t) => {
  const schema = object({ e: embedded, l: { type: 'array', items: embedded }, m: { type: 'object', additionalProperties: embedded } })
  const coerced = coerceEmbedded(freezeJSON({ e: { kind: 'A', metadata: { name: 'x', zip: 1, labels: {} } }, l: [{ metadata: null }] }), schema, { dropsMalformed: false })
  t.same(coerced, { value: { e: { kind: 'A', metadata: { name: 'x' } }, l: [{ metadata: {} }] }, unknown: ['e.metadata.zip'] })
  const refused: [unknown, string][] = [
    [{ e: { kind: 5 } }, 'e.kind: Invalid value: 5: must be a string'],
    [{ m: { k: { apiVersion: [] } } }, 'm[k].apiVersion: Invalid value: []: must be a string'],
    [{ l: [{}, { metadata: 'x' }] }, 'l[1].metadata: Invalid value: "x": json: cannot unmarshal string into Go value of type v1.ObjectMeta'],
  ]
  for (const [value, message] of refused) t.throws(() => coerceEmbedded(value, schema, { dropsMalformed: false }), { message })
  t.same(coerceEmbedded({ e: { kind: 5, metadata: { name: 1, labels: { a: 'b' } } } }, schema, { dropsMalformed: true }).value, { e: { metadata: { labels: { a: 'b' } } } }, 'what is malformed goes where it was stored')
  t.same(decodeMetaLeniently('x').metadata, {})

  const lines = (value: unknown): string[] => validateEmbedded(value, schema).map((e) => `${e.field}: ${e.body}`)
  t.same(lines({ e: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } } }), [])
  t.same(lines({ e: {} }), ['e.apiVersion: Required value', 'e.kind: Required value'])
  t.same(lines({ e: { apiVersion: 'a/b/c', kind: '' } }), ['e.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c', 'e.kind: Invalid value: "": must not be empty'])
  t.match(lines({ e: { apiVersion: 'v1', kind: 'a_b' } })[0], /^e\.kind: Invalid value: "a_b": may have mixed case, but should otherwise match: /)
  t.same(lines({ m: { k: { apiVersion: 'v1', kind: 'A', metadata: { name: 'a/b' } } } }), ["m[k].metadata.name: Invalid value: \"a/b\": may not contain '/'"])
  t.end()
})

t.test('items of sets and maps stand there once', (t) => {
  const set = (items: Schema): Schema => ({ type: 'array', items, 'x-kubernetes-list-type': 'set' })
  const map = (...keys: string[]): Schema => ({ type: 'array', items: object({ k: text, p: integer }), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys })
  const cases: [string, Schema, unknown[], string[]][] = [
    ['scalars', set(text), ['a', 'b', 'a', 'a'], ['v[2]: Duplicate value: "a"']],
    ['a number is no text', set(text), ['1', 1], []],
    ['objects, whatever the order of their members', set(open), [{ a: 1, b: 2 }, { b: 2, a: 1 }], ['v[1]: Duplicate value: {"b":2,"a":1}']],
    ['a key', map('k'), [{ k: 'x', p: 1 }, { k: 'y' }, { k: 'x' }], ['v[2]: Duplicate value: {"k":"x"}']],
    ['several keys', map('p', 'k'), [{ k: 'x', p: 1 }, { k: 'x', p: 2 }, { k: 'x', p: 1 }], ['v[2]: Duplicate value: {"k":"x","p":1}']],
    ['no key at all', map('k'), [{}, { p: 1 }], ['v[1]: Duplicate value: {}']],
    ['what is no object', map('k'), [{ k: 'x' }, 'x'], ['v[1]: Invalid value: "x": must be an object for an array of list-type map']],
  ]
  for (const [name, schema, value, lines] of cases) t.same(validateListTypes({ v: value }, object({ v: schema })).map((e) => `${e.field}: ${e.body}`), lines, name)
  const inMap: Schema = object({ m: { type: 'object', additionalProperties: set(text) } })
  t.same(validateListTypes({ m: { k: ['a', 'a'] } }, inMap).map((e) => e.field), ['m[k][1]'])
  t.end()
})
