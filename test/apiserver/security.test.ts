/** What nobody may reach, however it is asked for; tokens that no longer count; secrets that are not told. */
import { PassThrough } from 'node:stream'
import tls from 'node:tls'
import pino from 'pino'
import t from 'tap'
import { startApiCluster, TOKEN, type ApiTester } from '../helpers/http.ts'

const NS = '/api/v1/namespaces/default'
const NOBODY = { token: null }

t.test('what everybody may read, and nothing else', async (t) => {
  const api = await startApiCluster(t)
  for (const path of ['/healthz', '/livez', '/readyz', '/version', '/version/']) t.equal((await api.get(path, NOBODY)).status, 200, path)
  const closed = ['/', '/api', '/apis', '/api/v1', '/apis/apps/v1', '/openapi/v2', '/openapi/v3', '/openapi/v3/api/v1', '/metrics', '/logs/', '/debug/pprof/', '/healthz/ping', '/openid/v1/jwks', '/.well-known/openid-configuration', '/orrery/v1', '/nothing']
  for (const path of closed) t.equal((await api.get(path, NOBODY)).status, 403, path)
  for (const [method, path] of [['POST', `${NS}/configmaps`], ['PUT', `${NS}/configmaps/a`], ['PATCH', `${NS}/configmaps/a`], ['DELETE', `${NS}/configmaps/a`], ['DELETE', `${NS}/configmaps`], ['POST', '/apis/authentication.k8s.io/v1/tokenreviews']] as const) {
    const { status, body } = await api.request(method, path, { ...NOBODY, ...(method === 'DELETE' ? {} : { body: {} }) })
    t.match({ status, body }, { status: 403, body: { reason: 'Forbidden', message: /^\S+ .*is forbidden: User "system:anonymous" cannot / } }, `${method} ${path}`)
  }
})

/** Ways to write a path that a careless server reads as one and judges as another. */
const TRICKS = [
  '//api/v1/secrets',
  '/api//v1/secrets',
  '/api/v1//secrets',
  '/api/v1/secrets/',
  '/api/v1/secrets//',
  '/./api/v1/secrets',
  '/healthz/../api/v1/secrets',
  '/version/../api/v1/secrets',
  '/healthz/%2e%2e/api/v1/secrets',
  '/openapi/v3/../../api/v1/secrets',
  '/%61pi/v1/secrets',
  '/api%2fv1%2fsecrets',
  '/api/v1/%73ecrets',
  '/api/v1/secrets%2f',
  '/api/v1/secrets%00',
  '/api/v1/secrets;/healthz',
  '/api/v1/secrets%3f/healthz',
  '/api/v1/secrets?/healthz',
  '/api/v1/namespaces/kube-system/../../secrets',
  '/api/v1/namespaces//secrets',
  '/api/v1/watch/secrets',
  '/api/v1/proxy/secrets',
  '/API/v1/secrets',
  '/api/v1/SECRETS',
  '/healthz#/api/v1/secrets',
  '/api/v1/secrets?watch=true&timeoutSeconds=1',
]

t.test('paths', async (t) => {
  const api = await startApiCluster(t)
  await api.make(`${NS}/secrets`, { metadata: { name: 'hidden' }, stringData: { key: 'treasure' } })
  const hidden = Buffer.from('treasure').toString('base64')
  for (const path of TRICKS) {
    for (const http1 of [false, true]) {
      const { status, text } = await api.get(path, { ...NOBODY, http1 })
      t.notOk(text.includes(hidden), `${path} tells nothing`)
      t.ok(status >= 400 || path.startsWith('/healthz#'), `${path} over ${http1 ? 'HTTP/1.1' : 'HTTP/2'}: ${status}`)
    }
  }
})

