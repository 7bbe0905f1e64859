import t from 'tap'
import { findField } from '../../../src/apimachinery/structural-schema/field-path.ts'
import { knownFormat, unknownFormats } from '../../../src/apimachinery/structural-schema/formats.ts'
import { prune } from '../../../src/apimachinery/structural-schema/prune.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { validateStructural, whyNotReadable } from '../../../src/apimachinery/structural-schema/structural.ts'

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const string: Schema = { type: 'string' }

t.test('what is pruned', (t) => {
  const keep: Schema = { 'x-kubernetes-preserve-unknown-fields': true }
  const cases: [string, Schema, unknown, unknown, string[]][] = [
    ['unknown members', object({ a: string }), { a: '1', b: 2 }, { a: '1' }, ['b']],
    ['within lists', object({ l: { type: 'array', items: object({ a: string }) } }), { l: [{ a: '1', b: 2 }, { c: 3 }] }, { l: [{ a: '1' }, {}] }, ['l[0].b', 'l[1].c']],
    ['within maps', object({ m: { type: 'object', additionalProperties: object({ a: string }) } }), { m: { x: { a: '1', b: 2 } } }, { m: { x: { a: '1' } } }, ['m.x.b']],
    ['not where they are kept', object({ s: object({ a: string }, keep) }), { s: { b: 2, a: '1' } }, { s: { b: 2, a: '1' } }, []],
    ['but what is specified there', object({ s: object({ a: object({}) }, keep) }), { s: { b: { c: 1 }, a: { c: 1 } } }, { s: { b: { c: 1 }, a: {} } }, ['s.a.c']],
    ['not what a resource has', object({}), { apiVersion: 'v1', kind: 'X', metadata: { name: 'a' }, b: 1 }, { apiVersion: 'v1', kind: 'X', metadata: { name: 'a' } }, ['b']],
    ['embedded resources too', object({ e: object({}, { 'x-kubernetes-embedded-resource': true }) }), { e: { kind: 'X', metadata: {}, b: 1 } }, { e: { kind: 'X', metadata: {} } }, ['e.b']],
    ['names of object members are no members', object({ a: string }), { toString: 1, constructor: 2 }, {}, ['constructor', 'toString']],
  ]
  for (const [name, schema, value, left, removed] of cases) {
    const before = structuredClone(value)
    const pruned = prune(value, schema, true)
    t.same(pruned.value, left, name)
    t.same([...pruned.unknown].sort(), removed, name)
    t.same(value, before, 'what is given stays as it is')
  }
  t.end()
})

t.test('what keeps a schema from being read', (t) => {
  const cases: [Schema | undefined, string | undefined][] = [
    [undefined, undefined],
    [object({ a: string }), undefined],
    [object({ a: { $ref: 'x' } }), "OpenAPIV3Schema '$ref' is not supported"],
    [object({}, { patternProperties: { a: string } }), "OpenAPIV3Schema 'patternProperties' is not supported"],
    [object({}, { not: { id: 'x' } }), "OpenAPIV3Schema 'id' is not supported"],
    [{ type: 'array', items: [string] as never }, "OpenAPIV3Schema 'items' must be a schema, but is an array"],
  ]
  for (const [schema, why] of cases) t.equal(whyNotReadable(schema), why)
  t.end()
})

