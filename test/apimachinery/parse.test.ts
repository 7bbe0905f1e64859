import t from 'tap'
import { ParseError } from '../../src/apimachinery/parse-error.ts'
import { parseJSON, parseYAML } from '../../src/apimachinery/parse.ts'

t.test('JSON that cannot be read, in Go’s words', (t) => {
  const table: [string, string][] = [
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a"', 'unexpected end of JSON input'],
    ['{"a": ', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['{a: 1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a": 1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['nul', "invalid character ' ' in literal null (expecting 'l')"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['01', "invalid character '1' after top-level value"],
    ['1.', "invalid character ' ' after decimal point in numeric literal"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['{"a": é}', "invalid character 'Ã' looking for beginning of value"],
    ['['.repeat(10_001), 'exceeded max depth'],
  ]
  for (const [text, message] of table) t.throws(() => parseJSON(text), new ParseError(message), text.slice(0, 20))
  t.end()
})

t.test('keys given twice', (t) => {
  const text = '{"metadata":{"name":"a","name":"b"},"list":[{"x":1,"x":1}],"metadata":{},"a:\\"{":1}'
  t.same(parseJSON(text, { strict: true }).duplicates, ['duplicate field "metadata.name"', 'duplicate field "list[0].x"', 'duplicate field "metadata"'])
  t.same(parseJSON(text), { value: { metadata: {}, list: [{ x: 1 }], 'a:"{': 1 }, duplicates: [] })
  t.same(parseJSON('{"a":{"b":"c: \\\\"},"d":":"}', { strict: true }).duplicates, [])
  const { value } = parseJSON('{"__proto__":{"a":1}}')
  t.equal(Object.getPrototypeOf(value), Object.prototype)
  t.end()
})

t.test('YAML scalars, as go-yaml reads them', (t) => {
  const table: [string, unknown][] = [
    ['y', true],
    ['Off', false],
    ['~', null],
    ['', null],
    ['"y"', 'y'],
    ['010', 8],
    ['0o17', 15],
    ['0x1F', 31],
    ['1_000', 1000],
    ['08', 8],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.2.3', '1.2.3'],
    ['2001-01-01', '2001-01-01'],
    ['1:20', '1:20'],
    ['!!str 1', '1'],
    ['|\n  a\n  b\n', 'a\nb\n'],
    ['|\n  a', 'a'],
    ['>\n  a\n  b\n', 'a b\n'],
    ['{n: y, 1: 2, 1.5: x, ~x: 1}', { false: true, 1: 2, 1.5: 'x', '~x': 1 }],
  ]
  for (const [text, value] of table) t.same(parseYAML(`k: ${text}`).value, { k: value }, text)
  t.end()
})

t.test('YAML documents', (t) => {
  t.same(parseYAML('a: 1\n---\nb: 2').value, { a: 1 }, 'only the first is read')
  t.same(parseYAML('# nothing').value, null)
  t.same(parseYAML('x: &x {a: 1, b: 2}\nw: {<<: *x, b: 3}\nz: *x').value, { x: { a: 1, b: 2 }, w: { a: 1, b: 3 }, z: { a: 1, b: 2 } })
  t.same(parseYAML('{"a": 1, "a": 2}', { strict: true }), { value: { a: 2 }, duplicates: ['yaml: unmarshal errors:\n  line 1: key "a" already set in map'] })
  t.same(parseYAML('a: 1\nb:\n  c: 1\n  c: 2\na: 3', { strict: true }).duplicates, ['yaml: unmarshal errors:\n  line 4: key "c" already set in map\n  line 5: key "a" already set in map'])
  const table: [string, string][] = [
    ['a: b: c', 'yaml: mapping values are not allowed in this context'],
    ['a:\n\tb: 1', 'yaml: line 2: found character that cannot start any token'],
    ['a: 1\n\tb: 2\n', 'yaml: line 2: found a tab character that violates indentation'],
    ['a: 1\nfoo\nbar: 2\n', "yaml: line 3: could not find expected ':'"],
    ['a: 1\nfoo\n\n# c\nbar: 2\n', "yaml: line 4: could not find expected ':'"],
    ['a: 1\nfoo bar\n  baz\nb: 2\n', "yaml: line 4: could not find expected ':'"],
    ['a: 1\n- b\n', 'yaml: line 1: did not find expected key'],
    ['a: 1\nb:\n  c: 1\n  - d\n', 'yaml: line 3: did not find expected key'],
    ['a: b\n  c: d\n', 'yaml: line 2: mapping values are not allowed in this context'],
    ['null: a\n', 'unsupported map key of type: %!s(<nil>), key: <nil>, value: "a"'],
    ['a: [1,2', "yaml: line 1: did not find expected ',' or ']'"],
    ['a: "x', 'yaml: found unexpected end of stream'],
    ['a: 1\nb', "yaml: line 3: could not find expected ':'"],
    ['a: *x', "yaml: unknown anchor 'x' referenced"],
    ['a: .inf', 'json: unsupported value: +Inf'],
  ]
  for (const [text, message] of table) t.throws(() => parseYAML(text), new ParseError(message), text)
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(9)}]`)].join('\n')
  t.throws(() => parseYAML(bomb), new ParseError('yaml: document contains excessive aliasing'))
  t.end()
})

t.test('YAML that is no text', (t) => {
  const bytes = (...parts: (string | number)[]) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))
  for (const [body, problem] of [
    [bytes('a: b\u0085\u00a0ü\u{1f600}\t'), undefined],
    [bytes('a: ', 0xb2, 'b'), 'invalid leading UTF-8 octet'],
    [bytes('a: ', 0xff, 'b'), 'invalid leading UTF-8 octet'],
    [bytes('a: ', 0xc3, 'b'), 'invalid trailing UTF-8 octet'],
    [bytes('a: ', 0xe2, 0x82), 'incomplete UTF-8 octet sequence'],
    [bytes('a: ', 0xc0, 0x80), 'invalid length of a UTF-8 sequence'],
    [bytes('a: ', 0xed, 0xa0, 0x80), 'invalid Unicode character'],
    [bytes('a: b\u0001'), 'control characters are not allowed'],
    [bytes('a: b\u0001', 0xb2), 'control characters are not allowed'],
    [bytes('a: b\u009f'), 'control characters are not allowed'],
  ] as const) {
    if (problem === undefined) t.doesNotThrow(() => parseYAML(body))
    else t.throws(() => parseYAML(body), { message: `yaml: ${problem}` }, body.toString('latin1'))
  }
  t.end()
})

t.test('halves of characters', (t) => {
  for (const [text, expected] of [['"\\ud800"', '\ufffd'], ['"a\\udc00b"', 'a\ufffdb'], ['"\\ud83d\\ude00"', '\u{1f600}'], ['"\\udc00\\ud800"', '\ufffd\ufffd'], ['"\\u0041"', 'A']] as const) t.equal(parseJSON(text).value, expected, text)
  t.end()
})

t.test('members of YAML, in order', (t) => {
  const text = 'b: 1\na:\n  z: 1.50\n  "y": [{d: 1, c: 2}]\n'
  const { value } = parseYAML(text)
  t.equal(JSON.stringify(value), '{"a":{"y":[{"c":2,"d":1}],"z":1.5},"b":1}')
  t.equal(JSON.stringify(parseYAML('{"b": 1, "a": {"d": 1, "c": 2}}').value), '{"a":{"c":2,"d":1},"b":1}', 'JSON is YAML')
  t.same(parseYAML('a: 1\na:\n  b: 1\na: [1]\n', { strict: true }).duplicates, ['yaml: unmarshal errors:\n  line 3: key "a" already set in map\n  line 4: key "a" already set in map'], 'by where the second value begins')
  t.throws(() => parseYAML('a: !!binary "x"'), { message: 'yaml: !!binary value contains invalid base64 data' })
  t.end()
})
