/** Tokens of issuers outside, which are real ones here: discovery, keys and tokens over HTTPS. */
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import t, { type Test } from 'tap'
import type { AuthenticationConfiguration, Issuer, JwtAuthenticatorConfiguration } from '../../../src/auth/jwt/configuration.ts'
import { JwtTokens } from '../../../src/auth/jwt/jwt-authenticator.ts'
import { FakeClock } from '../../../src/clock.ts'
import { startJsonServer } from '../../helpers/json-server.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00Z')
const SUBJECT: JwtAuthenticatorConfiguration = { claimMappings: { username: { claim: 'sub', prefix: '' } } }

interface Setup {
  authenticator?: JwtAuthenticatorConfiguration
  issuer?: Issuer
  /** What else the issuer answers. */
  answer?: (path: string) => object | string | undefined
}

async function start(t: Test, { authenticator = SUBJECT, issuer: more = {}, answer }: Setup = {}) {
  const clock = new FakeClock(NOW_MS)
  let keys = [await newKey('first')]
  const issuer = await startJsonServer(t, (path) => {
    if (path === '/.well-known/openid-configuration' || path === '/elsewhere') return { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
    return path === '/keys' ? { keys: keys.map(({ jwk }) => jwk) } : answer?.(path)
  })
  const configuration: AuthenticationConfiguration = { jwt: [{ ...authenticator, issuer: { url: issuer.url, audiences: ['orrery'], certificateAuthority: issuer.ca, ...more } }] }
  const tokens = new JwtTokens(configuration, { disallowedIssuers: [], signingAlgs: ['ES256'], clock })
  const sign = (claims: JWTPayload, { key = keys[0], aud = 'orrery', seconds = 600 } = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: key?.jwk.kid ?? '' })
      .setIssuer(issuer.url)
      .setAudience(aud)
      .setExpirationTime(NOW_MS / 1000 + seconds)
      .sign(key?.privateKey ?? new Uint8Array())
  const rotate = async () => {
    keys = [await newKey('second')]
  }
  return { clock, configuration, issuer, tokens, sign, rotate, ask: async (claims: JWTPayload) => tokens.authenticateToken(await sign(claims)) }
}

async function newKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}

t.test('users and groups out of claims', async (t) => {
  const { issuer, ask } = await start(t, {
    authenticator: { claimMappings: { username: { claim: 'email', prefix: '' }, groups: { claim: 'roles', prefix: 'oidc:' }, uid: { claim: 'id' } }, claimValidationRules: [{ claim: 'tenant', requiredValue: 'a' }] },
  })
  const claims = { email: 'jane@example.com', email_verified: true, roles: ['dev', 'ops'], tenant: 'a', id: '7' }
  t.match(await ask(claims), { user: { name: 'jane@example.com', uid: '7', groups: ['oidc:dev', 'oidc:ops'] } })
  t.match(await ask({ ...claims, roles: 'dev', jti: 'x' }), { user: { groups: ['oidc:dev'], extra: { 'authentication.kubernetes.io/credential-id': ['JTI=x'] } } })
  const refusals: [JWTPayload, string][] = [
    [{ ...claims, email_verified: false }, 'oidc: email not verified'],
    [{ ...claims, email_verified: 'yes' }, "oidc: parse 'email_verified' claim: json: cannot unmarshal string into Go value of type bool"],
    [{ ...claims, tenant: 'b' }, 'oidc: required claim tenant value does not match. Got = b, want = a'],
    [{ ...claims, tenant: 1 }, 'oidc: parse claim tenant: json: cannot unmarshal number into Go value of type string'],
    [{ ...claims, roles: [1] }, 'oidc: parse groups claim "roles": json: cannot unmarshal array into Go value of type string'],
    [{ ...claims, id: undefined }, 'oidc: parse uid claim "id": claim not present'],
    [{ email: 'x', email_verified: true, id: '7' }, 'oidc: required claim tenant not present in ID token'],
    [{ tenant: 'a' }, 'oidc: parse username claims "email": claim not present'],
  ]
  for (const [wrong, error] of refusals) t.same(await ask(wrong), { error })
  t.equal(issuer.asked.length, 2, 'the issuer is asked once')
})

