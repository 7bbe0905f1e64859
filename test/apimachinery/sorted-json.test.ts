import t from 'tap'
import { sortedJSON } from '../../src/apimachinery/sorted-json.ts'

t.test('members in the order of their names, all the way down', (t) => {
  const value = { b: [{ d: 1, c: { y: 1, x: undefined } }], a: null }
  t.equal(JSON.stringify(sortedJSON(value)), '{"a":null,"b":[{"c":{"y":1},"d":1}]}')
  t.equal(JSON.stringify(sortedJSON({ 'é': 1, Z: 2, a: 3 })), '{"Z":2,"a":3,"é":1}')
  t.end()
})

t.test('what is in order is shared', (t) => {
  const inner = { a: [1, { b: 2 }], z: '' }
  const value = { y: inner, x: 1 }
  t.equal(sortedJSON(inner), inner)
  t.equal(sortedJSON(value).y, inner)
  const numbered = { 9: 1, 10: 2, a: 3 }
  t.equal(sortedJSON(numbered), numbered, 'numbers come as they come')
  t.end()
})