t.test('whole addresses, and what is no request', async (t) => {
  const api = await startApiCluster(t)
  t.match(await api.get('https://elsewhere/api/v1/secrets', { ...NOBODY, http1: true }), { status: 403, body: { message: /cannot list resource "secrets"/ } })
  t.match(await api.get('http://elsewhere/api/v1/secrets', { http1: true }), { status: 200, body: { kind: 'SecretList' } })
  const raw = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let said = ''
      const socket = tls.connect({ host: '127.0.0.1', port: api.cluster.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => socket.write(text))
      socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
      socket.on('error', reject)
      socket.on('close', () => resolve(said))
    })
  const rest = 'Host: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n'
  for (const text of ['GET /api/v1/secrets /healthz HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /healthz\0 HTTP/1.1\r\nHost: x\r\n\r\n', `POST /healthz HTTP/1.1\r\n${rest}`]) {
    const said = await raw(text)
    t.match(said, /^HTTP\/1\.1 400 Bad Request\r\n/)
    t.equal(said.match(/HTTP\/1\.1 /g)?.length, 1, 'what follows is not looked at')
  }
  const hosts: [lines: string, problem: string][] = [
    ['', 'missing required Host header'],
    ['Host: x\r\nhost: y\r\n', 'too many Host headers'],
    ['Connection: Upgrade\r\nUpgrade: websocket\r\n', 'missing required Host header'],
  ]
  for (const [lines, problem] of hosts) {
    const [head, body] = (await raw(`GET /healthz HTTP/1.1\r\n${lines}\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`)).split('\r\n\r\n')
    t.match(head, `HTTP/1.1 400 Bad Request: ${problem}\r\n`)
    t.equal(body, `400 Bad Request: ${problem}`, 'what follows is not looked at')
  }
  t.match(await raw('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n[^]*ok$/, 'HTTP/1.0 knows no hosts')
})

t.test('headers', async (t) => {
  const api = await startApiCluster(t)
  const claims: Record<string, string>[] = [
    { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' },
    { 'impersonate-user': 'admin', 'impersonate-group': 'system:masters' },
    { 'impersonate-user': 'system:apiserver' },
    { 'x-http-method-override': 'GET', 'x-original-url': '/healthz', 'x-rewrite-url': '/healthz' },
    { authorization: 'Basic YWRtaW46YWRtaW4=' },
    { authorization: `Bearer  ${TOKEN}` },
    { authorization: `Token ${TOKEN}` },
    { cookie: `authorization=Bearer ${TOKEN}` },
    { 'sec-websocket-protocol': `base64url.bearer.authorization.k8s.io.${Buffer.from(TOKEN).toString('base64url')}` },
    { 'proxy-authorization': `Bearer ${TOKEN}` },
  ]
  for (const headers of claims) t.equal((await api.get('/api/v1/secrets', { ...NOBODY, headers })).status, 403, JSON.stringify(headers))
  t.equal((await api.get('/api/v1/secrets', { token: 'wrong', headers: { 'impersonate-user': 'admin' } })).status, 401)
  const groups = await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { headers: { 'impersonate-user': 'jane', 'impersonate-group': 'a,system:masters' } })
  t.match(groups.body, { status: { userInfo: { groups: ['a,system:masters', 'system:authenticated'] } } }, 'a comma in a group is a comma')
})

async function tokenFor(api: ApiTester, boundObjectRef?: object): Promise<string> {
  const { status } = (await api.make(`${NS}/serviceaccounts/bot/token`, { spec: boundObjectRef ? { boundObjectRef } : {} })) as unknown as { status: { token: string } }
  return status.token
}

t.test('tokens end with what they are bound to', async (t) => {
  const api = await startApiCluster(t)
  await api.make(`${NS}/serviceaccounts`, { metadata: { name: 'bot' } })
  await api.make(`${NS}/secrets`, { metadata: { name: 's' } })
  await api.make(`${NS}/pods`, { metadata: { name: 'p' }, spec: { serviceAccountName: 'bot', containers: [{ name: 'c', image: 'i' }] } })
  await api.make('/api/v1/nodes', { metadata: { name: 'n' } })
  const who = async (token: string) => (await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { token })).status
  const bound = { Secret: `${NS}/secrets/s`, Pod: `${NS}/pods/p?gracePeriodSeconds=0`, Node: '/api/v1/nodes/n' }
  for (const [kind, path] of Object.entries(bound)) {
    const token = await tokenFor(api, { apiVersion: 'v1', kind, name: kind[0]?.toLowerCase() })
    t.equal(await who(token), 201, `${kind}: good`)
    await api.delete(path)
    t.equal(await who(token), 401, `${kind}: gone`)
  }
  const token = await tokenFor(api)
  t.equal(await who(token), 201)
  await api.delete(`${NS}/serviceaccounts/bot`)
  t.equal(await who(token), 401, 'its account is gone')
  await api.make(`${NS}/serviceaccounts`, { metadata: { name: 'bot' } })
  t.equal(await who(token), 401, 'another of the name is another')
})

t.test('logs keep secrets', async (t) => {
  const lines = new PassThrough()
  let written = ''
  lines.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const api = await startApiCluster(t, { log: pino({ level: 'trace' }, lines) })
  await api.make(`${NS}/secrets`, { metadata: { name: 'hidden' }, stringData: { key: 'treasure' } })
  await api.make(`${NS}/serviceaccounts`, { metadata: { name: 'bot' } })
  const token = await tokenFor(api)
  await api.get('/api/v1/secrets', { token })
  await api.get('/api/v1/secrets', { token: 'a-wrong-token' })
  await api.patch(`${NS}/secrets/hidden`, { data: { key: 'bm90IGEgc2VjcmV0', bad: 'no base64' } })
  for (const secret of [TOKEN, token, 'a-wrong-token', 'treasure', Buffer.from('treasure').toString('base64')]) t.notOk(written.includes(secret), secret.slice(0, 12))
})
