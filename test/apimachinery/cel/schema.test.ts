import t from 'tap'
import { environment } from '../../../src/apimachinery/cel/environment.ts'
import { compile } from '../../../src/apimachinery/cel/program.ts'
import { escapeName, unescapeName } from '../../../src/apimachinery/cel/escape.ts'
import { schemaSizes, schemaType, schemaTypes } from '../../../src/apimachinery/cel/schema-types.ts'
import { schemaValue } from '../../../src/apimachinery/cel/schema-values.ts'
import { DYN } from '../../../src/apimachinery/cel/types.ts'
import { DATA, SCHEMA, SCHEMA_CASES } from './schema-cases.ts'
import { show } from './show.ts'

const type = schemaType(SCHEMA, 'selfType') ?? { type: DYN, maxElements: 0, minSize: 0 }
const env = environment({ types: schemaTypes(type), variables: { self: type.type, oldSelf: type.type } })
const sizes = schemaSizes(type)
const value = schemaValue(DATA, SCHEMA)
const activation = () => value

t.test('a resource as its schema describes it', async (t) => {
  for (const [expression, expected] of SCHEMA_CASES) {
    if ('refused' in expected) {
      t.throws(() => compile(expression, env), { message: expected.refused }, expression)
      continue
    }
    const program = compile(expression, env)
    if ('fails' in expected) {
      t.throws(() => program.evaluate(activation), { message: expected.fails }, expression)
      continue
    }
    const result = program.evaluate(activation)
    t.strictSame([show(result.value), result.cost, Number(program.estimateCost(sizes).max)], [expected.value, expected.cost, Number(expected.max)], expression)
  }
})

t.test('names', async (t) => {
  const cases = { a: 'a', 'a.b': 'a__dot__b', 'a-b': 'a__dash__b', 'a/b': 'a__slash__b', a__b: 'a__underscores__b', namespace: '__namespace__' }
  for (const [name, escaped] of Object.entries(cases)) {
    t.equal(escapeName(name), escaped)
    t.equal(unescapeName(escaped), name)
  }
  for (const name of ['', '1a', 'a b', 'ä']) t.equal(escapeName(name), undefined, name)
})
