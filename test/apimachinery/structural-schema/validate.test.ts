import t from 'tap'
import { validateDefaults } from '../../../src/apimachinery/structural-schema/default-validation.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { hasFormat } from '../../../src/apimachinery/structural-schema/string-formats.ts'
import { validateValue } from '../../../src/apimachinery/structural-schema/validate.ts'
import { goFloat } from '../../../src/errors.ts'

const text: Schema = { type: 'string' }
const integer: Schema = { type: 'integer' }
const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({ type: 'object', properties, ...more })
const linesOf = (value: unknown, schema: Schema, { base, old }: { base?: string; old?: unknown } = {}): string[] =>
  validateValue(value, schema, { ...(base === undefined ? {} : { base }), ...(old === undefined ? {} : { old: { old, schema } }) }).map((e) => `${e.field}: ${e.body}`)
/** Of a member `a`, where its findings stand in place of the path. */
const ofMember = (value: unknown, schema: Schema): string[] => linesOf({ a: value }, object({ a: schema }))

t.test('types', (t) => {
  const cases: [unknown, Schema, string?][] = [
    ['x', text],
    [1, text, 'integer'],
    [1.5, text, 'number'],
    [true, text, 'boolean'],
    [[], text, 'array'],
    [{}, text, 'object'],
    [null, text, 'null'],
    [null, { ...text, nullable: true }],
    [null, {}],
    [1, integer],
    [1, { type: 'number' }],
    ['1', integer, 'string'],
    [1, { 'x-kubernetes-int-or-string': true }],
    ['1', { 'x-kubernetes-int-or-string': true }],
  ]
  for (const [value, schema, given] of cases) {
    t.same(ofMember(value, schema), given ? [`a: Invalid value: "${given}": a in body must be of type ${schema.type}: "${given}"`] : [], JSON.stringify([value, schema]))
  }
  t.same(ofMember(true, { 'x-kubernetes-int-or-string': true }), ['a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"'])
  t.same(ofMember(true, { type: 'integer', format: 'int32' }), ['a: Invalid value: "": a in body must be of type int32: ""'], 'by the format where there is one')
  t.same(linesOf('x', integer), ['<nil>: Invalid value: "string":  in body must be of type integer: "string"'], 'the whole')
  t.same(linesOf({ a: 1 }, object({ a: text }), { base: 'x.default' }), ['x.default.a: Invalid value: "integer": a in body must be of type string: "integer"'])
  t.end()
})

