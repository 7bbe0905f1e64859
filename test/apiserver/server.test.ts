/** The server over an API whose store can be looked at: what a connection leaves behind. */
import http2 from 'node:http2'
import net from 'node:net'
import pino from 'pino'
import t, { type Test } from 'tap'
import { ADMIN_GROUP, Authenticator } from '../../src/auth/authenticate.ts'
import { forServer, staticToken, Tokens } from '../../src/auth/tokens.ts'
import { loadPki } from '../../src/auth/pki.ts'
import { Routes } from '../../src/apiserver/routes.ts'
import { startServer, type HttpServer, type RawRequest } from '../../src/apiserver/server.ts'
import { Connectors } from '../../src/apiserver/subresources/create.ts'
import { SystemClock, SystemRandom } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'
import { FlowControl } from '../../src/apiserver/flow-control.ts'
import { Metrics } from '../../src/apiserver/metrics.ts'
import { ApiTester, timely, TOKEN } from '../helpers/http.ts'
import { startApi, type TestApi } from '../helpers/in-process-api.ts'

const clock = new SystemClock()
const SECRETS = '/api/v1/namespaces/default/secrets'

async function serve(t: Test, options: { log?: pino.Logger; handler?(request: RawRequest, routes: Routes): ReturnType<Routes['handle']> } = {}): Promise<TestApi & { http: ApiTester; server: HttpServer }> {
  const inner = await startApi(t)
  const pki = await loadPki({ dir: undefined, hosts: ['127.0.0.1'], clock, random: new SystemRandom() })
  const flowControl = new FlowControl(inner.informers, clock)
  t.teardown(() => flowControl.close())
  const routes = new Routes({
    api: inner.api,
    authenticator: new Authenticator({ tokens: new Tokens([forServer(['api'], staticToken(TOKEN, { name: 'admin', groups: [ADMIN_GROUP] }))], ['api']), clientCA: pki.ca.cert }),
    authorizer: inner.authorizer,
    connectors: new Connectors(),
    flowControl,
    metrics: new Metrics(),
    log: options.log ?? pino({ level: 'silent' }),
    extra: () => undefined,
  })
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    tls: { key: pki.server.key, cert: pki.server.cert, clientCA: pki.ca.cert },
    clock,
    handler: (request) => (options.handler ? options.handler(request, routes) : routes.handle(request)),
    onError: (error, request) => routes.failure(error, request),
  })
  const http = new ApiTester({ url: `https://127.0.0.1:${server.port}`, port: server.port })
  t.teardown(async () => {
    http.close()
    await server.close()
  })
  return { ...inner, http, server }
}

t.test('watches are freed however they end', async (t) => {
  const { http, api, clock: serverClock } = await serve(t)
  const before = api.store.watchers
  const open = (count: number) => Promise.all(Array.from({ length: count }, () => http.watch(`${SECRETS}?watch=true`)))
  const allFreed = (what: string) => eventually(() => api.store.watchers === before || Promise.reject(new Error(`${api.store.watchers - before} left`))).then(() => t.pass(what))

  for (const watch of await open(10)) watch.close()
  await allFreed('cancelled')
  await open(300)
  t.equal(api.store.watchers, before + 300)
  http.session().destroy()
  await allFreed('the connection is gone')
  const watch = await http.watch(`${SECRETS}?watch=true&timeoutSeconds=1`)
  await serverClock.step(1000)
  await watch.all()
  await allFreed('out of time')
})

t.test('who is gone is told to the handler', async (t) => {
  let aborted = false
  const { http } = await serve(t, {
    handler: async (request) => {
      await new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve()))
      aborted = true
      return { status: 200, headers: {}, body: [Buffer.from('too late')] }
    },
  })
  const stream = http.session().request({ ':path': '/' })
  stream.on('error', () => {})
  await new Promise((resolve) => stream.on('ready', resolve))
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await eventually(() => aborted)
  t.pass('the signal fired')
})

t.test('a mistake of ours is answered, logged, and costs nobody else', async (t) => {
  const lines: string[] = []
  const { http, api } = await serve(t, { log: pino({ level: 'error' }, { write: (line: string) => void lines.push(line) }) })
  t.match(await http.get(`${SECRETS}/x`), { status: 404 })
  t.equal(lines.length, 0, 'what clients do wrong is no error')
  await api.store.close()
  t.match(await http.get(`${SECRETS}/x`), { status: 503, body: { reason: 'ServiceUnavailable' }, headers: { 'retry-after': '1' } })
  const { http: other } = await serve(t, {
    handler: () => {
      throw new TypeError('a bug')
    },
  })
  const stream = other.session().request({ ':path': '/' })
  stream.on('error', () => {})
  await timely('the stream to end', new Promise((resolve) => stream.on('close', resolve)))
  t.ok(stream.destroyed)
})

t.test('large answers are sent in pieces to slow readers', async (t) => {
  const { http, create } = await serve(t)
  for (let i = 0; i < 12; i++) await create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: `s-${i}`, namespace: 'default' }, data: { x: Buffer.alloc(600_000).toString('base64') } })
  for (const http1 of [true, false]) {
    const { body, headers, bytes } = await http.get(SECRETS, { http1 })
    t.equal(body.items?.length, 12)
    t.equal(headers['content-length'], String(bytes.length))
  }
  const stream = http.session().request({ ':path': SECRETS, authorization: `Bearer ${TOKEN}` })
  stream.on('error', () => {})
  await new Promise((resolve) => stream.on('response', resolve))
  stream.close(http2.constants.NGHTTP2_CANCEL)
  t.equal((await http.get(`${SECRETS}/s-0`)).status, 200, 'one who leaves half-way is forgotten')
})

function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

t.test('what is asked before the end is answered', async (t) => {
  let answer = () => {}
  const answered = new Promise<void>((resolve) => (answer = resolve))
  let asked = 0
  const { http, server } = await serve(t, {
    async handler(request, routes) {
      asked++
      await answered
      return routes.handle(request)
    },
  })
  const requests = [http.get(SECRETS), http.get(SECRETS, { http1: true })]
  await eventually(() => Promise.resolve(asked === 2))
  const closed = server.close()
  await eventually(() => refusesConnections(server.port))
  answer()
  for (const { status } of await Promise.all(requests)) t.equal(status, 200)
  await timely('close', closed)
})

t.test('closing ends what is open', async (t) => {
  const { http, server } = await serve(t)
  const watch = await http.watch(`${SECRETS}?watch=true`)
  const ended = new Promise((resolve) => watch.stream.on('close', resolve))
  watch.stream.on('error', () => {})
  await timely('close', server.close())
  await timely('the watch to end', ended)
  t.ok(watch.ended)
  t.notOk(watch.stream.errored, 'as if its time was up')
  await t.rejects(http.get(SECRETS, { http1: true }), /ECONNREFUSED/)
})
