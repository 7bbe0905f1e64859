/** What the network may bring: nothing of it may crash, hang or mislead the server. */
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'
import { CONFIG_MAPS, startApiCluster, timely, TOKEN, type ApiTester } from '../helpers/http.ts'

const SECRETS = '/api/v1/namespaces/default/secrets'

/** Everything a TLS connection answers until it ends, after something was written to it. */
function raw(api: ApiTester, lines: string, { end = false } = {}): { socket: tls.TLSSocket; answer: Promise<string> } {
  const socket = tls.connect({ host: '127.0.0.1', port: api.cluster.port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  let text = ''
  const answer = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
  })
  socket.on('secureConnect', () => (end ? socket.end(lines) : socket.write(lines)))
  return { socket, answer: timely('a raw connection', answer) }
}

async function isAlive(t: Test, api: ApiTester): Promise<void> {
  t.equal((await api.get('/healthz')).text, 'ok', 'the server goes on')
}

t.test('bodies that never end', async (t) => {
  const clock = new FakeClock()
  const api = await startApiCluster(t, { clock })
  const head = `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n`
  const [chunked, counted] = [raw(api, `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"met\r\n`), raw(api, `${head}content-length: 100\r\n\r\n{"met`)]
  const session = http2.connect(api.cluster.url, { rejectUnauthorized: false })
  const stream = session.request({ ':method': 'POST', ':path': CONFIG_MAPS, authorization: `Bearer ${TOKEN}` })
  stream.on('error', () => {})
  const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
  const closed = new Promise((resolve) => stream.on('close', resolve))
  stream.resume()
  stream.write('{"met')
  await eventually(async () => {
    await clock.step(30_000)
    return stream.closed && chunked.socket.closed && counted.socket.closed
  })
  for (const { answer } of [chunked, counted]) t.match(await answer, /^HTTP\/1\.1 504 .*connection: close.*"reason":"Timeout"/is)
  t.equal(await status, 504)
  await timely('the stream to close', closed)
  session.destroy()
  await isAlive(t, api)
})

t.test('bodies that are too large', async (t) => {
  const api = await startApiCluster(t)
  const session = http2.connect(api.cluster.url, { rejectUnauthorized: false })
  const stream = session.request({ ':method': 'POST', ':path': CONFIG_MAPS, authorization: `Bearer ${TOKEN}` })
  stream.on('error', () => {})
  const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
  const closed = new Promise((resolve) => stream.on('close', resolve))
  const chunk = Buffer.alloc(256 * 1024, 'x')
  for (let i = 0; i < 40; i++) stream.write(chunk)
  stream.resume()
  t.equal(await timely('an answer', status), 413, 'an upload that goes on is answered')
  await timely('the stream to close', closed)
  session.destroy()
  const { answer } = raw(api, `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 99999999\r\n\r\n{`)
  t.match(await answer, /^HTTP\/1\.1 413 .*connection: close/is, 'one that is announced is not waited for')
  await isAlive(t, api)
})

t.test('heads of any size', async (t) => {
  const api = await startApiCluster(t)
  const request = (header: string) => raw(api, `GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${header}\r\n\r\n`).answer
  t.match(await request(`x-large: ${'x'.repeat(200_000)}`), /^HTTP\/1\.1 200 /, 'as much as upstream takes')
  t.match(await request(`x-large: ${'x'.repeat(2_000_000)}`), /^(HTTP\/1\.1 431 |$)/)
  t.match(await request(Array.from({ length: 3000 }, (_, i) => `x-${i}: y`).join('\r\n')), /^(HTTP\/1\.1 (200|431) |$)/)
  t.match(await api.get(`/healthz?${'x'.repeat(100_000)}`, { http1: true }), { status: 200 })
  t.match(await api.get(`/api/v1/namespaces/default/configmaps/${'x'.repeat(20_000)}`), { status: 404 })
  const session = http2.connect(api.cluster.url, { rejectUnauthorized: false, settings: {} })
  session.on('error', () => {})
  const stream = session.request({ ':path': '/healthz', 'x-large': 'x'.repeat(60_000) })
  t.equal(await timely('an answer', new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])).on('error', resolve))), 200)
  session.destroy()
  await isAlive(t, api)
})