t.test('users and groups by expressions', async (t) => {
  const { ask } = await start(t, {
    authenticator: {
      claimMappings: {
        username: { expression: "'ext:' + claims.name" },
        groups: { expression: 'claims.?roles.orValue("")' },
        uid: { expression: 'claims.account.id' },
        extra: [
          { key: 'example.com/tenant', valueExpression: 'claims.account.tenant' },
          { key: 'example.com/none', valueExpression: "''" },
        ],
      },
      claimValidationRules: [{ expression: 'claims.level >= 2', message: 'too low' }],
      userValidationRules: [
        { expression: "!user.username.startsWith('ext:system:')", message: 'reserved' },
        { expression: "user.groups.all(g, g != 'system:masters')" },
        { expression: "'example.com/tenant' in user.extra && user.extra['example.com/tenant'] == ['a']", message: 'no tenant' },
      ],
    },
  })
  const claims = { name: 'jane', roles: ['dev', ''], account: { id: 'i', tenant: 'a' }, level: 2 }
  t.same(await ask(claims), { user: { name: 'ext:jane', uid: 'i', groups: ['dev'], extra: { 'example.com/tenant': ['a'] } } })
  t.match(await ask({ ...claims, roles: undefined }), { user: { groups: [] } })
  const refusals: [JWTPayload, string | RegExp][] = [
    [{ ...claims, level: 1 }, "oidc: error evaluating claim validation expression: validation expression 'claims.level >= 2' failed: too low"],
    [{ ...claims, level: undefined }, "oidc: error evaluating claim validation expression: expression 'claims.level >= 2' resulted in error: no such key: level"],
    [{ ...claims, name: 'system:x' }, "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('ext:system:')' failed: reserved"],
    [{ ...claims, roles: ['system:masters'] }, "oidc: error evaluating user info validation rule: validation expression 'user.groups.all(g, g != 'system:masters')' failed: "],
    [{ ...claims, account: { id: 7, tenant: 'a' } }, 'oidc: error evaluating uid claim expression: uid claim expression must return a string'],
    [{ ...claims, roles: { a: 1 } }, 'oidc: error evaluating group claim expression: expression must return a string or a list of strings'],
    [{ ...claims, account: { id: 'i', tenant: 'b' } }, /failed: no tenant$/],
    [{ ...claims, name: 1 }, "oidc: error evaluating username claim expression: expression ''ext:' + claims.name' resulted in error: no such overload"],
  ]
  for (const [wrong, error] of refusals) t.match(await ask(wrong), { error })
})

