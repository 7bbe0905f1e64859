import t from 'tap'
import { compileJSONPath, PathError } from '../../src/apimachinery/json-path.ts'

const data = {
  metadata: { labels: { 'a.b/c': 'v' } },
  spec: { s: 'str', n: null, l: ['p', 'q', 'r'], deep: { deep: { v: 1 } }, o: { x: 1 } },
  status: { conditions: [{ type: 'Ready', status: 'True', n: 3 }, { type: 'Other', status: 'False', n: 5 }] },
}

t.test('what paths find', (t) => {
  const cases: [string, unknown[]][] = [
    ['.spec.s', ['str']],
    ['$.spec.s', ['str']],
    ["['spec']['s']", ['str']],
    ['.spec.zip', []],
    ['.spec.s.x', []],
    ['.spec.n', [null]],
    ['.spec.n.x', []],
    ['.spec.l[0]', ['p']],
    ['.spec.l[-1]', ['r']],
    ['.spec.l[1:]', ['q', 'r']],
    ['.spec.l[:2]', ['p', 'q']],
    ['.spec.l[0:3:2]', ['p', 'r']],
    ['.spec.l[0:0]', []],
    ['.spec.l[*]', ['p', 'q', 'r']],
    ['.spec.l[0,2]', ['p', 'r']],
    ["['spec','metadata'].s", ['str']],
    ['.spec.o.*', [1]],
    ['..v', [1]],
    [".metadata.labels['a.b/c']", []],
    ['.metadata.labels.a\\.b/c', ['v']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type != 'Ready')].status", ['False']],
    ['.status.conditions[?(@.n>3)].type', ['Other']],
    ['.status.conditions[?(@.n>=3)].type', ['Ready', 'Other']],
    ['.status.conditions[?(@.n<5)].type', ['Ready']],
    ['.status.conditions[?(@.n<=2)].type', []],
    ['.status.conditions[?(@.n)].type', ['Ready', 'Other']],
    ['.status.conditions[?(@.zip)].type', []],
  ]
  for (const [path, found] of cases) t.same(compileJSONPath(path)?.(data), found, path)
  t.end()
})

t.test('what does not fit', (t) => {
  for (const path of ['.spec.l[5]', '.spec.l[2:1]', '.spec.s[0]', '.spec.o[?(@.x==1)]', '.status.conditions[?(@.n<"a")].type', '.spec.l[::0]']) {
    t.equal(classOf(() => compileJSONPath(path)?.(data)), PathError, path)
  }
  t.end()
})

t.test('what is no path', (t) => {
  for (const path of ['.spec.l[', '.spec.l[a]', '.a[?(@.b==1)', '....a', '.a #', '.a "b']) t.equal(compileJSONPath(path), undefined, path)
  t.end()
})

function classOf(fails: () => unknown): unknown {
  try {
    return fails()
  } catch (error) {
    return (error as Error).constructor
  }
}
