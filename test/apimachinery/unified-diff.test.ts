import t from 'tap'
import { jsonDiff, unifiedDiff } from '../../src/apimachinery/unified-diff.ts'

const lines = (...list: (string | number)[]): string => list.join('\n')
const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

t.test('differences of texts', async (t) => {
  t.equal(unifiedDiff('a\nb', 'a\nb'), '')
  t.equal(unifiedDiff('a\nb\nc', 'a\nx\nc'), '@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n')
  t.equal(unifiedDiff('a', 'a\nb'), '@@ -1 +1,2 @@\n a\n+b\n')
  t.equal(unifiedDiff('a\nb', 'b'), '@@ -1,2 +1 @@\n-a\n b\n')
})

t.test('only what is near a change is shown', async (t) => {
  const before = numbers(20)
  const changed = (...at: number[]): string => lines(...before.map((n) => (at.includes(n) ? `x${n}` : n)))
  t.equal(unifiedDiff(lines(...before), changed(10)), lines('@@ -7,7 +7,7 @@', ' 7', ' 8', ' 9', '-10', '+x10', ' 11', ' 12', ' 13', ''))
  t.equal(unifiedDiff(lines(...before), changed(2, 18)).match(/@@/g)?.length, 4, 'changes far apart stand in hunks of their own')
  t.equal(unifiedDiff(lines(...before), changed(8, 12)).match(/@@/g)?.length, 2, 'near ones in one')
  t.equal(unifiedDiff(lines(...before), changed(10), 1), lines('@@ -9,3 +9,3 @@', ' 9', '-10', '+x10', ' 11', ''))
})

t.test('a line that is all over a long text is no anchor', async (t) => {
  const block = (name: string): string[] => ['{', name, '}']
  const before = numbers(100).flatMap((n) => block(`n${n}`))
  const after = [...before.slice(0, 150), ...block('new'), ...before.slice(150)]
  t.equal(unifiedDiff(lines(...before), lines(...after)), lines('@@ -149,6 +149,9 @@', ' n50', ' }', ' {', '+new', '+}', '+{', ' n51', ' }', ' {', ''))
})

t.test('differences of values', async (t) => {
  t.equal(jsonDiff({ A: 1 }, { A: 1 }), '')
  t.equal(jsonDiff({ A: null, B: ['x'] }, { A: '<y>', B: ['x'] }), '@@ -1,5 +1,5 @@\n {\n- "A": null,\n+ "A": "\\u003cy\\u003e",\n  "B": [\n   "x"\n  ]\n')
  t.equal(jsonDiff(undefined, {}), '@@ -1 +1 @@\n-null\n+{}\n')
})
