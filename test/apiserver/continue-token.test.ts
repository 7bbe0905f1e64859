import t from 'tap'
import { decodeContinue, encodeContinue } from '../../src/apiserver/continue-token.ts'

t.test('where a list goes on', (t) => {
  for (const place of [{ revision: 5, start: 'ns/a\0' }, { revision: -1, start: 'a' }]) t.same(decodeContinue(encodeContinue(place)), place)
  const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const v = 'meta.k8s.io/v1'
  const unknown = 'server does not recognize this encoded version '
  for (const [text, why] of [
    ['', 'unexpected end of JSON input'],
    ['abc', "invalid character 'i' looking for beginning of value"],
    ['/w', 'illegal base64 data at input byte 0'],
    ['e30=', 'illegal base64 data at input byte 3'],
    ['e30ab', 'illegal base64 data at input byte 4'],
    [json(null), unknown],
    [json({}), unknown],
    [json({ v: 'x' }), `${unknown}x`],
    [json([]), 'json: cannot unmarshal array into Go value of type storage.continueToken'],
    [json({ v: 1 }), 'json: cannot unmarshal number into Go struct field continueToken.v of type string'],
    [json({ v, rv: 'x' }), 'json: cannot unmarshal string into Go struct field continueToken.rv of type int64'],
    [json({ v, rv: 1.5 }), 'json: cannot unmarshal number 1.5 into Go struct field continueToken.rv of type int64'],
    [json({ v, start: 'a' }), `incorrect encoded start resourceVersion (version ${v})`],
    [json({ v, rv: 5 }), `encoded start key empty (version ${v})`],
    ...['../a', 'a/../b', 'a//b', 'a/', './a'].map((start) => [json({ v, rv: 5, start }), start] as const),
  ] as const) t.throws(() => decodeContinue(text), { code: 400, message: `invalid continue token: continue key is not valid: ${why}` }, text)
  t.end()
})
