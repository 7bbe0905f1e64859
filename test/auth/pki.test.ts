import { X509Certificate, createPrivateKey } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t, { type Test } from 'tap'
import { loadPki, type PkiOptions } from '../../src/auth/pki.ts'
import { FakeClock, SystemRandom } from '../../src/clock.ts'

const DAY_MS = 24 * 3600 * 1000

function setUp(t: Test): PkiOptions & { clock: FakeClock; dir: string } {
  const dir = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-pki-')), 'pki')
  t.teardown(() => fs.rmSync(path.dirname(dir), { recursive: true, force: true }))
  return { dir, hosts: ['192.0.2.7', 'api.example.com'], clock: new FakeClock(), random: new SystemRandom() }
}

t.test('an authority, and certificates of it', async (t) => {
  const options = setUp(t)
  const { ca, server, admin, serviceAccountKey } = await loadPki(options)
  const [authority, serving, client] = [ca, server, admin].map(({ cert }) => new X509Certificate(cert))
  if (!authority || !serving || !client) throw new Error('a certificate is missing')
  t.ok(authority.ca)
  t.match(authority.subject, 'CN=kubernetes')
  for (const certificate of [serving, client]) {
    t.notOk(certificate.ca)
    t.ok(certificate.checkIssued(authority))
    t.ok(certificate.verify(authority.publicKey))
    t.equal(new Date(certificate.validFrom).getTime(), options.clock.now() - 3600_000, 'good for clocks that are a little behind')
  }
  for (const name of ['localhost', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'api.example.com']) t.ok(serving.checkHost(name), name)
  for (const address of ['127.0.0.1', '::1', '10.96.0.1', '192.0.2.7']) t.ok(serving.checkIP(address), address)
  t.notOk(serving.checkHost('example.org'))
  t.match(client.subject, 'O=system:masters\nCN=kubernetes-admin')
  t.ok(serving.checkPrivateKey(createPrivateKey(server.key)))
  t.ok(client.checkPrivateKey(createPrivateKey(admin.key)))
  t.equal(createPrivateKey(serviceAccountKey).asymmetricKeyType, 'rsa')
  t.match(admin.key, /^-----BEGIN RSA PRIVATE KEY-----\n/, 'which clients read that know no other keys')
  t.not(serving.serialNumber, client.serialNumber)
})

t.test('what is made once is kept, for its owner alone', async (t) => {
  const options = setUp(t)
  const first = await loadPki(options)
  t.same(await loadPki(options), first)
  for (const name of fs.readdirSync(options.dir)) t.equal(fs.statSync(path.join(options.dir, name)).mode & 0o077, 0, name)
  t.equal(fs.statSync(options.dir).mode & 0o077, 0)
})

t.test('what no longer serves is made anew by the same authority', async (t) => {
  const options = setUp(t)
  const first = await loadPki(options)
  const named = await loadPki({ ...options, hosts: [...options.hosts, 'new.example.com'] })
  t.equal(named.ca.cert, first.ca.cert)
  t.equal(named.admin.cert, first.admin.cert)
  t.not(named.server.cert, first.server.cert, 'a name was missing')
  t.ok(new X509Certificate(named.server.cert).checkHost('new.example.com'))

  await options.clock.step(300 * DAY_MS)
  t.equal((await loadPki(options)).server.cert, named.server.cert, 'what has names to spare stays')
  await options.clock.step(50 * DAY_MS)
  const renewed = await loadPki(options)
  t.not(renewed.server.cert, named.server.cert, 'a month before its end')
  t.not(renewed.admin.cert, first.admin.cert)
  t.equal(renewed.ca.cert, first.ca.cert)
  t.equal(renewed.serviceAccountKey, first.serviceAccountKey)
})

t.test('half a pair is no pair', async (t) => {
  const options = setUp(t)
  const first = await loadPki(options)
  fs.rmSync(path.join(options.dir, 'apiserver.key'))
  const second = await loadPki(options)
  t.equal(second.ca.cert, first.ca.cert)
  t.ok(new X509Certificate(second.server.cert).checkPrivateKey(createPrivateKey(second.server.key)))
})

t.test('without a directory nothing is written', async (t) => {
  const options = setUp(t)
  const memory = { ...options, dir: undefined }
  const [one, two] = [await loadPki(memory), await loadPki(memory)]
  t.not(one.ca.cert, two.ca.cert)
  t.notOk(fs.existsSync(options.dir))
})
