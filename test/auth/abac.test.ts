import t from 'tap'
import { abacAuthorizer, parseAbacPolicies } from '../../src/auth/abac.ts'
import { authorizationOf } from '../../src/auth/modes.ts'
import { FakeClock } from '../../src/clock.ts'
import { userNamed } from '../helpers/in-process-api.ts'
import type { AuthorizationAttributes } from '../../src/registry/authorization.ts'

const V1BETA1 = '"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy"'
const policies = parseAbacPolicies(
  `# who may do what

{${V1BETA1},"spec":{"user":"jane","namespace":"*","resource":"*","apiGroup":"*"}}
{${V1BETA1},"spec":{"user":"bob","namespace":"shop","resource":"pods","readonly":true}}
  {${V1BETA1},"spec":{"group":"ops","user":"*","nonResourcePath":"/logs*"}}
{${V1BETA1},"spec":{"namespace":"*","resource":"*","apiGroup":"*"}}
{"user":"old","resource":"secrets"}
{"readonly":true,"namespace":"open"}
`,
  'policies',
)
const user = (name: string, ...groups: string[]) => ({ ...userNamed(name), groups })
const on = (name: string, verb: string, what: Partial<AuthorizationAttributes> = {}): AuthorizationAttributes => ({ user: user(name), verb, namespace: 'shop', apiGroup: '', apiVersion: 'v1', resource: 'pods', subresource: '', name: 'x', ...what })

t.test('who may do what', async (t) => {
  const authorizer = abacAuthorizer(policies)
  for (const [attributes, isAllowed] of [
    [on('jane', 'delete', { apiGroup: 'apps', namespace: '' }), true],
    [{ user: user('jane'), verb: 'get', path: '/logs' }, false],
    [on('bob', 'watch'), true],
    [on('bob', 'update'), false],
    [on('bob', 'get', { namespace: 'other' }), false],
    [on('bob', 'get', { resource: 'secrets' }), false],
    [on('bob', 'get', { apiGroup: 'apps' }), false],
    [{ user: user('kim', 'ops'), verb: 'post', path: '/logs/a' }, true],
    [{ user: user('kim', 'ops'), verb: 'get', path: '/log' }, false],
    [{ user: user('kim'), verb: 'get', path: '/logs' }, false],
    [on('old', 'delete', { resource: 'secrets', apiGroup: 'any' }), true],
    [on('old', 'get'), false],
    [on('all', 'list', { user: user('all', 'system:authenticated'), namespace: 'open' }), true],
    [on('all', 'create', { user: user('all', 'system:authenticated'), namespace: 'open' }), false],
    [on('all', 'list', { namespace: 'open' }), false],
  ] as const) {
    const expected = isAllowed ? { decision: 'Allow', reason: '' } : { decision: 'NoOpinion', reason: 'No policy matched.' }
    t.same(await authorizer.authorize(attributes), expected, JSON.stringify(attributes))
  }
  t.same(await authorizer.rulesFor(user('bob'), 'shop'), { resourceRules: [{ verbs: ['get', 'list', 'watch'], apiGroups: [''], resources: ['pods'] }], nonResourceRules: [], incomplete: false })
})

t.test('what cannot be', async (t) => {
  for (const [line, message] of [
    ['{bad', "couldn't get version/kind; json parse error: invalid character 'b' looking for beginning of object key string"],
    [`{${V1BETA1.replace('Policy', 'Foo')}}`, 'no kind "Foo" is registered for version "abac.authorization.kubernetes.io/v1beta1" in scheme "pkg/runtime/scheme.go:111"'],
    ['{"user":5}', 'json: cannot unmarshal number into Go struct field Policy.user of type string'],
    ['{"apiVersion":"v2","kind":"Policy","user":"a"}', 'no kind "Policy" is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"'],
    [`{${V1BETA1},"spec":{"readonly":"x"}}`, 'json: cannot unmarshal string into Go struct field PolicySpec.spec.readonly of type bool'],
  ] as const) t.throws(() => parseAbacPolicies(`\n${line}`, 'p.jsonl'), { message: `error reading policy file p.jsonl, line 2: ${line}: ${message}` })
  const feeds = { for: () => ({ subscribe: () => () => undefined }) } as never
  for (const [options, message] of [
    [{ modes: ['ABAC'] }, "authorization-mode ABAC's authorization policy file not passed"],
    [{ modes: ['AlwaysDeny'], policies }, 'cannot specify --authorization-policy-file without mode ABAC'],
  ] as const) t.throws(() => authorizationOf(options, { feeds, clock: new FakeClock(0) }), { message })
  t.equal((await authorizationOf({ modes: ['AlwaysDeny', 'ABAC'], policies }, { feeds, clock: new FakeClock(0) }).authorizer.authorize(on('jane', 'get'))).decision, 'Allow')
})
