import t from 'tap'
import { ANONYMOUS, Authenticator, type Credentials } from '../../src/auth/authenticate.ts'
import { forServer, staticToken, Tokens } from '../../src/auth/tokens.ts'
import { isStatusError } from '../../src/errors.ts'

const ADMIN = { name: 'admin', uid: '7', groups: ['system:masters'] }
type Certificate = { subject?: { CN?: string | string[]; O?: string | string[] }; fingerprint256?: string }

function socket(certificate?: Certificate): Credentials['socket'] & { asked: number } {
  const made = {
    asked: 0,
    authorized: certificate !== undefined,
    getPeerCertificate() {
      made.asked++
      return certificate ?? {}
    },
  }
  return made as unknown as Credentials['socket'] & { asked: number }
}

const OWN = ['api']
const tokens = new Tokens([forServer(OWN, staticToken('secret', ADMIN)), forServer(OWN, async (token) => (token === 'other' ? { name: 'jane', groups: [] } : undefined))], OWN)

/** Credentials of these headers; what the client is told goes nowhere unless there is a list for it. */
function credentials(headers: Record<string, string | undefined>, from = socket(), warnings: string[] = []): Credentials {
  return { headers, rawHeaders: Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [name, value])), socket: from, path: '/', warn: (text) => warnings.push(text), annotate: () => undefined }
}

t.test('tokens', async (t) => {
  const auth = new Authenticator({ tokens, clientCA: '' })
  const ask = (authorization: string | undefined, warnings?: string[]) => auth.authenticate(credentials({ authorization }, socket(), warnings))
  t.same(await ask('Bearer secret'), { ...ADMIN, groups: ['system:masters', 'system:authenticated'] })
  t.same(await ask('bearer secret'), await ask('Bearer secret'), 'the scheme is written either way')
  t.same(await ask('Bearer other'), { name: 'jane', groups: ['system:authenticated'] }, 'the next verifier is asked')
  for (const nobody of [undefined, '', 'Basic c2VjcmV0', 'Bearer', 'Bearer ', 'secret', 'Negotiate x']) t.equal(await ask(nobody), ANONYMOUS, String(nobody))
  for (const wrong of ['Bearer wrong', 'Bearer secre', 'Bearer secrets', 'Bearer \u00fcber']) {
    const error: unknown = await ask(wrong).catch((e: unknown) => e)
    t.ok(isStatusError(error, 'Unauthorized'), wrong)
  }
  const warnings: string[] = []
  t.equal(await ask('Bearer  secret', warnings), ANONYMOUS)
  t.same(warnings, ['the provided Authorization header contains extra space before the bearer token, and is ignored'])
  const protocols = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}, v4.channel.k8s.io`
  t.match(await auth.authenticate(credentials({ upgrade: 'WebSocket', 'sec-websocket-protocol': protocols })), { name: 'admin' }, 'a WebSocket brings its token as a protocol')
  t.equal(await auth.authenticate(credentials({ 'sec-websocket-protocol': protocols })), ANONYMOUS, 'nothing else does')
  await t.rejects(new Authenticator({ tokens, clientCA: '', anonymous: false }).authenticate(credentials({})), { code: 401 })
})

t.test('audiences of tokens', async (t) => {
  t.match(await tokens.authenticateToken('secret', []), { user: { name: 'admin' }, audiences: ['api'] })
  t.match(await tokens.authenticateToken('secret', ['x', 'api']), { audiences: ['api'] })
  t.same(await tokens.authenticateToken('secret', ['x']), { error: 'invalid bearer token' })
  const failing = new Tokens([() => ({ error: 'a' }), async () => ({ error: 'b' }), () => ({})], OWN)
  t.same(await failing.authenticateToken('x', []), { error: '[invalid bearer token, a, b]' })
  t.equal(await userOf(tokens), await userOf(tokens), 'a user stays the same object')
})

async function userOf(source: Tokens): Promise<unknown> {
  const verdict = await source.authenticateToken('secret', [])
  return 'user' in verdict ? verdict.user : undefined
}

t.test('certificates', async (t) => {
  const auth = new Authenticator({ tokens, clientCA: '' })
  const one = socket({ subject: { CN: 'kube', O: 'team' }, fingerprint256: 'AB:CD:EF' })
  const expected = { name: 'kube', groups: ['team', 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=abcdef'] } }
  t.same(await auth.authenticate(credentials({}, one)), expected)
  t.same(await auth.authenticate(credentials({ authorization: 'Bearer secret' }, one)), expected, 'count before tokens')
  t.equal(one.asked, 1, 'and are looked at once for a connection')
  t.match(await auth.authenticate(credentials({}, socket({ subject: { CN: ['first', 'second'], O: ['a', 'b'] } }))), { name: 'second', groups: ['a', 'b', 'system:authenticated'] })
  t.equal(await auth.authenticate(credentials({}, socket({ subject: { O: 'nameless' } }))), ANONYMOUS)
  t.match(await auth.authenticate(credentials({ authorization: 'Bearer secret' }, socket({ subject: {} }))), { name: 'admin' })
})
