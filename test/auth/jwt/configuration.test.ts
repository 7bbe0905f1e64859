/** What may stand in the file; the texts are a real server's. */
import t from 'tap'
import { parseAuthenticationConfiguration } from '../../../src/auth/jwt/configuration.ts'
import { validateAuthenticationConfiguration } from '../../../src/auth/jwt/validation.ts'

const HEAD = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n'

t.test('what cannot be read', async (t) => {
  for (const [text, message] of [
    ['', 'empty config data'],
    ['{', "couldn't get version/kind; json parse error: unexpected end of JSON input"],
    ['a: b: c\n', 'yaml: mapping values are not allowed in this context'],
    ['kind: AuthenticationConfiguration\n', "Object 'apiVersion' is missing in 'kind: AuthenticationConfiguration\n'"],
    [HEAD.replace('AuthenticationConfiguration', 'Foo'), 'no kind "Foo" is registered for version "apiserver.config.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"'],
    [HEAD.replace('/v1', '/v2'), 'no kind "AuthenticationConfiguration" is registered for version "apiserver.config.k8s.io/v2" in scheme "pkg/runtime/scheme.go:111"'],
    [HEAD.replace('AuthenticationC', 'AuthorizationC'), 'expected AuthenticationConfiguration, got *apiserver.AuthorizationConfiguration'],
    [`${HEAD}jwt:\n- foo: x\n  issuer: {url: 1}\n`, 'json: cannot unmarshal number into Go struct field Issuer.jwt.issuer.url of type string'],
    [`${HEAD}jwt:\n- foo: x\n  issuer: {bar: 1}\nzip: 1\n`, 'strict decoding error: unknown field "jwt[0].foo", unknown field "jwt[0].issuer.bar", unknown field "zip"'],
    [`${HEAD}jwt: []\njwt: []\n`, 'strict decoding error: yaml: unmarshal errors:\n  line 4: key "jwt" already set in map'],
  ] as const) t.throws(() => parseAuthenticationConfiguration(text), { message })
})

const WRONG = `${HEAD}
jwt:
- issuer: {url: "http://x?y#z", audiences: []}
  claimMappings: {username: {claim: email}, groups: {claim: a, expression: b}, uid: {claim: x, expression: "q"}, extra: [{key: Foo, valueExpression: "claims."}, {key: "k8s.io/x", valueExpression: ""}, {key: "example.com/A", valueExpression: "1 + 'a'"}]}
  claimValidationRules: [{}, {claim: a, message: m}, {claim: a}, {expression: "claims.x", requiredValue: v}, {expression: "claims.x"}, {claim: b, expression: "true"}]
  userValidationRules: [{}, {expression: "user.foo == 'x'"}, {expression: "user.username"}]
- issuer: {url: "https://mine", discoveryURL: "https://mine/", audiences: [a, a, ""], certificateAuthority: x}
  claimMappings: {username: {expression: "claims.email"}}
- issuer: {url: "https://a b", audiences: [a], audienceMatchPolicy: Foo, egressSelectorType: etcd}
  claimMappings: {username: {}}
anonymous: {enabled: false, conditions: [{path: /x}]}
`