t.test('bounds', (t) => {
  const cases: [string, unknown, Schema, ...string[]][] = [
    ['short', 'é', { ...text, minLength: 2 }, 'a: Invalid value: "é": a in body should be at least 2 chars long'],
    ['long', 'ééé', { ...text, maxLength: 2 }, 'a: Too long: may not be more than 2 bytes'],
    ['characters, not bytes', 'éé', { ...text, maxLength: 2, minLength: 2 }],
    ['no match', 'B', { ...text, pattern: '^[a-z]+$' }, "a: Invalid value: \"B\": a in body should match '^[a-z]+$'"],
    ['a broken pattern', 'B', { ...text, pattern: '(' }, "a: Invalid value: \"B\": a in body should match '(, but pattern is invalid: error parsing regexp: missing closing ): `(`'"],
    ['small', 0, { ...integer, minimum: 1 }, 'a: Invalid value: 0: a in body should be greater than or equal to 1'],
    ['exclusive', 1, { ...integer, minimum: 1, exclusiveMinimum: true }, 'a: Invalid value: 1: a in body should be greater than 1'],
    ['large', 2.5, { type: 'number', maximum: 2 }, 'a: Invalid value: 2.5: a in body should be less than or equal to 2'],
    ['integers and fractions', 2, { type: 'number', maximum: 1.5 }, 'a: Invalid value: 2: a in body should be less than or equal to 1'],
    ['no multiple', 3, { ...integer, multipleOf: 2 }, 'a: Invalid value: 3: a in body should be a multiple of 2'],
    ['a multiple but for what floats lose', 0.3, { type: 'number', multipleOf: 0.1 }],
    ['no multiple of a fraction', 0.35, { type: 'number', multipleOf: 0.1 }, 'a: Invalid value: 0.35: a in body should be a multiple of 0.1'],
    ['out of its format', 3_000_000_000, { ...integer, format: 'int32' }, '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in a'],
    ['no integer', 1.5, integer, 'a: Invalid value: "number": a in body must be of type integer: "number"', '<nil>: Invalid value: "": Checked value must be of type integer (default format) in a'],
    ['few items', [], { type: 'array', items: text, minItems: 1 }, 'a: Invalid value: 0: a in body should have at least 1 items'],
    ['many items', ['x', 'y'], { type: 'array', items: text, maxItems: 1 }, 'a: Too many: 2: must have at most 1 item'],
    ['few members', {}, { type: 'object', minProperties: 1 }, 'a: Invalid value: 0: a in body should have at least 1 properties'],
    ['many members', { x: 1, y: 2 }, { type: 'object', maxProperties: 1 }, 'a: Too many: 2: must have at most 1 item'],
    ['none of these', 'c', { ...text, enum: ['a', 'b'] }, 'a: Unsupported value: "c": supported values: "a", "b"'],
    ['none of those', 3, { ...integer, enum: [1, 2] }, 'a: Unsupported value: 3: supported values: "1", "2"'],
    ['null is never one', null, { ...text, nullable: true, enum: [null] }, 'a: Unsupported value: null: supported values: "null"'],
  ]
  for (const [name, value, schema, ...lines] of cases) t.same(ofMember(value, schema), lines, name)
  t.end()
})

t.test('members and items', (t) => {
  const schema = object({ l: { type: 'array', items: object({ n: integer }, { required: ['n', 'm'] }) } }, { required: ['x'] })
  t.same(linesOf({ l: [{ n: 'a' }] }, schema), ['l[0].n: Invalid value: "string": l[0].n in body must be of type integer: "string"', 'l[0].m: Required value', 'x: Required value'])
  const open = { type: 'object', additionalProperties: integer }
  t.same(linesOf({ b: 'x', a: 'y' }, object({ m: open })), [])
  t.same(linesOf({ m: { b: 'x', a: 1 } }, object({ m: open })), ['m.b: Invalid value: "string": m.b in body must be of type integer: "string"'])
  t.same(linesOf({ m: { b: 1 } }, object({ m: { type: 'object', additionalProperties: false } })), ['m: Invalid value: "b": m.b in body is a forbidden property'])
  t.end()
})

