import t from 'tap'
import type { JSONSchemaProps } from '../../../schemas/types.ts'
import { compileRules } from '../../../src/apimachinery/structural-schema/rules.ts'

const spec = (properties: Record<string, JSONSchemaProps>, ...rules: NonNullable<JSONSchemaProps['x-kubernetes-validations']>): JSONSchemaProps => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...(rules.length ? { 'x-kubernetes-validations': rules } : {}) } },
})

function errors(schema: JSONSchemaProps, value: object, old?: object): string[] {
  const rules = compileRules(schema)
  return rules?.validate({ spec: value }, old && { spec: old }).map((e) => `${e.field}: ${e.body}`) ?? ['no rules']
}

const MIN_MAX = spec({ min: { type: 'integer' }, max: { type: 'integer' } }, { rule: 'self.min <= self.max', message: 'min over max' })
const NAME = spec({ name: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'immutable' }, { rule: "self != 'bad'" }] } })

t.test('rules', async (t) => {
  t.equal(compileRules(spec({ a: { type: 'string' } })), undefined, 'none')
  t.same(errors(MIN_MAX, { min: 1, max: 2 }), [])
  t.same(errors(MIN_MAX, { min: 3, max: 2 }), ['spec: Invalid value: min over max'])
  t.same(errors(MIN_MAX, { min: 3 }), ['spec: Invalid value: "object": no such key: max evaluating rule: min over max'])
  t.same(errors(NAME, { name: 'bad' }), ['spec.name: Invalid value: "bad": failed rule: self != \'bad\''])
})

t.test('transition rules', async (t) => {
  t.same(errors(NAME, { name: 'b' }, { name: 'a' }), ['spec.name: Invalid value: "b": immutable'])
  t.same(errors(NAME, { name: 'b' }, {}), [], 'there was none before')
  const optional = spec({ a: { type: 'string' } }, { rule: '!oldSelf.hasValue() || oldSelf.value().a == self.a', optionalOldSelf: true, message: 'changed' })
  t.same(errors(optional, { a: 'x' }), [])
  t.same(errors(optional, { a: 'x' }, { a: 'y' }), ['spec: Invalid value: changed'])
})

t.test('what was wrong before and did not change may stay', async (t) => {
  t.same(errors(NAME, { name: 'bad' }, { name: 'bad' }), [])
  t.same(errors(MIN_MAX, { min: 3, max: 2 }, { min: 3, max: 1 }), ['spec: Invalid value: min over max'])
})

t.test('messages, reasons and paths', async (t) => {
  const mode = spec({ mode: { type: 'string' } }, { rule: "self.mode in ['a', 'b']", messageExpression: "'mode ' + self.mode + ' unknown'", fieldPath: '.mode', reason: 'FieldValueForbidden' })
  t.same(errors(mode, { mode: 'z' }), ['spec.mode: Forbidden: mode z unknown'])
  const items = spec({ items: { type: 'array', items: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self < 10', message: 'too much' }] } } })
  t.same(errors(items, { items: [1, 20] }), ['spec.items[1]: Invalid value: 20: too much'])
  const labels = spec({ labels: { type: 'object', additionalProperties: { type: 'string', 'x-kubernetes-validations': [{ rule: "self != ''" }] } } })
  t.same(errors(labels, { labels: { x: '' } }), ['spec.labels[x]: Invalid value: "": failed rule: self != \'\''])
})

t.test('a rule that costs too much ends the validation', async (t) => {
  const expensive = spec({ l: { type: 'array', items: { type: 'integer' } } }, { rule: 'self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))' })
  const message = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: "
  t.same(errors(expensive, { l: Array.from({ length: 200 }, (_, i) => i) }), [`spec: Invalid value: "object": ${message}self.l.all(a, self.l.all(b, self.l.all(c, a + b + c >= 0)))`])
})