t.test('connections that speak something else', async (t) => {
  const api = await startApiCluster(t)
  const { port } = api.cluster
  const plain = (bytes: string | Buffer) =>
    timely(
      'a plain connection',
      new Promise<void>((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.end(bytes))
        socket.on('error', () => {})
        socket.on('close', () => resolve())
        socket.resume()
      }),
    )
  await plain('GET / HTTP/1.1\r\n\r\n')
  await plain(Buffer.from([0x16, 3, 1, 0xff, 0xff, ...Array.from({ length: 50 }, (_, i) => i)]))
  await plain('')
  t.match(await raw(api, 'nonsense\r\n\r\n').answer, /^HTTP\/1\.1 400 /)
  t.match(await raw(api, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', { end: true }).answer, /.*/s)
  t.match(await raw(api, `GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`).answer, /ok$/)
  const pipelined = await raw(api, `GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`).answer
  t.equal(pipelined.match(/HTTP\/1\.1 200/g)?.length, 2, 'requests sent in one go')
  await isAlive(t, api)
})

t.test('clients that vanish', async (t) => {
  const api = await startApiCluster(t)
  const watchPath = `${SECRETS}?watch=true`
  const sessions = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const session = http2.connect(api.cluster.url, { rejectUnauthorized: false })
      session.on('error', () => {})
      const answered = Array.from({ length: 200 }, () => {
        const stream = session.request({ ':path': watchPath, authorization: `Bearer ${TOKEN}` })
        stream.on('error', () => {})
        stream.resume()
        return new Promise((resolve) => stream.on('response', resolve))
      })
      await timely('1,000 watches', Promise.all(answered))
      return session
    }),
  )
  await api.make(SECRETS, { metadata: { name: 'seen' } })
  for (const session of sessions) session.destroy()
  const writes = Array.from({ length: 20 }, (_, i) => api.make(SECRETS, { metadata: { name: `after-${i}` } }))
  t.equal((await Promise.all(writes)).length, 20, 'writes go on while a thousand watchers fall away')

  const session = http2.connect(api.cluster.url, { rejectUnauthorized: false })
  session.on('error', () => {})
  for (let i = 0; i < 500; i++) {
    const stream = session.request({ ':method': 'POST', ':path': CONFIG_MAPS, authorization: `Bearer ${TOKEN}` })
    stream.on('error', () => {})
    stream.write('{"metadata":')
    stream.close(http2.constants.NGHTTP2_CANCEL)
  }
  await isAlive(t, api)
  session.destroy()
  const { socket } = raw(api, `GET ${watchPath} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`)
  await timely('a first event', new Promise((resolve) => socket.once('data', resolve)))
  socket.destroy()
  await api.make(SECRETS, { metadata: { name: 'last' } })
  await isAlive(t, api)
})

t.test('bytes that are no text, and text that goes deep', async (t) => {
  const api = await startApiCluster(t)
  const deep = (open: string, close: string, depth: number) => `{"metadata":{"name":"x"},"data":${open.repeat(depth)}1${close.repeat(depth)}}`
  const bodies: [string, string | Buffer, number, Record<string, string>?][] = [
    ['invalid UTF-8 in a value', Buffer.concat([Buffer.from('{"metadata":{"name":"utf"},"data":{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}}')]), 201],
    ['invalid UTF-8 outside', Buffer.from([0xff, 0xfe, 0x7b]), 400],
    ['a byte order mark', '\ufeff{"metadata":{"name":"bom"}}', 400],
    ['NUL', '{"metadata":{"name":"a\\u0000b"}}', 422],
    ['half a surrogate', '{"metadata":{"name":"half","annotations":{"a":"\\ud800"}}}', 201],
    ['deep lists', deep('[', ']', 100_000), 400],
    ['deep objects', deep('{"a":', '}', 100_000), 400],
    ['a deep value of the wrong type', deep('[', ']', 1000), 400],
    ['deep YAML', `metadata: {name: x}\ndata: ${'['.repeat(20_000)}`, 400, { 'content-type': 'application/yaml' }],
    ['YAML that would grow', 'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n', 400, { 'content-type': 'application/yaml' }],
    ['a large number', '{"metadata":{"name":"n","generation":1e999}}', 400],
    ['truncated protobuf', Buffer.from('k8s\0\x0a\xff\xff\xff\xff\x0f', 'latin1'), 400, { 'content-type': 'application/vnd.kubernetes.protobuf' }],
    ['a media type that is no such', '{"metadata":{"name":"ct"}}', 415, { 'content-type': 'application/json, text/plain; q=' }],
  ]
  for (const [name, body, status, headers = {}] of bodies) t.equal((await api.post(CONFIG_MAPS, body, { headers })).status, status, name)
  const patches: [string, string, string, number][] = [
    ['a deep merge patch', 'application/merge-patch+json', `{"data":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`, 400],
    ['a deep strategic patch', 'application/strategic-merge-patch+json', `{"data":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`, 400],
    ['a deep JSON patch', 'application/json-patch+json', `[{"op":"add","path":"/data","value":${'['.repeat(50_000)}${']'.repeat(50_000)}}]`, 400],
    ['a long JSON pointer', 'application/json-patch+json', `[{"op":"test","path":"${'/a'.repeat(100_000)}","value":1}]`, 422],
  ]
  for (const [name, type, body, status] of patches) t.equal((await api.patch(`${CONFIG_MAPS}/utf`, body, { headers: { 'content-type': type } })).status, status, name)
  await isAlive(t, api)
})

