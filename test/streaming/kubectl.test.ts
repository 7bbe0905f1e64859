/** Connections to containers as real kubectls make them, over WebSockets and over SPDY. */
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'

const cluster = await startTestCluster(t, { nodes: 1 })
const setup = new Kubectl('1.36', cluster)
await setup.run(['run', 'box', '--image=busybox', '--restart=Never', '--', 'sh', '-c', 'echo started; sleep 3600'])
await setup.run('create deployment web --image=nginx')
await setup.run('wait --for=condition=Ready pod --all --timeout=60s')

const TRANSPORTS = [
  ['WebSocket', {}],
  ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
] as const

function get(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('end', () => resolve(text))
    })
    request.on('error', reject)
  })
}

for (const version of kubectlVersions) {
  const kubectl = new Kubectl(version, cluster)
  for (const [transport, env] of TRANSPORTS) {
    t.test(`kubectl ${version} over ${transport}`, async (t) => {
      const failing = await kubectl.try(['exec', 'deploy/web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'], { env })
      t.match(failing, { code: 3, stdout: 'out\n', stderr: /^err\ncommand terminated with exit code 3/ })
      t.equal((await kubectl.try(['exec', '-i', 'deploy/web', '--', 'cat'], { env, stdin: 'from afar' })).stdout, 'from afar')
      t.match((await kubectl.try(['exec', 'deploy/web', '--', 'no-such-program'], { env })).stderr, /Internal error occurred: error executing command in container: .*exec: "no-such-program": executable file not found in \$PATH/)

      const stop = new AbortController()
      let forwarding: Promise<unknown> | undefined
      const port = await new Promise<number>((resolve) => {
        const onOutput = (stdout: string) => {
          const found = /127\.0\.0\.1:(\d+) ->/.exec(stdout)?.[1]
          if (found) resolve(Number(found))
        }
        forwarding = kubectl.try('port-forward deploy/web :80', { env, signal: stop.signal, onOutput })
      })
      t.match(await get(port), /Welcome to nginx/)
      stop.abort()
      await forwarding
    })
  }

  t.test(`kubectl ${version} copies files there and back`, async (t) => {
    const bytes = Buffer.from(new SeededRandom(1).bytes(300_000))
    const [there, back] = ['there', 'back'].map((name) => path.join(cluster.dir, `${name}-${version}`)) as [string, string]
    fs.writeFileSync(there, bytes)
    const pod = (await kubectl.run('get pod -l app=web -o name')).trim().replace('pod/', '')
    await kubectl.run(['cp', path.basename(there), `${pod}:/tmp/file`])
    await kubectl.run(['cp', `${pod}:/tmp/file`, path.basename(back)])
    t.ok(fs.readFileSync(back).equals(bytes))
  })
}

t.test('attach joins what runs, logs tell what it said', async (t) => {
  t.match(await setup.run('logs box'), /^started\n/)
  await setup.run(['run', 'talker', '--image=busybox', '--restart=Never', '-i', '--rm', '--', 'sh', '-c', 'read line; echo "heard $line"'], { stdin: 'hello\n' }).then((said) => t.match(said, /heard hello/))
  t.ok(await eventually(async () => (await setup.try('get pod talker')).code === 1))
})
