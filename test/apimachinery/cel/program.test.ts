import t from 'tap'
import { AUTHORIZER_TYPE, authorizerValue } from '../../../src/apimachinery/cel/authorizer.ts'
import { environment } from '../../../src/apimachinery/cel/environment.ts'
import { CostLimitExceeded } from '../../../src/apimachinery/cel/frame.ts'
import { compile, type Program } from '../../../src/apimachinery/cel/program.ts'
import { DYN, INT, listOf, mapOf, STRING } from '../../../src/apimachinery/cel/types.ts'
import { NativeList, NativeMap, type Value } from '../../../src/apimachinery/cel/values.ts'
import { FAILURES, REFUSALS, VALUES } from './cases.ts'
import { show } from './show.ts'

const env = environment({ variables: { x: DYN, n: INT, s: STRING, l: listOf(INT), m: mapOf(STRING, STRING), authorizer: AUTHORIZER_TYPE } })
const variables: Record<string, Value> = {
  n: 7n,
  s: 'hello',
  l: new NativeList([1n, 2n, 3n]),
  m: NativeMap.from({ a: 'b', c: 'd' }),
  x: NativeMap.from({ a: 1n, b: 'two', c: new NativeList([1n, 'x', null, true, 2.5]), d: NativeMap.from({ e: 'f' }) }),
}
const activation = (name: string): Value | undefined => variables[name]
const run = (program: Program) => program.evaluate(activation)

t.test('values and costs', async (t) => {
  for (const [expression, value, cost, max] of VALUES) {
    const program = compile(expression, env)
    const result = run(program)
    t.strictSame([show(result.value), result.cost, Number(program.estimateCost().max)], [value, cost, Number(max)], expression)
  }
})

t.test('errors of evaluation', async (t) => {
  for (const [expression, message, cost] of FAILURES) {
    const expected = message.includes('cost limit') ? { message } : { message, cost }
    t.throws(() => run(compile(expression, env)), expected, expression)
  }
})

t.test('errors of compilation', async (t) => {
  for (const [expression, message] of REFUSALS) t.throws(() => compile(expression, env), { message }, JSON.stringify(expression))
})

t.test('what nests too deeply is refused', async (t) => {
  const cases: [name: string, expression: string, problem: string][] = [
    ['parentheses', `${'('.repeat(300)}true${')'.repeat(300)}`, 'expression recursion limit exceeded: 250'],
    ['lists', `${'['.repeat(300)}${']'.repeat(300)} == []`, 'expression recursion limit exceeded: 250'],
    ['members', `s${'.a'.repeat(300)} == ''`, 'max recursion depth exceeded'],
    ['calls', `s${'.trim()'.repeat(300)} == ''`, 'max recursion depth exceeded'],
    ['sums', `${'s + '.repeat(300)}s == ''`, 'max recursion depth exceeded'],
  ]
  for (const [name, expression, problem] of cases) t.throws(() => compile(expression, env), { message: `ERROR: <input>:-1:0: ${problem}` }, name)
})

t.test('a limit ends what costs too much', async (t) => {
  const program = compile('l.all(a, l.all(b, l.all(c, a + b + c > 0)))', env)
  t.throws(() => program.evaluate(activation, { costLimit: 50 }), new CostLimitExceeded(51))
  t.equal(run(program).value, true)
  t.throws(() => run(compile("'a'.replace('a', s).size() + lists.range(100000000000).size()", env)), new CostLimitExceeded())
})

t.test('what was compiled is remembered', async (t) => {
  t.equal(compile('n + 1', env), compile('n + 1', env))
})

t.test('the authorizer asks whoever was given', async (t) => {
  const asked: unknown[] = []
  const authorizer = authorizerValue((attributes) => {
    asked.push(attributes)
    return { allowed: attributes.verb === 'get', reason: 'because' }
  })
  const ask = (expression: string): Value => compile(expression, env).evaluate((name) => (name === 'authorizer' ? authorizer : undefined)).value
  t.equal(ask("authorizer.group('apps').resource('deployments').namespace('a').name('b').check('get').allowed()"), true)
  t.equal(ask("authorizer.path('/healthz').check('post').reason()"), 'because')
  t.strictSame(asked, [
    { group: 'apps', resource: 'deployments', namespace: 'a', name: 'b', verb: 'get' },
    { path: '/healthz', verb: 'post' },
  ])
})
