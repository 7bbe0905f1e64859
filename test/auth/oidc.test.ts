/** Tokens of an issuer outside, which is a real one here: discovery, keys and tokens over HTTPS. */
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import t, { type Test } from 'tap'
import { OidcTokens, type OidcOptions } from '../../src/auth/oidc.ts'
import { FakeClock } from '../../src/clock.ts'
import { startJsonServer } from '../helpers/json-server.ts'

const NOW_MS = Date.parse('2026-01-01T00:00:00Z')

async function start(t: Test, options: Partial<OidcOptions> = {}) {
  const clock = new FakeClock(NOW_MS)
  let keys = [await newKey('first')]
  const issuer = await startJsonServer(t, (path) => {
    if (path === '/.well-known/openid-configuration') return { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
    return path === '/keys' ? { keys: keys.map(({ jwk }) => jwk) } : undefined
  })
  const tokens = new OidcTokens({ issuerURL: issuer.url, clientID: 'orrery', ca: issuer.ca, ...options }, clock)
  const sign = (claims: JWTPayload, { key = keys[0], aud = 'orrery', seconds = 600 } = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: key?.jwk.kid ?? '' })
      .setIssuer(issuer.url)
      .setAudience(aud)
      .setExpirationTime(NOW_MS / 1000 + seconds)
      .sign(key?.privateKey ?? new Uint8Array())
  const rotate = async () => {
    keys = [await newKey('second')]
  }
  return { clock, issuer, tokens, sign, rotate, newKey }
}

async function newKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

t.test('users and groups out of claims', async (t) => {
  const { issuer, tokens, sign } = await start(t, { usernameClaim: 'email', groupsClaim: 'roles', groupsPrefix: 'oidc:', requiredClaims: { tenant: 'a' } })
  const claims = { email: 'jane@example.com', email_verified: true, roles: ['dev', 'ops'], tenant: 'a' }
  t.match(await tokens.authenticateToken(await sign(claims)), { user: { name: 'jane@example.com', groups: ['oidc:dev', 'oidc:ops'] } })
  const refusals = [
    [{ ...claims, email_verified: false }, 'oidc: email not verified'],
    [{ ...claims, tenant: 'b' }, 'oidc: required claim tenant value does not match. Got = b, want = a'],
    [{ email: 'x', email_verified: true }, 'oidc: required claim tenant not present in ID token'],
    [{ tenant: 'a' }, 'oidc: parse username claims "email": claim not present'],
  ] as const
  for (const [wrong, error] of refusals) t.same(await tokens.authenticateToken(await sign(wrong as JWTPayload)), { error })
  t.equal(issuer.asked.length, 2, 'the issuer is asked once')
})

t.test('the subject, with the issuer before it, unless told', async (t) => {
  const { issuer, tokens, sign } = await start(t)
  t.match(await tokens.authenticateToken(await sign({ sub: '42' })), { user: { name: `${issuer.url}#42`, groups: [] } })
})

t.test('tokens that are not for us, over, or not the issuer’s', async (t) => {
  const { clock, tokens, sign } = await start(t)
  t.match(await tokens.authenticateToken(await sign({ sub: 'x' }, { aud: 'somebody' })), { error: /expected audience in \["orrery"\] got \["somebody"\]/ })
  t.match(await tokens.authenticateToken(await sign({ sub: 'x' }, { key: await newKey('first') })), { error: /^oidc: verify token: / })
  t.same(await tokens.authenticateToken('no.such.token'), {}, 'another source may know it')
  const token = await sign({ sub: 'x' })
  await clock.step(601_000)
  t.match(await tokens.authenticateToken(token), { error: /^oidc: verify token: / })
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
