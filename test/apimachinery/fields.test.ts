import t from 'tap'
import { fieldSelectorFromSet, parseFieldSelector, transformFieldSelector } from '../../src/apimachinery/fields.ts'
import { ParseError } from '../../src/apimachinery/parse-error.ts'

t.test('text to selector and back', (t) => {
  const table: [string, string][] = [
    ['', ''],
    ['b=2,a==1', 'a=1,b=2'],
    ['a!=1', 'a!=1'],
    ['a=', 'a='],
    [',,a=1,', 'a=1'],
    ['a=x\\,y\\=z\\\\', 'a=x\\,y\\=z\\\\'],
    ['=', ''],
  ]
  for (const [text, canonical] of table) t.equal(parseFieldSelector(text).toString(), canonical, text)
  t.equal(fieldSelectorFromSet({ a: 'x,y' }).toString(), 'a=x\\,y')
  t.end()
})

t.test('what is refused, in upstream’s words', (t) => {
  const table: [string, string][] = [
    ['nonsense', "invalid selector: 'nonsense'; can't understand 'nonsense'"],
    ['a=1,b', "invalid selector: 'a=1,b'; can't understand 'b'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ]
  for (const [text, message] of table) t.throws(() => parseFieldSelector(text), new ParseError(message), text)
  t.end()
})

t.test('what matches', (t) => {
  const fields = { 'metadata.name': 'x', 'spec.nodeName': '' }
  const table: [string, boolean][] = [
    ['', true],
    ['metadata.name=x', true],
    ['metadata.name!=x', false],
    ['spec.nodeName=', true],
    ['other=', true],
    ['other!=', false],
    ['toString=', true],
    ['metadata.name=x,spec.nodeName!=n', true],
  ]
  for (const [text, expected] of table) t.equal(parseFieldSelector(text).matches(fields), expected, text)
  t.equal(parseFieldSelector('a!=1,metadata.name=x').requiresExactMatch('metadata.name'), 'x')
  t.equal(parseFieldSelector('a!=1').requiresExactMatch('a'), undefined)
  t.end()
})

t.test('fields can be renamed or dropped', (t) => {
  const renamed = transformFieldSelector(parseFieldSelector('a=1,b!=2'), (field, value) => (field === 'a' ? { field: 'metadata.a', value } : { field: '', value: '' }))
  t.equal(renamed.toString(), 'metadata.a=1')
  t.end()
})
