/** OpenAPI documents in protobuf; the bytes are those that gnostic makes of the same documents. */
import t from 'tap'
import { openAPIV2Protobuf } from '../../src/apiserver/openapi-v2-protobuf.ts'
import { openAPIV3Protobuf } from '../../src/apiserver/openapi-v3-protobuf.ts'

/** What a message says, by the numbers of its fields; `s` and what follows is text. */
const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/'([^']*)'|\s/g, (_, text: string | undefined) => (text === undefined ? '' : Buffer.from(text).toString('hex'))), 'hex')

t.test('v3', (t) => {
  const document = {
    openapi: '3.0.0',
    info: { title: 'K', version: '1' },
    paths: { '/a': { get: { tags: ['t'], responses: { 200: { description: 'OK' } } } } },
    components: { schemas: { S: { type: 'string', default: '', 'x-a': [{ group: '', kind: 'K' }] }, R: { properties: { s: { $ref: '#/S' } } } } },
  }
  const made = openAPIV3Protobuf(document)
  t.ok(made.includes(bytes("0a05 '3.0.0' 1206 0a01 'K' 3201 '1'")), 'head')
  t.ok(made.includes(bytes("0a02 '/a'")), 'paths')
  t.ok(made.includes(bytes("0a03 '200' 1206 0a04 0a02 'OK'")), 'responses')
  t.ok(made.includes(bytes("ca0106 'string' 8a0202 1a00")), 'a default that is empty is one')
  t.ok(made.includes(Buffer.from('- group: ""\n  kind: K\n')), 'extensions as YAML')
  t.ok(made.includes(bytes("0a01 's' 1207 1205 0a03 '#/S'")), 'references')
  t.end()
})

t.test('v2', (t) => {
  const schema = { type: 'object', additionalProperties: { type: 'integer', format: 'int32' }, enum: ['*'] }
  const parameters = [{ name: 'b', in: 'body', schema: { $ref: '#/S' } }, { name: 'q', in: 'query', type: 'string', uniqueItems: true }, { name: 'p', in: 'path', required: true, type: 'string' }, { $ref: '#/p' }]
  const made = openAPIV2Protobuf({ swagger: '2.0', info: { title: 'K', version: '1' }, paths: { '/a': { parameters } }, definitions: { S: schema }, security: [{ BearerToken: [] }] })
  t.ok(made.includes(bytes("0a03 '2.0' 1206 0a01 'K' 1201 '1'")), 'head')
  t.ok(made.includes(bytes("1201 'b' 1a04 'body' 2a05 0a03 '#/S'")), 'in the body')
  t.ok(made.includes(bytes("1205 'query' 2201 'q' 3206 'string' a00101")), 'in the query')
  t.ok(made.includes(bytes("0801 1204 'path' 2201 'p' 2a06 'string'")), 'in the path')
  t.ok(made.includes(bytes("1205 0a03 '#/p'")), 'shared')
  t.ok(made.includes(bytes("1205 'int32' b20109 0a07 'integer'")), 'schemas')
  t.ok(made.includes(Buffer.from("'*'\n")), 'values as YAML')
  t.ok(made.includes(bytes("6211 0a0f 0a0b 'BearerToken' 1200")), 'security')
  t.end()
})
