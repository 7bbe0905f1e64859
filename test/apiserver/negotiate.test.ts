import t from 'tap'
import { firstAccepted, metadataConversions, negotiateInput, negotiateOutput, negotiatePatch, partialConversions, type Offer } from '../../src/apiserver/negotiate.ts'
import { warningHeaders } from '../../src/apiserver/warnings.ts'

const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1'
const none = new URLSearchParams()

function negotiated(accept: string | undefined, offer: Offer = { conversions: metadataConversions }): string {
  try {
    const { encoding, as } = negotiateOutput(accept, none, '', offer)
    return as ? `${encoding} ${as.kind} ${as.group}/${as.version}` : encoding
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
  }
}

t.test('media types that are not those of objects', (t) => {
  const offered = ['application/json', 'application/x.a+protobuf'] as const
  const cases = { '': offered[0], '*/*': offered[0], 'application/*': offered[0], 'text/plain': undefined, 'application/json;q=0.5, application/x.a+protobuf': offered[1], 'text/*, application/x.a+protobuf': offered[1] }
  for (const [accept, expected] of Object.entries(cases)) t.equal(firstAccepted(accept, offered), expected, accept)
  const log: Offer = { routed: ['text/plain'] }
  t.match(negotiated('text/plain', log), /^only the following media types are accepted: application\/json/)
  t.match(negotiated(TABLE, log), /^only the following media types are accepted/)
  t.match(negotiated('application/xml', log), '406: Not Acceptable')
  t.end()
})

t.test('the form of what is sent', (t) => {
  for (const [type, expected] of [
    ['', 'json'], ['Application/JSON ; charset=utf-8', 'json'], ['application/yaml;', 'yaml'], ['application/json;a="b;c"; d=e', 'json'],
    ['application/json;;', undefined], ['application/json;charset', undefined], ['application/json;a=', undefined], ['application/json,application/yaml', undefined], ['bad//type', undefined], [';', undefined],
  ] as const) {
    if (expected) t.equal(negotiateInput(type), expected, type)
    else t.throws(() => negotiateInput(type), { code: 415 }, type)
  }
  t.end()
})

t.test('the form of answers', (t) => {
  const cases: [string | undefined, string][] = [
    [undefined, 'json'],
    ['', 'json'],
    ['*/*', 'json'],
    ['application/*', '406: Not Acceptable'],
    ['APPLICATION/JSON', 'json'],
    ['application/yaml', 'yaml'],
    ['text/html, application/yaml;q=0.9', 'yaml'],
    ['application/json;q=0.1, application/yaml', 'yaml'],
    ['*/*, application/yaml', 'yaml'],
    ['application/*, application/yaml', 'yaml'],
    ['application/yaml;q=x, application/json;q=0.1', 'json'],
    ['application/vnd.kubernetes.protobuf', 'protobuf'],
    ['application/vnd.kubernetes.protobuf, */*', 'protobuf'],
    ['application/vnd.kubernetes.protobuf;stream=watch', 'protobuf'],
    ['application/json;stream=other', 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'],
    [`${TABLE},application/json`, 'json Table meta.k8s.io/v1'],
    [TABLE.replace('v1', 'v1beta1'), 'json Table meta.k8s.io/v1beta1'],
    [`${TABLE.replace('v1', 'v2')},application/json`, 'json'],
    [TABLE.replace('json', 'vnd.kubernetes.protobuf'), 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'],
    ['application/json;g=meta.k8s.io;v=v1', 'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'],
    ['application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'protobuf PartialObjectMetadata meta.k8s.io/v1'],
    ['text/html', '406: Not Acceptable'],
    ['nonsense', '406: Not Acceptable'],
    [';;;,,,', '406: Not Acceptable'],
  ]
  for (const [accept, expected] of cases) t.equal(negotiated(accept), expected, String(accept))
  t.equal(negotiated(`${TABLE},application/json`, { conversions: partialConversions }), 'json', 'no tables of reviews')
  t.equal(negotiated('application/*', { isCustom: true }), 'json', 'where no router comes first')
  t.equal(negotiated('application/vnd.kubernetes.protobuf,application/json', { conversions: metadataConversions, plain: ['json', 'yaml'] }), 'json', 'no protobuf of custom resources')
  t.equal(negotiated('application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', { conversions: metadataConversions, plain: ['json'] }), 'protobuf PartialObjectMetadata meta.k8s.io/v1', 'but of their metadata')
  t.match(negotiated('text/html', { isCustom: true }), /^only the following media types are accepted: application\/json/, 'custom resources have other words')
  t.end()
})

t.test('the form of bodies', (t) => {
  for (const [type, expected] of [[undefined, 'json'], ['', 'json'], ['application/json; charset=utf-8', 'json'], ['Application/YAML', 'yaml'], ['application/vnd.kubernetes.protobuf', 'protobuf']] as const) t.equal(negotiateInput(type), expected, String(type))
  for (const type of ['text/plain', 'application/cbor', 'json']) t.throws(() => negotiateInput(type), /^the body of the request was in an unknown format/, type)
  t.equal(negotiatePatch('application/merge-patch+json; charset=utf-8', ['merge']), 'merge')
  t.equal(negotiatePatch('application/apply-patch+yaml', ['apply', 'merge']), 'apply')
  t.throws(() => negotiatePatch('application/strategic-merge-patch+json', ['json', 'merge']), /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json$/)
  for (const type of [undefined, 'application/json', '__proto__']) t.throws(() => negotiatePatch(type, ['merge']), /^415: Unsupported Media Type$/)
  t.throws(() => negotiatePatch('text/plain', ['merge'], { isCustom: true }), /accepted media types include: application\/merge-patch\+json$/)
  t.end()
})

t.test('warning headers', (t) => {
  t.same(warningHeaders(['plain', 'with "quotes" and \\']), ['299 - "plain"', '299 - "with \\"quotes\\" and \\\\"'])
  t.same(warningHeaders(['two\nlines']), [], 'what no header can carry')
  t.same(warningHeaders(['\u00e9\u20ac']).map((line) => Buffer.from(line, 'latin1').toString()), ['299 - "\u00e9\u20ac"'])
  const long = warningHeaders(Array.from({ length: 40 }, (_, i) => `${i} ${'x'.repeat(400)}`))
  t.equal(long[0]?.length, 256 + '299 - ""'.length, 'many long ones are cut')
  t.equal(long.length, 16, 'and no more than fit')
  t.end()
})