t.test('junctors tell of the best alternative', (t) => {
  const a = object({ k: { enum: ['a'] }, x: integer }, { required: ['x'] })
  const b = object({ k: { enum: ['b'] }, y: integer }, { required: ['y'] })
  const value = { k: 'b', x: 1 }
  t.same(linesOf({ v: { k: 'b', y: 1 } }, object({ v: { type: 'object', anyOf: [a, b] } })), [])
  t.same(linesOf({ v: value }, object({ v: { type: 'object', anyOf: [a, b] } })), [
    '<nil>: Invalid value: "": "v" must validate at least one schema (anyOf)',
    'v.k: Unsupported value: "b": supported values: "a"',
  ])
  t.same(linesOf({ v: {} }, object({ v: { type: 'object', oneOf: [{ required: ['p'] }, { required: ['q'] }] } })), [
    '<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found none valid',
    'v.p: Required value',
  ])
  t.same(linesOf({ v: { p: 1, q: 1 } }, object({ v: { type: 'object', oneOf: [{ required: ['p'] }, { required: ['q'] }] } })), [
    '<nil>: Invalid value: "": "v" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ])
  t.same(linesOf({ v: 5 }, object({ v: { ...integer, allOf: [{ minimum: 6 }, { maximum: 9 }] } })), [
    'v: Invalid value: 5: v in body should be greater than or equal to 6',
    '<nil>: Invalid value: "": "v" must validate all the schemas (allOf)',
  ])
  t.same(linesOf({ v: 5 }, object({ v: { ...integer, not: { minimum: 1 } } })), ['<nil>: Invalid value: "": "v" must not validate the schema (not)'])
  t.end()
})

t.test('what was wrong before and did not change is let pass', (t) => {
  const schema = object({
    a: { ...text, maxLength: 1 },
    o: object({ x: integer, y: integer }, { required: ['z'] }),
    m: { type: 'array', items: object({ k: text, v: integer }), 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] },
    l: { type: 'array', items: integer },
    kind: { ...text, enum: ['X'] },
  })
  const cases: [string, object, object, string[]][] = [
    ['a value', { a: 'xx' }, { a: 'xx' }, []],
    ['a changed value', { a: 'yy' }, { a: 'xx' }, ['a: Too long: may not be more than 1 byte']],
    ['a value beside a changed one', { o: { x: 'a', y: 2, z: 1 } }, { o: { x: 'a', y: 1, z: 1 } }, []],
    ['but not its surroundings', { o: { x: 1 } }, { o: { x: 2 } }, ['o.z: Required value']],
    ['items of maps, wherever they stand', { m: [{ k: 'b', v: 'x' }, { k: 'a', v: 'y' }] }, { m: [{ k: 'a', v: 'y' }] }, ['m[0].v: Invalid value: "string": m[0].v in body must be of type integer: "string"']],
    ['not items of lists', { l: ['x', 1] }, { l: ['x'] }, ['l[0]: Invalid value: "string": l[0] in body must be of type integer: "string"']],
    ['lists that did not change', { l: ['x'] }, { l: ['x'] }, []],
    ['never what names the type', { kind: 'Y', a: 'b' }, { kind: 'Y' }, ['kind: Unsupported value: "Y": supported values: "X"']],
  ]
  for (const [name, value, old, lines] of cases) t.same(linesOf(value, schema, { old }), lines, name)
  t.end()
})

t.test('formats', (t) => {
  const table: Record<string, { good: string[]; bad: string[] }> = {
    bsonobjectid: { good: ['507f1f77bcf86cd799439011'], bad: ['507f1f77bcf86cd79943901', 'x'.repeat(24)] },
    uri: { good: ['https://a/b', '/a', 'mailto:x'], bad: ['', 'a b', 'a/b'] },
    email: { good: ['a@b.c', 'Ann <a@b.c>', '"a b"@c'], bad: ['a', 'a@', '@b', 'a b@c', 'a@b@c'] },
    hostname: { good: ['a', 'a.example.com', '1a.example.com'], bad: ['', '-a', 'a_b', `${'a'.repeat(64)}.com`] },
    ipv4: { good: ['1.2.3.4', '01.2.3.4'], bad: ['1.2.3', '::1', '256.1.1.1'] },
    ipv6: { good: ['::1', '::ffff:1.2.3.4'], bad: ['1.2.3.4', ':::'] },
    cidr: { good: ['10.0.0.0/8', '::/0'], bad: ['10.0.0.0', '10.0.0.0/33'] },
    mac: { good: ['01:23:45:67:89:ab', '01-23-45-67-89-ab-cd-ef', '0123.4567.89ab'], bad: ['01:23:45:67:89', '01:23-45:67:89:ab', '0123.4567'] },
    uuid: { good: ['12345678-1234-1234-1234-123456789ABC', '12345678123412341234123456789abc'], bad: ['x', '12345678-1234-1234-1234-123456789ab'] },
    uuid4: { good: ['12345678-1234-4234-8234-123456789abc'], bad: ['12345678-1234-1234-8234-123456789abc', '12345678-1234-4234-c234-123456789abc'] },
    isbn10: { good: ['0-321-75104-3', '080442957X'], bad: ['0321751044', '978-0321751041'] },
    isbn: { good: ['978-0321751041', '0321751043'], bad: ['978-0321751042'] },
    creditcard: { good: ['4111 1111 1111 1111'], bad: ['4111111111111112', '1234'] },
    ssn: { good: ['123-45-6789'], bad: ['123456789'] },
    hexcolor: { good: ['#fff', 'A0B1C2'], bad: ['#ffff'] },
    rgbcolor: { good: ['rgb(0, 128,255)'], bad: ['rgb(0,0,256)', 'rgb(0,0)'] },
    byte: { good: ['YQ==', 'YWJj'], bad: ['', 'YQ', 'Y\\=='] },
    password: { good: ['', 'anything'], bad: [] },
    date: { good: ['2024-02-29', '0000-01-01'], bad: ['2023-02-29', '2023-13-01', '2023-1-1'] },
    'date-time': { good: ['2020-01-02T03:04:05Z', '2020-01-02t03:04:05.678+01:00'], bad: ['2020-01-02', '2020-01-02T24:00:00Z', '2020-01-02T03:04:05'] },
    duration: { good: ['1h30m', '22 ns', '3 days', '2 WEEKS'], bad: ['', '3', '3 parsecs'] },
    'k8s-short-name': { good: ['a-1'], bad: ['A', 'a.b', 'a'.repeat(64)] },
    'k8s-long-name': { good: ['a.b-1', 'a'.repeat(64)], bad: ['a..b', 'A', 'a'.repeat(254)] },
  }
  for (const [format, { good, bad }] of Object.entries(table)) {
    for (const value of good) t.ok(hasFormat(value, format.replaceAll('-', '')), `${format} ${value}`)
    for (const value of bad) t.notOk(hasFormat(value, format.replaceAll('-', '')), `${format} ${value}`)
  }
  t.same(ofMember('x', { ...text, format: 'date-time' }), ['a: Invalid value: "x": a in body must be of type date-time: "x"'])
  t.same(ofMember('x', { ...text, format: 'unheard-of' }), [])
  t.end()
})

t.test('floats as Go prints them', (t) => {
  for (const [value, expected] of [[0, '0'], [1.5, '1.5'], [100000, '100000'], [1000000, '1e+06'], [1234567.5, '1.2345675e+06'], [0.0001, '0.0001'], [0.00001, '1e-05'], [-2, '-2']] as const) t.equal(goFloat(value), expected)
  t.end()
})

t.test('defaults are what their schemas ask for', (t) => {
  const schema = object({
    good: { ...integer, default: 1 },
    wrong: { ...integer, default: 'x' },
    unknown: object({ a: integer }, { default: { a: 'x', b: 1 } }),
    list: { type: 'array', items: { ...text, default: 'ab', maxLength: 1 } },
  })
  t.same(validateDefaults(schema, 'x').map((e) => `${e.field}: ${e.body}`), [
    'x.properties[list].items.default: Too long: may not be more than 1 byte',
    'x.properties[unknown].default: Invalid value: {"a":"x","b":1}: must not have unknown fields',
    'x.properties[unknown].default.a: Invalid value: "string": a in body must be of type integer: "string"',
    'x.properties[wrong].default: Invalid value: "string":  in body must be of type integer: "string"',
  ])
  t.end()
})

t.test('defaults that upstream does not look at closely', (t) => {
  const either = { 'x-kubernetes-int-or-string': true }
  for (const [schema, expected] of [
    [{ ...either, default: true }, []],
    [{ type: 'object', properties: { a: { type: 'object', additionalProperties: either } }, default: { a: { x: 1.5 } } }, []],
    [{ type: 'array', items: either, default: [[]] }, []],
    [{ type: 'string', maxLength: -1, default: 'a' }, ['x.properties[p].default: Too long: value is too long']],
    [{ type: 'array', items: { type: 'string' }, maxItems: -1, default: [] }, ['x.properties[p].default: Too many: 0: has too many items']],
  ] as const) {
    t.same(validateDefaults({ type: 'object', properties: { p: schema as Schema } }, 'x').map((e) => `${e.field}: ${e.body}`), expected, JSON.stringify(schema))
  }
  t.end()
})
