/** A front proxy that names users in headers, with real certificates: who is believed, and who is not. */
import fs from 'node:fs'
import https from 'node:https'
import t, { type Test } from 'tap'
import { issueCertificate, type KeyPair } from '../../src/apimachinery/certificate.ts'
import { FRONT_PROXY_HEADERS } from '../../src/auth/front-proxy.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'
import type { ClusterOptions } from '../../src/cluster.ts'
import { startApiCluster } from '../helpers/http.ts'

const now = new SystemClock().now()
const random = new SystemRandom()
const issue = (subject: string, more: Partial<Parameters<typeof issueCertificate>[0]> = {}) => issueCertificate({ subject, years: 1, now, random, ...more })

async function start(t: Test, allowedNames: readonly string[], more: Partial<ClusterOptions> = {}) {
  const authority = await issue('CN=proxies', { isCA: true })
  const api = await startApiCluster(t, { authentication: { frontProxy: { ca: authority.cert, allowedNames, ...FRONT_PROXY_HEADERS } }, ...more })
  return { authority, api, ask: (pair: KeyPair | undefined, headers: Record<string, string | string[]> = {}) => who(api.cluster.url, pair, headers) }
}

interface Who {
  status: number
  user?: object
  reason?: string
}

/** What the server thinks who asks. */
function who(url: string, pair: KeyPair | undefined, headers: Record<string, string | string[]>): Promise<Who> {
  return new Promise((resolve, reject) => {
    const body = '{}'
    const request = https.request(`${url}/apis/authentication.k8s.io/v1/selfsubjectreviews`, { method: 'POST', rejectUnauthorized: false, agent: false, ...pair, headers: { 'content-type': 'application/json', 'content-length': body.length, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { status, reason } = JSON.parse(Buffer.concat(chunks).toString()) as { status?: { userInfo?: object }; reason?: string }
        resolve({ status: response.statusCode ?? 0, ...(status?.userInfo ? { user: status.userInfo } : {}), ...(reason ? { reason } : {}) })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

const JANE = { 'x-remote-user': 'jane', 'x-remote-group': ['dev', 'ops'], 'x-remote-extra-Scope%2fA': 'b' }
const NOBODY: Who = { status: 401, reason: 'Unauthorized' }

t.test('a certificate of the authority, and an allowed name', async (t) => {
  const { authority, api, ask } = await start(t, ['proxy'])
  const proxy = await issue('CN=proxy', { issuer: authority })
  t.same(await ask(proxy, JANE), { status: 201, user: { username: 'jane', groups: ['dev', 'ops', 'system:authenticated'], extra: { 'scope/a': ['b'] } } })
  t.same(await ask(proxy, { ...JANE, authorization: 'Bearer test-admin' }), await ask(proxy, JANE), 'headers come before tokens')
  t.same(await ask(proxy), NOBODY, 'without headers it is nobody that is known')
  t.match(await ask(proxy, { authorization: 'Bearer test-admin' }), { status: 201, user: { username: 'admin' } })
  t.match(await ask(await issue('CN=other, CN=proxy', { issuer: authority }), JANE), { user: { username: 'jane' } }, 'of several names the last counts')
  const { data } = (await api.get('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).body as unknown as { data: Record<string, string> }
  t.equal(data['requestheader-allowed-names'], '["proxy","front-proxy-client"]', 'others are to believe this server, too')
  t.ok(data['requestheader-client-ca-file']?.startsWith(authority.cert.trim()))
  t.equal(data['requestheader-client-ca-file']?.match(/BEGIN CERTIFICATE/g)?.length, 2)
})

t.test('anybody else', async (t) => {
  const { authority, ask } = await start(t, ['proxy'])
  const twin = await issue('CN=proxies', { isCA: true })
  const liars: [string, KeyPair | undefined, Who][] = [
    ['no certificate', undefined, { status: 403, reason: 'Forbidden' }],
    ['another name', await issue('CN=other', { issuer: authority }), NOBODY],
    ['a name in another place', await issue('O=proxy, OU=CN=proxy, CN=other', { issuer: authority }), NOBODY],
    ['the allowed name before another', await issue('CN=proxy, CN=other', { issuer: authority }), NOBODY],
    ['an authority of the same name', await issue('CN=proxy', { issuer: twin }), NOBODY],
    ['signed by itself', await issue('CN=proxy'), NOBODY],
    ['a certificate for serving', await issue('CN=proxy', { issuer: authority, names: ['proxy'] }), NOBODY],
    ['one that is over', await issue('CN=proxy', { issuer: authority, now: now - 3 * 365 * 24 * 3600_000 }), NOBODY],
  ]
  for (const [what, pair, expected] of liars) t.match(await ask(pair, { ...JANE, 'x-remote-group': 'system:masters' }), expected, what)
})

t.test('the users’ own authority is no front proxy’s, though the name fits', async (t) => {
  const dataDir = t.testdir()
  const { api } = await start(t, ['kubernetes-admin'], { dataDir })
  const read = (name: string) => fs.readFileSync(`${dataDir}/pki/${name}`, 'utf8')
  const admin = { cert: read('admin.crt'), key: read('admin.key') }
  t.match(await who(api.cluster.url, admin, JANE), { status: 201, user: { username: 'kubernetes-admin' } }, 'who it is, not who it says')
})

t.test('the cluster’s own proxy is believed unless another is named', async (t) => {
  const dataDir = t.testdir()
  const api = await startApiCluster(t, { dataDir })
  const own = { cert: fs.readFileSync(`${dataDir}/pki/front-proxy-client.crt`, 'utf8'), key: fs.readFileSync(`${dataDir}/pki/front-proxy-client.key`, 'utf8') }
  t.match(await who(api.cluster.url, own, JANE), { status: 201, user: { username: 'jane' } })
  const { data } = (await api.get('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).body as unknown as { data: Record<string, string> }
  t.equal(data['requestheader-allowed-names'], '["front-proxy-client"]')
})