t.test('what is not structural', (t) => {
  const cases: [string, Schema, string[]][] = [
    ['it is', object({ a: string, b: { 'x-kubernetes-int-or-string': true }, c: { type: 'array', items: string }, d: { 'x-kubernetes-preserve-unknown-fields': true } }), []],
    ['what a junctor says by reference, even nothing', object({ a: { ...string, anyOf: [{ default: '' as never }, { default: [] as never }, { nullable: false, title: '', 'x-kubernetes-list-map-keys': [] }] } }), [
      'x.properties[a].anyOf[0].default: Forbidden: must be undefined to be structural',
      'x.properties[a].anyOf[1].default: Forbidden: must be undefined to be structural',
    ]],
    ['no types', { properties: { a: {}, b: { type: 'array', items: {} } } }, [
      'x.properties[a].type: Required value: must not be empty for specified object fields',
      'x.properties[b].items.type: Required value: must not be empty for specified array items',
      'x.type: Required value: must not be empty at the root',
    ]],
    ['open at the root', { type: 'object', additionalProperties: true }, ['x.additionalProperties: Forbidden: must not be used at the root']],
    ['descriptions in junctors', object({ a: { type: 'string', not: { description: 'x', type: 'string' } } }), [
      'x.properties[a].not.description: Forbidden: must be empty to be structural',
      'x.properties[a].not.type: Forbidden: must be empty to be structural',
    ]],
    ['int-or-string may say so', object({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } }), []],
    ['or within all of', object({ a: { 'x-kubernetes-int-or-string': true, allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: 'x' }] } }), []],
    ['specified in junctors only', object({ a: object({}) }, { anyOf: [{ required: ['b'] }, { properties: { a: { properties: { b: { pattern: 'x' } } } } }] }), [
      'x.properties[a].properties[b]: Required value: because it is defined in x.anyOf[1].properties[a].properties[b]',
    ]],
    ['items in junctors only', object({ a: object({}) }, { not: { allOf: [{ properties: { a: { items: { pattern: 'x' } } } }] } }), ['x.properties[a].items: Required value: because it is defined in x.not.allOf[0].properties[a].items']],
    ['kinds that are no texts', object({ kind: { type: 'integer' } }), ['x.properties[kind].type: Invalid value: "integer": must be string']],
    ['metadata with rules of its own', object({ metadata: { type: 'object', properties: { name: { type: 'string', pattern: 'x' }, labels: { type: 'object' } } } }), [
      'x.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    ]],
    ['embedded without type', object({ a: { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true } }), ['x.properties[a].type: Required value: must be object if x-kubernetes-embedded-resource is true']],
  ]
  for (const [name, schema, expected] of cases) t.same(validateStructural(schema, 'x').map((e) => `${e.field}: ${e.body}`), expected, name)
  t.end()
})

t.test('paths into a schema', (t) => {
  const schema = object({ spec: object({ a: string, 'b.c': string, m: { type: 'object', additionalProperties: string } }) })
  const cases: [string, string | { error: string }][] = [
    ['.spec.a', 'spec.a'],
    [".spec['b.c']", 'spec.b.c'],
    [".spec.m['k']", 'spec.m[k]'],
    ['', ''],
    ['.spec.x', { error: 'does not refer to a valid field' }],
    ['.spec.a.b', { error: 'does not refer to a valid field' }],
    ['spec', { error: 'expected [ or . but got: spec' }],
    ['.spec.', { error: 'unexpected end of JSON path' }],
    ['.spec[a]', { error: 'expected single quoted string but got a' }],
    [".spec['a'", { error: 'unexpected end of JSON path' }],
    [".spec['a'.", { error: 'expected ] but got .' }],
  ]
  for (const [path, expected] of cases) {
    const found = findField(schema, path)
    t.same('error' in found ? found : found.path, expected, path)
  }
  t.same(findField(schema, ".spec['a']", { allowsBrackets: false }), { error: 'array notation is not allowed' })
  t.end()
})

t.test('formats', (t) => {
  t.equal(knownFormat({ type: 'string', format: 'date-time' }), 'datetime')
  t.equal(knownFormat({ format: 'uuid' }), 'uuid')
  t.equal(knownFormat({ type: 'integer', format: 'int64' }), 'int64')
  t.equal(knownFormat({ type: 'integer', format: 'double' }), undefined)
  t.equal(knownFormat({ type: 'string', format: 'int64' }), undefined)
  t.same(unknownFormats(object({ a: { type: 'string', format: 'x' }, b: { type: 'array', items: { type: 'string', format: 'y' } }, c: { type: 'string', format: 'ipv4' } })).sort(), ['x', 'y'])
  t.end()
})
