/** Ports of pods by the channels of a WebSocket, as clients have it that speak no SPDY. */
import t from 'tap'
import { WebSocket } from 'ws'
import { Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const TOKEN = 'secret'
const target = await startTestCluster(t, { nodes: 1, adminToken: TOKEN })
const k = new Kubectl('1.36', target)
await k.apply(podManifest({ name: 'web', container: { image: 'nginx', ports: [{ containerPort: 80 }] } }))
await k.run('wait pod/web --for=condition=Ready --timeout=60s')

interface Heard {
  code: number
  /** All that came on each channel, the number of the port that begins it included. */
  channels: Buffer[]
}

/** Says something on the first channel and answers what came on each until the connection ends. */
function talk(ports: string, text: string): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`wss://127.0.0.1:${target.cluster.port}/api/v1/namespaces/default/pods/web/portforward?ports=${ports}`, ['v4.channel.k8s.io'], { rejectUnauthorized: false, headers: { authorization: `Bearer ${TOKEN}` } })
    const channels: Buffer[] = []
    ws.on('open', () => ws.send(Buffer.concat([Buffer.of(0), Buffer.from(text)])))
    ws.on('message', (data: Buffer) => {
      const number = data[0] ?? 0
      channels[number] = Buffer.concat([channels[number] ?? Buffer.alloc(0), data.subarray(1)])
    })
    ws.on('error', reject)
    ws.on('close', (code) => resolve({ code, channels }))
  })
}

t.test('ends when the pod has ended its side', async (t) => {
  const { code, channels } = await talk('80', 'GET / HTTP/1.0\r\n\r\n')
  t.equal(code, 1000)
  t.match(channels[0]?.subarray(2).toString(), /^HTTP\/1\.1 200 OK\r\n[^]*<\/html>/)
  t.same(channels.map((bytes) => bytes.readUInt16LE()), [80, 80])
  t.equal(channels[1]?.length, 2, 'nothing went wrong')
})

t.test('tells when nobody listens', async (t) => {
  const { code, channels } = await talk('81', '')
  t.equal(code, 1000)
  t.match(channels[1]?.subarray(2).toString(), /^error forwarding port 81 to pod web_default, uid [\w-]+: /)
})
