import t from 'tap'
import { decodePem, encodePem } from '../../src/apimachinery/pem.ts'

t.test('blocks are found among other text', (t) => {
  const bytes = Buffer.from(Array.from({ length: 100 }, (_, i) => i))
  const text = encodePem('X Y', bytes)
  t.equal(text.split('\n')[1]?.length, 64)
  t.same(decodePem(text), [{ type: 'X Y', headers: {}, bytes }])
  t.same(decodePem(`before\n${text}between\n${text}after`).length, 2)
  t.same(decodePem(text.replaceAll('\n', '\r\n')), [{ type: 'X Y', headers: {}, bytes }])
  t.same(decodePem(text + text + text).length, 3)
  t.same(decodePem(`-----BEGIN X Y-----\n-----BEGIN Z-----\nYWJj\n-----END X Y-----\n${text}`).length, 1)
  t.same(decodePem(`-----BEGIN A-----\n${text}`), [{ type: 'X Y', headers: {}, bytes }])
  const withHeader = text.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n')
  t.same(decodePem(withHeader)[0]?.headers, { 'Proc-Type': '4,ENCRYPTED' })
  t.end()
})

t.test('what is no block', (t) => {
  const good = encodePem('X', Buffer.from('abc'))
  for (const text of ['', 'x', good.replace('END X', 'END Y'), good.replace('YWJj', 'Y!Jj'), good.replace('YWJj', 'YWJ'), `x${good}`]) t.same(decodePem(text), [], JSON.stringify(text))
  t.end()
})