t.test('tokens that are not for us, over, or not the issuer’s', async (t) => {
  const { clock, tokens, sign } = await start(t)
  t.match(await tokens.authenticateToken(await sign({ sub: 'x' }, { aud: 'somebody' })), { error: 'oidc: verify token: oidc: expected audience "orrery" got ["somebody"]' })
  t.match(await tokens.authenticateToken(await sign({ sub: 'x' }, { key: await newKey('first') })), { error: 'oidc: verify token: failed to verify signature: failed to verify id token signature' })
  t.match(await tokens.authenticateToken(await sign({ sub: 'x', nbf: NOW_MS / 1000 + 61 })), { error: 'oidc: verify token: oidc: current time 2026-01-01 00:00:00 +0000 UTC before the nbf (not before) time: 2026-01-01 00:01:01 +0000 UTC' })
  t.same(await tokens.authenticateToken('no.such.token'), {}, 'another source may know it')
  const token = await sign({ sub: 'x' })
  const [header, payload] = token.split('.')
  t.match(await tokens.authenticateToken(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`), { error: 'oidc: verify token: oidc: id token signed with unsupported algorithm, expected ["ES256"] got "none"' })
  t.match(await tokens.authenticateToken(`${header}.${payload}.`), { error: /signature/ })
  await clock.step(601_000)
  t.match(await tokens.authenticateToken(token), { error: 'oidc: verify token: oidc: token is expired (Token Expiry: 2026-01-01 00:10:00 +0000 UTC)' })
})

t.test('several audiences, and keys that are found elsewhere', async (t) => {
  const { issuer, tokens, sign } = await start(t, { issuer: { audiences: ['b', 'a'], audienceMatchPolicy: 'MatchAny' } })
  t.match(await tokens.authenticateToken(await sign({ sub: 'x' }, { aud: 'a' })), { user: { name: 'x' } })
  t.match(await tokens.authenticateToken(await sign({ sub: 'x' }, { aud: 'c' })), { error: 'oidc: verify token: oidc: expected audience in ["a" "b"] got ["c"]' })
  const found = await start(t)
  const [jwt] = found.configuration.jwt ?? []
  const other = new JwtTokens({ jwt: [{ ...jwt, issuer: { ...jwt?.issuer, discoveryURL: `${found.issuer.url}/elsewhere` } }] }, { disallowedIssuers: [], signingAlgs: ['ES256'], clock: found.clock })
  t.match(await other.authenticateToken(await found.sign({ sub: 'x' })), { user: { name: 'x' } })
  t.equal(found.issuer.asked[0]?.path, '/elsewhere')
  t.equal(issuer.asked.length, 2)
})

t.test('a new key of the issuer is fetched, but not at every turn', async (t) => {
  const { clock, tokens, sign, rotate } = await start(t)
  t.ok('user' in (await tokens.authenticateToken(await sign({ sub: 'x' }))))
  await rotate()
  const token = await sign({ sub: 'x' })
  t.ok('error' in (await tokens.authenticateToken(token)))
  await clock.step(10_000)
  t.ok('user' in (await tokens.authenticateToken(token)))
})

t.test('groups that are asked for elsewhere', async (t) => {
  const authenticator = { claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { claim: 'groups', prefix: '' } } }
  let answer: string | undefined
  const { issuer, ask, sign } = await start(t, { authenticator, answer: () => answer })
  const from = (endpoint: string) => ({ sub: 'x', _claim_names: { groups: 'here' }, _claim_sources: { here: { endpoint, access_token: 'secret' } } })
  answer = await sign({ groups: ['far', 'away'] })
  t.match(await ask(from(`${issuer.url}/groups`)), { user: { groups: ['far', 'away'] } })
  t.equal(issuer.asked.find(({ path }) => path === '/groups')?.authorization, 'Bearer secret')
  answer = await sign({ roles: [] })
  t.match(await ask(from(`${issuer.url}/groups`)), { error: `oidc: could not expand distributed claims: jwt returned by distributed claim endpoint "${issuer.url}/groups" did not contain claim: groups` })
  answer = undefined
  t.match(await ask(from(`${issuer.url}/groups`)), { error: /^oidc: could not expand distributed claims: while getting distributed claim "groups": error while getting distributed claim JWT: 500/ })
  t.match(await ask({ sub: 'x', _claim_names: { groups: 'there' }, _claim_sources: {} }), { error: 'oidc: verify token: oidc: source does not exist' })
  t.match(await ask({ sub: 'x', _claim_names: { groups: 'there' } }), { error: 'oidc: verify token: oidc: source does not exist' })
  t.match(await ask({ sub: 'x', _claim_names: { groups: '' }, _claim_sources: {} }), { error: 'oidc: verify token: oidc: failed to obtain source from claim name' })
  t.match(await ask({ sub: 'x', _claim_names: { groups: 1 }, _claim_sources: {} }), { error: 'oidc: verify token: oidc: failed to unmarshal claims: json: cannot unmarshal number into Go struct field idToken._claim_names of type string' })
  t.match(await ask({ sub: 'x', _claim_names: { other: 'there' }, _claim_sources: { there: {} } }), { user: { groups: [] } })
})

t.test('a new configuration counts when its issuers have shown their keys', async (t) => {
  const { configuration, tokens, sign } = await start(t)
  const token = await sign({ sub: 'x' })
  const [jwt] = configuration.jwt ?? []
  const renamed = { jwt: [{ ...jwt, claimMappings: { username: { claim: 'sub', prefix: 'new:' } } }] }
  await t.rejects(tokens.replace({ jwt: [{ ...renamed.jwt[0], issuer: { ...jwt?.issuer, url: 'https://127.0.0.1:1' } }] }))
  t.match(await tokens.authenticateToken(token), { user: { name: 'x' } })
  await tokens.replace(renamed)
  t.match(await tokens.authenticateToken(token), { user: { name: 'new:x' } })
  await tokens.replace({})
  t.same(await tokens.authenticateToken(token), {})
})