t.test('names that JavaScript knows', async (t) => {
  const api = await startApiCluster(t)
  const data = '{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"}'
  t.equal((await api.post(CONFIG_MAPS, `{"metadata":{"name":"js"},"data":${data}}`)).status, 201)
  const item = `${CONFIG_MAPS}/js`
  t.match((await api.get(item)).text, data.slice(1, -1), 'are names like any other')
  t.match((await api.get(item, { headers: { accept: 'application/yaml' } })).text, /__proto__: p\n/)
  await api.patch(item, '{"data":{"__proto__":"merged"}}')
  t.match((await api.get(item)).text, '"__proto__":"merged"')
  await api.patch(item, '[{"op":"replace","path":"/data/__proto__","value":"patched"},{"op":"remove","path":"/data/constructor"}]', { headers: { 'content-type': 'application/json-patch+json' } })
  t.match((await api.get(item)).text, '"data":{"__proto__":"patched","toString":"t","hasOwnProperty":"h"}')
  await api.patch(item, '{"data":{"__proto__":"strategic"}}', { headers: { 'content-type': 'application/strategic-merge-patch+json' } })
  t.match((await api.get(item)).text, '"__proto__":"strategic"')
  for (const body of ['{"__proto__":{"polluted":"yes"},"metadata":{"name":"pollution"}}', '{"metadata":{"name":"pollution2","__proto__":{"polluted":"yes"}}}']) t.equal((await api.post(CONFIG_MAPS, body)).status, 201)
  await api.patch(item, '[{"op":"add","path":"/__proto__/polluted","value":"yes"}]', { headers: { 'content-type': 'application/json-patch+json' } })
  await api.patch(item, '{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}')
  t.notOk('polluted' in {}, 'nothing leaks into all objects')
  for (const path of ['/api/v1/__proto__', '/api/v1/namespaces/default/constructor', '/apis/__proto__/v1/x', '/api/v1/namespaces/default/configmaps/js/__proto__', '/api/v1/namespaces/__proto__/configmaps/x', '/toString']) t.equal((await api.get(path)).status, 404, path)
  t.equal((await api.get(`${CONFIG_MAPS}?fieldSelector=__proto__%3Dx`)).status, 400)
  t.same((await api.get(`${CONFIG_MAPS}?labelSelector=constructor`)).body.items, [])
})

t.test('queries of all sorts', async (t) => {
  const api = await startApiCluster(t)
  for (const name of ['a', 'b', 'c']) await api.make(SECRETS, { metadata: { name } })
  const count = async (query: string) => (await api.get(`${SECRETS}?${query}`)).body.items?.length
  t.equal(await count('limit=1&limit=2'), 1, 'of repeated parameters the first counts')
  t.equal(await count('limit=9223372036854775807'), 3)
  t.equal(await count('limit=-1'), 3)
  t.equal(await count('limit=0'), 3)
  t.equal(await count('%zz=%'), 3)
  t.equal(await count('&&&=&==&'), 3)
  t.equal(await count(Array.from({ length: 5000 }, (_, i) => `x${i}=y`).join('&')), 3)
  t.equal((await api.get(`${SECRETS}?labelSelector=${Array.from({ length: 2000 }, (_, i) => `k${i}`).join(',')}`)).status, 200)
  t.equal((await api.post(`${SECRETS}?dryRun=All&dryRun=All`, { metadata: { name: 'd' } })).status, 201)
  t.equal((await api.post(`${SECRETS}?dryRun=All&dryRun=No`, { metadata: { name: 'd' } })).status, 422)
  t.equal((await api.get('/api/v1/namespaces/default/configmaps/%')).status, 400)
  t.equal((await api.get('/api/v1//namespaces//default//secrets/a')).status, 404)
  const watch = await api.watch(`${SECRETS}?watch=true&timeoutSeconds=-5`)
  t.same(await watch.all(), [], 'a watch whose time is over')
  const long = await api.watch(`${SECRETS}?watch=true&timeoutSeconds=9223372036854775807`)
  await long.take(3)
  long.close()
})

t.test('a connection with many watches that nobody reads takes new requests', async (t) => {
  const api = await startApiCluster(t)
  const object = (round: number) => ({ metadata: { name: 'large' }, data: { text: String(round).repeat(400_000) } })
  await api.post(CONFIG_MAPS, object(1))
  const session = http2.connect(api.cluster.url, { rejectUnauthorized: false })
  t.teardown(() => session.destroy())
  const request = async (path: string): Promise<unknown> => {
    const stream = session.request({ ':path': path, authorization: `Bearer ${TOKEN}` })
    return timely(path, new Promise((resolve) => {
      stream.on('response', (headers) => resolve(headers[':status']))
      stream.on('error', (error) => resolve(error.message))
    }))
  }
  for (let i = 0; i < 60; i++) t.equal(await request(`${CONFIG_MAPS}?watch=1&timeoutSeconds=${100 + i}`), 200)
  await api.put(`${CONFIG_MAPS}/large`, object(2))
  t.equal(await request('/healthz'), 200)
})
