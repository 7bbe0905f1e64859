import t from 'tap'
import { ANONYMOUS, Authenticator, staticToken, type Credentials } from '../../src/auth/authenticate.ts'
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

t.test('tokens', async (t) => {
  const auth = new Authenticator([staticToken('secret', ADMIN), async (token) => (token === 'other' ? { name: 'jane', groups: [] } : undefined)])
  const ask = (authorization: string | undefined) => auth.authenticate({ authorization, socket: socket() })
  t.same(await ask('Bearer secret'), { ...ADMIN, groups: ['system:masters', 'system:authenticated'] })
  t.same(await ask('bearer secret'), await ask('Bearer secret'), 'the scheme is written either way')
  t.same(await ask('Bearer other'), { name: 'jane', groups: ['system:authenticated'] }, 'the next verifier is asked')
  for (const nobody of [undefined, '', 'Basic c2VjcmV0', 'Bearer', 'Bearer ', 'secret', 'Negotiate x']) t.equal(await ask(nobody), ANONYMOUS, String(nobody))
  for (const wrong of ['Bearer wrong', 'Bearer secre', 'Bearer secrets', 'Bearer \u00fcber']) {
    const error: unknown = await ask(wrong).catch((e: unknown) => e)
    t.ok(isStatusError(error, 'Unauthorized'), wrong)
  }
})

t.test('certificates', async (t) => {
  const auth = new Authenticator([staticToken('secret', ADMIN)])
  const one = socket({ subject: { CN: 'kube', O: 'team' }, fingerprint256: 'AB:CD:EF' })
  const expected = { name: 'kube', groups: ['team', 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=abcdef'] } }
  t.same(await auth.authenticate({ authorization: undefined, socket: one }), expected)
  t.same(await auth.authenticate({ authorization: 'Bearer secret', socket: one }), expected, 'count before tokens')
  t.equal(one.asked, 1, 'and are looked at once for a connection')
  t.match(await auth.authenticate({ authorization: undefined, socket: socket({ subject: { CN: ['first', 'second'], O: ['a', 'b'] } }) }), { name: 'first', groups: ['a', 'b', 'system:authenticated'] })
  t.equal(await auth.authenticate({ authorization: undefined, socket: socket({ subject: { O: 'nameless' } }) }), ANONYMOUS)
  t.match(await auth.authenticate({ authorization: 'Bearer secret', socket: socket({ subject: {} }) }), { name: 'admin' })
})