t.test('what makes no sense', async (t) => {
  const { errors } = validateAuthenticationConfiguration(parseAuthenticationConfiguration(WRONG), ['https://mine'])
  t.strictSame(
    errors.map(({ field, body }) => `${field}: ${body}`),
    [
      'jwt[0].issuer.url: Invalid value: "http://x?y#z": URL scheme must be https',
      'jwt[0].issuer.url: Invalid value: "http://x?y#z": URL must not contain a query',
      'jwt[0].issuer.url: Invalid value: "http://x?y#z": URL must not contain a fragment',
      'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required',
      'jwt[0].claimValidationRules[0]: Required value: claim or expression is required',
      'jwt[0].claimValidationRules[1].message: Invalid value: "m": may not be specified when claim is set',
      'jwt[0].claimValidationRules[2].claim: Duplicate value: "a"',
      'jwt[0].claimValidationRules[3].requiredValue: Invalid value: "v": may not be specified when expression is set',
      'jwt[0].claimValidationRules[3].expression: Invalid value: "claims.x": must evaluate to bool',
      'jwt[0].claimValidationRules[4].expression: Duplicate value: "claims.x"',
      'jwt[0].claimValidationRules[5]: Invalid value: "b": claim and expression can\'t both be set',
      'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
      'jwt[0].claimMappings.groups: Invalid value: "": claim and expression can\'t both be set',
      'jwt[0].claimMappings.uid: Invalid value: "": claim and expression can\'t both be set',
      'jwt[0].claimMappings.extra[0].key: Invalid value: "Foo": must be a domain-prefixed path (such as "acme.io/foo")',
      'jwt[0].claimMappings.extra[0].key: Invalid value: "Foo": must be lowercase',
      'jwt[0].claimMappings.extra[0].valueExpression: Invalid value: "claims.": compilation failed: ERROR: <input>:1:8: Syntax error: no viable alternative at input \'.\'\n | claims.\n | .......^',
      'jwt[0].claimMappings.extra[1].key: Invalid value: "k8s.io/x": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
      'jwt[0].claimMappings.extra[1].valueExpression: Required value',
      'jwt[0].claimMappings.extra[2].key: Invalid value: "example.com/A": must be lowercase',
      "jwt[0].claimMappings.extra[2].valueExpression: Invalid value: \"1 + 'a'\": compilation failed: ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^",
      'jwt[0].userValidationRules[0].expression: Required value',
      "jwt[0].userValidationRules[1].expression: Invalid value: \"user.foo == 'x'\": compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n | user.foo == 'x'\n | ....^",
      'jwt[0].userValidationRules[2].expression: Invalid value: "user.username": must evaluate to bool',
      'jwt[1].issuer.url: Invalid value: "https://mine": URL must not overlap with disallowed issuers: [https://mine]',
      'jwt[1].issuer.discoveryURL: Invalid value: "https://mine/": discoveryURL must be different from URL',
      'jwt[1].issuer.audiences[1]: Duplicate value: "a"',
      'jwt[1].issuer.audiences[2]: Required value',
      'jwt[1].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
      'jwt[1].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
      'jwt[1].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
      'jwt[2].issuer.url: Invalid value: "https://a b": parse "https://a b": invalid character " " in host name',
      'jwt[2].issuer.audienceMatchPolicy: Invalid value: "Foo": audienceMatchPolicy must be empty or MatchAny for single audience',
      'jwt[2].issuer.egressSelectorType: Invalid value: "etcd": egress selector must be either controlplane or cluster',
      'jwt[2].claimMappings.username: Required value: claim or expression is required',
      'anonymous.conditions: Invalid value: [{"Path":"/x"}]: enabled should be set to true when conditions are defined',
    ],
  )
})

t.test('an address counts when the issuer has seen that it is the user’s', async (t) => {
  const jwt = (mappings: object, rules: object[] = []) => ({ jwt: [{ issuer: { url: 'https://i', audiences: ['a'] }, claimMappings: mappings, claimValidationRules: rules }] })
  for (const [configuration, count] of [
    [jwt({ username: { expression: 'claims.email' } }), 1],
    [jwt({ username: { expression: 'claims.?email.orValue("")' } }), 1],
    [jwt({ username: { expression: 'claims.email_verified ? claims.email : "x"' } }), 0],
    [jwt({ username: { expression: 'claims.email' } }, [{ expression: 'claims.?email_verified.orValue(true) == true' }]), 0],
    [jwt({ username: { expression: 'claims.email' }, extra: [{ key: 'example.com/v', valueExpression: 'string(claims.email_verified)' }] }), 0],
  ] as const) t.equal(validateAuthenticationConfiguration(configuration, []).errors.length, count, JSON.stringify(configuration))
})
