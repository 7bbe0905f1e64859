import t from 'tap'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { everything, formatLabelSelector, nothing, parseSelector, selectorFromLabelSelector, selectorFromSet, type LabelSelector } from '../../src/apimachinery/labels.ts'

const NAME = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const VALUE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

t.test('the canonical text of a selector', (t) => {
  const table: [string, string][] = [
    ['', ''],
    ['b=2, a=1', 'a=1,b=2'],
    ['a==1', 'a==1'],
    ['a', 'a'],
    ['! a', '!a'],
    ['a in (z,y , x)', 'a in (x,y,z)'],
    ['a notin (), b', 'a notin (),b'],
    ['a in (,x,)', 'a in (,x)'],
    ['b<2,a>1', 'a>1,b<2'],
    ['a!=', 'a!='],
    ['in in (in)', 'in in (in)'],
    ['example.com/x=y', 'example.com/x=y'],
  ]
  for (const [text, canonical] of table) t.equal(parseSelector(text).toString(), canonical, text)
  t.end()
})

t.test('what is refused, in upstream’s words', (t) => {
  const table: [string, string][] = [
    ['=a', "found '=', expected: !, identifier, or 'end of string'"],
    ['()', "found '(', expected: !, identifier, or 'end of string'"],
    ['a=b,', "found '', expected: identifier after ','"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (=', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['a in (b,=', "unable to parse requirement: found '=', expected: ',', or identifier"],
    ['a=(', "unable to parse requirement: found '(', expected: identifier"],
    ['n>x', `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
    ['-a=b', `unable to parse requirement: <nil>: Invalid value: "-a": name part ${NAME}`],
    ['a=-b', `unable to parse requirement: values[0][a]: Invalid value: "-b": ${VALUE}`],
    ['a in (-b,-c)', `unable to parse requirement: [values[0][a]: Invalid value: "-b": ${VALUE}, values[1][a]: Invalid value: "-c": ${VALUE}]`],
  ]
  for (const [text, message] of table) t.throws(() => parseSelector(text), new ParseError(message), text)
  t.throws(() => parseSelector('-a', 'spec.selector'), new ParseError(`unable to parse requirement: spec.selector: Invalid value: "-a": name part ${NAME}`))
  t.end()
})

t.test('what matches', (t) => {
  const labels = { app: 'a', tier: '', n: '5' }
  const table: [string, boolean][] = [
    ['', true],
    ['app=a', true],
    ['app=b', false],
    ['app!=a', false],
    ['other!=a', true],
    ['app in (a,b)', true],
    ['app notin (a,b)', false],
    ['other notin (a,b)', true],
    ['app notin (a)', false],
    ['tier', true],
    ['tier=', true],
    ['!tier', false],
    ['!constructor', true],
    ['constructor', false],
    ['n>4,n<6', true],
    ['n>5', false],
    ['app>1', false],
    ['app=a,n=6', false],
  ]
  for (const [text, expected] of table) t.equal(parseSelector(text).matches(labels), expected, text)
  t.equal(parseSelector('!a').matches(undefined), true)
  t.end()
})

t.test('from a LabelSelector', (t) => {
  const table: [LabelSelector | undefined, string][] = [
    [undefined, '<none>'],
    [{}, '<none>'],
    [{ matchLabels: { b: '1', a: '2' } }, 'a=2,b=1'],
    [{ matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'In', values: ['y', 'x'] }] }, 'a=1,b in (x,y)'],
    [{ matchExpressions: [{ key: 'b', operator: 'DoesNotExist' }, { key: 'c', operator: 'Exists' }, { key: 'a', operator: 'NotIn', values: ['1'] }] }, 'a notin (1),!b,c'],
    [{ matchExpressions: [{ key: 'b', operator: 'Like' }] }, '<error>'],
  ]
  for (const [selector, text] of table) t.equal(formatLabelSelector(selector), text)
  t.equal(selectorFromLabelSelector(undefined), nothing)
  t.equal(selectorFromLabelSelector({}), everything)
  t.throws(() => selectorFromLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }), new ParseError('"Gt" is not a valid label selector operator'))
  t.throws(() => selectorFromLabelSelector({ matchExpressions: [{ key: 'a', operator: 'In' }] }), new ParseError("values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"))
  t.end()
})

t.test('what else a selector can be asked', (t) => {
  t.match(everything, { isEmpty: true, matchesNothing: false })
  t.match(nothing, { isEmpty: false, matchesNothing: true })
  t.equal(nothing.matches({}), false)
  t.equal(selectorFromSet(undefined).isEmpty, true)
  t.equal(selectorFromSet({ a: '1' }).matches({ a: '1', b: '2' }), true)
  const selector = parseSelector('a=1,b in (2),c in (3,4),d!=5')
  t.same(['a', 'b', 'c', 'd', 'e'].map((k) => selector.requiresExactMatch(k)), ['1', '2', undefined, undefined, undefined])
  t.end()
})
