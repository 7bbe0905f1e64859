import http from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { acceptWebSocket, Channels, type ChannelsOptions } from '../../src/streaming/websocket.ts'

/** A server whose channel 0 comes back on channel 1. */
async function echoing(t: Test, protocols: string[], options: Omit<ChannelsOptions, 'count'>): Promise<string> {
  const server = http.createServer()
  server.on('upgrade', (request, socket, head) => {
    const ws = acceptWebSocket({ request, socket, head }, protocols)
    if (!ws) return
    const channels = new Channels(ws, { count: 2, ...options })
    channels.channel(0).pipe(channels.channel(1))
    channels.channel(1).once('finish', () => channels.close())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Sends messages once open and answers all that come until the server closes. */
function talk(url: string, protocols: string[], messages: (Buffer | string)[]): Promise<{ protocol: string; received: string[]; code: number }> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(url, protocols)
    const received: string[] = []
    ws.on('open', () => messages.forEach((message) => ws.send(message)))
    ws.on('message', (data: Buffer) => received.push(data.toString('latin1')))
    ws.on('error', reject)
    ws.on('close', (code) => resolve({ protocol: ws.protocol, received, code }))
  })
}

t.test('v5: a client ends one channel', async (t) => {
  const url = await echoing(t, ['v5.channel.k8s.io'], { isBase64: false, closesChannels: true })
  const { protocol, received, code } = await talk(url, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], [Buffer.from('\0hello'), Buffer.from([255, 0])])
  t.equal(protocol, 'v5.channel.k8s.io')
  t.same(received, ['\u0001hello'])
  t.equal(code, 1000)
})

t.test('base64: channels are digits', async (t) => {
  const url = await echoing(t, ['base64.channel.k8s.io'], { isBase64: true, closesChannels: true })
  const { received } = await talk(url, ['base64.channel.k8s.io'], ['0aGVsbG8=', Buffer.from([255, 0])])
  t.same(received, ['1aGVsbG8='])
})

t.test('protocols that nobody speaks are refused, channels that are not there are a protocol error', async (t) => {
  const url = await echoing(t, ['v5.channel.k8s.io'], { isBase64: false, closesChannels: true })
  await t.rejects(talk(url, ['v9.channel.k8s.io'], []), { message: /400/ })
  t.equal((await talk(url, ['v5.channel.k8s.io'], [Buffer.from([255, 9])])).code, 1002)
})
