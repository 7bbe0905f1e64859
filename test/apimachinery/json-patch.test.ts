import t from 'tap'
import { applyJSONPatch, decodeJSONPatch, type JSONPatchOperation } from '../../src/apimachinery/json-patch.ts'
import { freezeJSON } from '../../src/apimachinery/json.ts'
import { applyMergePatch } from '../../src/apimachinery/merge-patch.ts'
import { ParseError } from '../../src/apimachinery/parse-error.ts'

const document = () => freezeJSON({ a: { b: [1, 2, 3], 'x/y': 1, n: null }, s: 'x', o: { p: {} } })
const apply = (...operations: JSONPatchOperation[]) => applyJSONPatch(document(), operations)

t.test('operations', (t) => {
  const { a, s, o } = document()
  const table: [string, JSONPatchOperation[], unknown][] = [
    ['add a member', [{ op: 'add', path: '/c', value: 1 }], { a, s, o, c: 1 }],
    ['add without a value', [{ op: 'add', path: '/c' }], { a, s, o, c: null }],
    ['add in front', [{ op: 'add', path: '/a/b/0', value: 0 }], { a: { ...a, b: [0, 1, 2, 3] }, s, o }],
    ['add at the end', [{ op: 'add', path: '/a/b/-', value: 4 }], { a: { ...a, b: [1, 2, 3, 4] }, s, o }],
    ['add counts from the end', [{ op: 'add', path: '/a/b/-1', value: 4 }], { a: { ...a, b: [1, 2, 3, 4] }, s, o }],
    ['a path without its slash', [{ op: 'add', path: 'a/c', value: 1 }], { a, s, o, c: 1 }],
    ['replace what is missing', [{ op: 'replace', path: '/c', value: 1 }], { a, s, o, c: 1 }],
    ['replace all', [{ op: 'replace', path: '', value: { z: 1 } }], { z: 1 }],
    ['remove the last', [{ op: 'remove', path: '/a/b/-1' }], { a: { ...a, b: [1, 2] }, s, o }],
    ['escapes', [{ op: 'move', from: '/a/x~1y', path: '/o/~0' }], { a: { b: [1, 2, 3], n: null }, s, o: { p: {}, '~': 1 } }],
    ['copy is deep', [{ op: 'copy', from: '/o', path: '/q' }, { op: 'add', path: '/q/p/r', value: 1 }], { a, s, o, q: { p: { r: 1 } } }],
    ['test of null and of nothing', [{ op: 'test', path: '/a/n', value: null }, { op: 'test', path: '/zz', value: null }, { op: 'test', path: '/a/b', value: [1, 2, 3] }], { a, s, o }],
  ]
  for (const [name, operations, expected] of table) t.same(apply(...operations), expected, name)
  t.end()
})

t.test('what does not apply', (t) => {
  const table: [JSONPatchOperation, string][] = [
    [{ op: 'frob', path: '/a' }, 'Unexpected kind: frob'],
    [{ op: 'add', path: '/zz/x', value: 1 }, 'add operation does not apply: doc is missing path: "/zz/x": missing value'],
    [{ op: 'add', path: '/s/x', value: 1 }, 'add operation does not apply: doc is missing path: "/s/x": missing value'],
    [{ op: 'add', path: '/a/b/5', value: 1 }, "error in add for path: '/a/b/5': Unable to access invalid index: 5: invalid index referenced"],
    [{ op: 'remove', path: '/zz' }, "error in remove for path: '/zz': Unable to remove nonexistent key: zz: missing value"],
    [{ op: 'remove', path: '/a/b/x' }, `error in remove for path: '/a/b/x': strconv.Atoi: parsing "x": invalid syntax`],
    [{ op: 'replace', path: '/a/b/9', value: 1 }, 'replace operation does not apply: doc is missing key: /a/b/9: missing value'],
    [{ op: 'test', path: '/s', value: 'y' }, 'testing value /s failed: test failed'],
    [{ op: 'test', path: '/constructor', value: {} }, 'testing value /constructor failed: test failed'],
    [{ op: 'move', from: '/zz', path: '/y' }, "error in move for path: 'zz': Unable to remove nonexistent key: zz: missing value"],
    [{ op: 'copy', path: '/y' }, 'copy operation failed to decode from: operation, missing from field: missing value'],
  ]
  for (const [operation, message] of table) t.throws(() => apply(operation), new ParseError(message), JSON.stringify(operation))
  t.end()
})

t.test('reading a patch', (t) => {
  t.same(decodeJSONPatch([{ op: 'add', path: '/a', value: null, x: 1 }]), { operations: [{ op: 'add', path: '/a', from: undefined, value: null }], strictErrors: ['unknown field "[0].x"'] })
  t.throws(() => decodeJSONPatch({}), new ParseError('json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'))
  t.throws(() => decodeJSONPatch(['x']), new ParseError('json: cannot unmarshal string into Go value of type handlers.jsonPatchOp'))
  t.throws(() => decodeJSONPatch([{ op: 1 }]), new ParseError('json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string'))
  t.end()
})

t.test('merge patches', (t) => {
  const table: [Record<string, unknown>, unknown, unknown][] = [
    [{ a: 1, b: { c: 1, d: 2 } }, { b: { c: null, e: 3 } }, { a: 1, b: { d: 2, e: 3 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{ a: 1 }, { a: { b: null, c: { d: null } } }, { a: { c: {} } }],
    [{}, { a: [{ b: null }, null] }, { a: [{}, null] }],
    [{ a: {} }, { a: [{ b: null }] }, { a: [{ b: null }] }],
    [{ a: 1 }, { __proto__x: null, zz: null }, { a: 1 }],
  ]
  for (const [original, patch, expected] of table) t.same(applyMergePatch(freezeJSON(original), patch), expected, JSON.stringify(patch))
  const original = freezeJSON({ a: { b: 1 }, c: {} })
  t.equal(applyMergePatch(original, { c: { d: 1 } }).a, original.a, 'what the patch leaves alone is shared')
  t.throws(() => applyMergePatch({}, null), new ParseError('Invalid JSON Patch'))
  t.throws(() => applyMergePatch({}, [1]), new ParseError('json: cannot unmarshal array into Go value of type map[string]interface {}'))
  t.end()
})
