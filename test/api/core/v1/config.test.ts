import t from 'tap'
import configMaps from '../../../../api/core/v1/configmap.ts'
import secrets from '../../../../api/core/v1/secret.ts'
import serviceAccounts from '../../../../api/core/v1/serviceaccount.ts'
import { goJSONObjectError } from '../../../../api/core/v1/_go-json-error.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const metadata = { name: 'a', namespace: 'ns' }
const MAP = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } }
const SECRET = { apiVersion: 'v1', kind: 'Secret', metadata }
const TOO_LONG = 'x'.repeat(1024 * 1024 + 1)
const KEY_RULE = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
const FIXED = 'Forbidden: field is immutable when `immutable` is set'

t.test('ConfigMaps', async (t) => {
  await checkRefusals(t, MAP, [
    ['a bad key', { data: { 'a b': 'c' } }, `data[a b]: Invalid value: "a b": ${KEY_RULE}`],
    ['a bad key of bytes', { binaryData: { '..': 'eA==' } }, "binaryData[..]: Invalid value: \"..\": must not be '..'"],
    ['a key of both', { binaryData: { a: 'eA==' } }, 'data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    ['too much', { data: { a: TOO_LONG } }, '[]: Too long: may not be more than 1048576 bytes'],
    ['just enough', { data: { a: TOO_LONG.slice(2), b: 'x' } }],
  ])
  await checkUpdateRefusals(t, { ...MAP, immutable: true }, [
    ['mutable again', { immutable: undefined }, `immutable: ${FIXED}`],
    ['other data', { data: { a: 'c' } }, `data: ${FIXED}`],
    ['bytes too', { binaryData: { b: 'eA==' } }, `binaryData: ${FIXED}`],
    ['a label', { 'metadata.labels': { a: 'b' } }],
  ])
  t.match(cells(configMaps, { metadata, data: { a: '', b: '' }, binaryData: { c: '' } }), { Name: 'a', Data: 3 })
})

t.test('Secrets', async (t) => {
  await checkRefusals(t, SECRET, [
    ['a bad key', { data: { 'a b': '' } }, `data[a b]: Invalid value: "a b": ${KEY_RULE}`],
    ['too much', { data: { a: base64(TOO_LONG) } }, 'data: Too long: may not be more than 1048576 bytes'],
    ['a token of nobody', { type: 'kubernetes.io/service-account-token' }, 'metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ['no user and no password', { type: 'kubernetes.io/basic-auth' }, 'data[username]: Required value', 'data[password]: Required value'],
    ['only a password', { type: 'kubernetes.io/basic-auth', data: { password: '' } }],
    ['no key', { type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } }, 'data[ssh-privatekey]: Required value'],
    ['half a pair', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, 'data[tls.key]: Required value'],
    ['no configuration', { type: 'kubernetes.io/dockercfg' }, 'data[.dockercfg]: Required value'],
    ['configuration that is no JSON', { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': base64('{"a"}') } }, "data[.dockercfg]: Invalid value: \"<secret contents redacted>\": invalid character '}' after object key"],
    ['and of the newer form', { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': base64('[]') } }, 'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ])
  await checkUpdateRefusals(t, { ...SECRET, immutable: true, data: { a: '' } }, [
    ['another type', { type: 'x' }, 'type: Invalid value: "x": field is immutable'],
    ['mutable again', { immutable: false }, `immutable: ${FIXED}`],
    ['other data', { data: { a: 'eA==' } }, `data: ${FIXED}`],
    ['no type', { type: undefined }],
  ])
  t.match(cells(secrets, { metadata, type: 'Opaque', data: { a: '' } }), { Name: 'a', Type: 'Opaque', Data: 1 })
})

t.test('text of a Secret is stored encoded, over its data', async (t) => {
  const secret = await stored(t, { ...SECRET, data: { a: 'eA==', b: 'eA==' }, stringData: { b: 'é', c: '' } })
  t.same({ type: secret['type'], data: secret['data'], text: secret['stringData'] }, { type: 'Opaque', data: { a: 'eA==', b: base64('é'), c: '' }, text: undefined })
})

t.test('what Go says of bad JSON', async (t) => {
  for (const [text, error] of [
    ['{}', undefined],
    ['null', undefined],
    [' {"a": [1, -2.5e3, "\\u00e9", true, null, {}]} ', undefined],
    ['', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a', 'unexpected end of JSON input'],
    ['{"a":[1', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['{x', "invalid character 'x' looking for beginning of object key string"],
    ['{"a" 1', "invalid character '1' after object key"],
    ['{"a":1 2', "invalid character '2' after object key:value pair"],
    ['{"a":[1 2', "invalid character '2' after array element"],
    ['{} {', "invalid character '{' after top-level value"],
    ['fd', "invalid character 'd' in literal false (expecting 'a')"],
    ['{"a":nul}', "invalid character '}' in literal null (expecting 'l')"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['{"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12x4"', "invalid character 'x' in \\u hexadecimal character escape"],
    ["{'a'", "invalid character '\\'' looking for beginning of object key string"],
    ['[]', 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
    ['"a"', 'json: cannot unmarshal string into Go value of type map[string]interface {}'],
    ['1', 'json: cannot unmarshal number into Go value of type map[string]interface {}'],
    ['true', 'json: cannot unmarshal bool into Go value of type map[string]interface {}'],
    ['['.repeat(10001), 'exceeded max depth'],
    [`{"${'x\\n'.repeat(300_000)}":1`, 'unexpected end of JSON input'],
  ] as const) {
    t.equal(goJSONObjectError(text), error, text.slice(0, 60))
  }
})

t.test('of the secrets of an account only the names count', async (t) => {
  const account = await stored(t, { apiVersion: 'v1', kind: 'ServiceAccount', metadata, secrets: [{ name: 's', namespace: 'other', uid: '1' }] })
  t.same(account['secrets'], [{ name: 's' }])
  const annotated = { metadata: { ...metadata, annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } }
  const { api } = await startApi(t)
  const ctx = api.context({ user: { name: '', groups: [] }, namespace: 'ns', dryRun: false, fieldManager: '', fieldValidation: 'Ignore' })
  const warnings = (old?: typeof annotated) => serviceAccounts.warnings?.(annotated, old, ctx)
  t.same(warnings(), ['metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets'])
  t.same(warnings(annotated), [])
})
