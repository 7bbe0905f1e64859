/** Directories copied, much sent through standard input, several ports forwarded, the API behind `kubectl proxy`: as kubectl does them. */
import fs from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'
import { fetchText } from '../helpers/host-request.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'

const cluster = await startTestCluster(t, { nodes: 1 })
const setup = new Kubectl('1.36', cluster)
await setup.run('create deployment web --image=nginx --port=80')
await setup.run('expose deployment web --port=8080 --target-port=80')
await setup.run(['run', 'box', '--image=busybox', '--restart=Never', '--', 'sleep', '3600'])
await setup.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'listener' }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox', stdin: true, command: ['sh', '-c', 'read a; read b; echo "heard $a and $b"'] }] } }))
await setup.run('rollout status deployment/web --timeout=60s')
await setup.run('wait pod/box --for=condition=Ready --timeout=60s')

/** Runs a command that stays, until `use` is done with the ports it tells. */
async function forwarded(t: Test, k: Kubectl, command: string, { count = 1, use }: { count?: number; use(ports: readonly string[]): Promise<void> }): Promise<void> {
  const stop = new AbortController()
  let running: Promise<unknown> | undefined
  const ports = await new Promise<string[]>((resolve) => {
    running = k.try(command, {
      signal: stop.signal,
      onOutput: (text) => {
        const found = [...text.matchAll(/127\.0\.0\.1:(\d+)(?: ->|$)/gm)].map(([, port]) => port ?? '')
        if (found.length === count) resolve(found)
      },
    })
  })
  await use(ports)
  stop.abort()
  await running
}

for (const version of kubectlVersions) {
  const k = new Kubectl(version, cluster)

  t.test(`kubectl ${version} copies directories with links, there and back`, async (t) => {
    const there = `tree-${version}`
    const at = (...names: string[]) => path.join(cluster.dir, ...names)
    fs.mkdirSync(at(there, 'deep', 'er'), { recursive: true })
    fs.writeFileSync(at(there, 'deep', 'er', 'file with blanks'), 'content\n')
    fs.writeFileSync(at(there, 'run.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
    await k.run(['cp', there, `box:/tmp/${there}`])
    t.equal(await k.run(['exec', 'box', '--', 'sh', '-c', `cd /tmp/${there}; ln -s run.sh link; ./run.sh; cat "deep/er/file with blanks"; stat -c %a run.sh`]), 'ran\ncontent\n755\n')
    await k.run(['cp', `box:/tmp/${there}/deep`, `back-${version}`])
    t.equal(fs.readFileSync(at(`back-${version}`, 'er', 'file with blanks'), 'utf8'), 'content\n')
  })

  t.test(`kubectl ${version} sends and gets much, and passes exit codes on`, async (t) => {
    const much = 'all work and no play\n'.repeat(100_000)
    const { code, stdout } = await k.try(['exec', '-i', 'box', '--', 'sh', '-c', 'cat; exit 7'], { stdin: much })
    t.equal(code, 7)
    t.ok(stdout === much, `${stdout.length} of ${much.length}`)
    t.equal((await k.try(['exec', '-i', 'box', '--', 'sh', '-c', 'head -c 4'], { stdin: much })).stdout, 'all ', 'what is not read is let go')
    t.match((await k.try(['exec', '-it', 'box', '--', 'echo', 'x'], { stdin: '' })).stderr, /Unable to use a TTY - input is not a terminal/)
    t.match(await k.try(['run', `once-${version.replace('.', '-')}`, '--image=busybox', '--restart=Never', '--rm', '-i', '--quiet', '--', 'sh', '-c', 'cat; exit 3'], { stdin: 'in and out\n' }), { stdout: /in and out/, code: 3 })
  })

  t.test(`kubectl ${version} forwards ports of pods, Services and Deployments`, async (t) => {
    const ask = async (port: string) => t.match(await fetchText(`http://127.0.0.1:${port}/`), /^200 .*Welcome to nginx/s)
    await forwarded(t, k, 'port-forward service/web :8080', { use: async ([port = '']) => { for (let i = 0; i < 5; i++) await ask(port) } })
    await forwarded(t, k, 'port-forward deployment/web :80 :81', {
      count: 2,
      async use([first = '', second = '']) {
        await Promise.all(Array.from({ length: 8 }, () => ask(first)))
        await t.rejects(fetchText(`http://127.0.0.1:${second}/`), 'nobody listens there')
      },
    })
  })

  t.test(`kubectl ${version} proxy`, async (t) => {
    await forwarded(t, k, 'proxy --port=0', {
      async use([port = '']) {
        t.match(await fetchText(`http://127.0.0.1:${port}/api/v1/namespaces/default/services/web:8080/proxy/`), /Welcome to nginx/)
        t.match(await fetchText(`http://127.0.0.1:${port}/version`), /"gitVersion": ?"v1\.36/)
      },
    })
  })
}

t.test('attach takes part in what runs', async (t) => {
  await setup.run(['attach', '-i', 'listener'], { stdin: 'one\n' })
  await setup.run(['attach', '-i', 'listener'], { stdin: 'two\n' })
  t.equal(await eventually(async () => (await setup.run('logs listener')) || false), 'heard one and two\n', 'input that stays open is left by each who has no more')
  await setup.run(['run', 'open', '--image=busybox', '--restart=OnFailure', '--attach', '--leave-stdin-open', '--stdin', '--', 'sh', '-c', 'cat && echo closed'], { stdin: 'abcd\n' })
  t.equal(await eventually(async () => (await setup.run('logs open')) || false), 'abcd\n')
  t.equal(await setup.run('get pod open -o jsonpath={.status.phase}'), 'Running')
})

t.test('containers of a pod see each other\'s ports', async (t) => {
  await setup.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'two' }, spec: { containers: [{ name: 'a', image: 'nginx' }, { name: 'b', image: 'busybox', command: ['sleep', '3600'] }] } }))
  await setup.run('wait pod/two --for=condition=Ready --timeout=60s')
  t.match(await setup.run(['exec', 'two', '-c', 'b', '--', 'sh', '-c', 'netstat -na | grep LISTEN']), /0\.0\.0\.0:80 /)
})
