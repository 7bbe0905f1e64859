/** Watches and logs for clients that ask for a WebSocket. */
import t from 'tap'
import { WebSocket } from 'ws'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'

const TOKEN = 'secret'
const target = await startTestCluster(t, { nodes: 1, adminToken: TOKEN })
const k = new Kubectl('1.36', target)
const address = `wss://127.0.0.1:${target.cluster.port}`
const NAMESPACES = '/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Dkube-system'
const ORIGIN = { origin: 'http://localhost' }
const WATCH = `${NAMESPACES}&timeoutSeconds=1`
const PROTOBUF = 'application/vnd.kubernetes.protobuf'

interface Asked {
  protocols?: string[]
  headers?: Record<string, string>
}

interface Heard {
  /** What refused it, else what it ended with. */
  code: number
  protocol: string
  messages: (Buffer | string)[]
}

/** Everything until the connection ends. */
function listen(path: string, { protocols = [], headers = {} }: Asked = {}, onMessage = (_ws: WebSocket) => {}): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(address + path, protocols, { rejectUnauthorized: false, headers: { authorization: `Bearer ${TOKEN}`, ...headers } })
    const messages: (Buffer | string)[] = []
    ws.on('message', (data: Buffer, isBinary) => {
      messages.push(isBinary ? data : data.toString())
      onMessage(ws)
    })
    ws.on('unexpected-response', (_request, response) => resolve({ code: response.statusCode ?? 0, protocol: '', messages }))
    ws.on('error', reject)
    ws.on('close', (code) => resolve({ code, protocol: ws.protocol, messages }))
  })
}

t.test('a watch is a message an event', async (t) => {
  const { code, messages } = await listen(`${WATCH}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, { headers: ORIGIN })
  t.equal(code, 1000)
  t.same(messages.map((text) => (JSON.parse(String(text)) as { type: string }).type), ['ADDED', 'BOOKMARK'])
  t.match(messages[0], /^\{"type":"ADDED","object":\{"kind":"Namespace",.*\}\}\n$/)
})

t.test('in protobuf they are bytes, without the length that tells events apart elsewhere', async (t) => {
  const { messages } = await listen(WATCH, { headers: { ...ORIGIN, accept: PROTOBUF } })
  t.match(messages, [Buffer])
  t.equal((messages[0] as Buffer).subarray(0, 7).toString('latin1'), '\n\x05ADDED')
})

t.test('who ends it is told no more', async (t) => {
  const { code, messages } = await listen(NAMESPACES, { headers: ORIGIN }, (ws) => ws.close(1000))
  t.equal(code, 1000)
  t.equal(messages.length, 1)
})

t.test('protocols, tokens as protocols and origins', async (t) => {
  const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(TOKEN).toString('base64url')}`
  const cases: readonly [string, Asked, Partial<Heard>][] = [
    ['one is taken', { headers: ORIGIN, protocols: ['any'] }, { code: 1000, protocol: 'any' }],
    ['of several none', { headers: ORIGIN, protocols: ['any', 'other'] }, { code: 400 }],
    ['a token is none', { headers: { ...ORIGIN, authorization: '' }, protocols: [bearer, 'any'] }, { code: 1000, protocol: 'any' }],
    ['a wrong token', { headers: { ...ORIGIN, authorization: 'Bearer wrong' } }, { code: 401 }],
    ['a path is an origin', { headers: { origin: '/here' } }, { code: 1000 }],
    ['null is none', { headers: { origin: 'null' } }, { code: 403 }],
    ['nor is nothing', {}, { code: 403 }],
  ]
  for (const [name, asked, wanted] of cases) t.match(await listen(WATCH, asked), wanted, name)
  t.match(await listen(`${WATCH}&resourceVersion=x`, { headers: ORIGIN }), { code: 500 }, 'what is refused is no watch')
  t.match(await listen('/api/v1/namespaces', { headers: ORIGIN }), { code: 200 }, 'nor is a list')
})

t.test('a log comes in bytes or base64, behind an empty message', async (t) => {
  await k.run(['run', 'teller', '--image=busybox:1.37', '--restart=Never', '--', 'sh', '-c', 'echo one; echo two'])
  await eventually(async () => (await k.run('get pod teller -o jsonpath={.status.phase}')) === 'Succeeded')
  const path = '/api/v1/namespaces/default/pods/teller/log'
  const whole = ({ messages }: Heard) => Buffer.concat(messages.map((m) => Buffer.from(m as Buffer))).toString()
  for (const protocols of [[], ['binary.k8s.io']]) {
    const heard = await listen(path, { protocols })
    t.match(heard, { code: 1000, protocol: protocols[0] ?? '' })
    t.same(heard.messages[0], Buffer.alloc(0))
    t.equal(whole(heard), 'one\ntwo\n')
  }
  const coded = await listen(`${path}?tailLines=1`, { protocols: ['base64.binary.k8s.io'] })
  t.same(coded.messages, ['', Buffer.from('two\n').toString('base64')])
  t.match(await listen(path, { protocols: ['v9.binary.k8s.io'] }), { code: 403 })
  t.match(await listen(`${path}?container=none`), { code: 400 })
})
