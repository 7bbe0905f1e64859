/** `npm start` as a user runs it: a process that says what to do next, keeps its state, and ends on Ctrl-C. */
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { assetPath } from '../../src/assets.ts'
import { run } from '../../src/cli/run.ts'
import { eventually } from '../helpers/cluster.ts'
import { kubectl, runProgram } from '../helpers/kubectl.ts'
import { configMapManifest } from '../helpers/manifests.ts'
import { testIo } from './test-io.ts'

interface Started {
  child: ChildProcess
  output(): string
  /** Resolves to the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals | null>
}

function start(...flags: string[]): Started {
  const child = spawn('npm', ['start', '--silent', '--', ...flags], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  t.teardown(() => signalGroup(child, 'SIGKILL'))
  return { child, output: () => output, ended }
}

/** As a terminal does on Ctrl-C: to npm and to what it started. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid) process.kill(-pid, signal)
  } catch {
    // It has ended already.
  }
}

const isReady = ({ output }: Started) => output().includes('Ctrl-C stops the cluster.')

t.test('a cluster that is stopped and started again', async (t) => {
  const dir = t.testdir()
  const data = path.join(dir, 'state')
  const first = start('--port', '0', '--data-dir', data, '--nodes', '1', '--admin-token', 'sesame')
  await eventually(() => isReady(first))
  const kubeconfig = path.join(data, 'kubeconfig')
  t.match(first.output(), new RegExp(`^  export KUBECONFIG=${kubeconfig}\n  kubectl get nodes$`, 'm'))
  t.equal(fs.statSync(kubeconfig).mode & 0o777, 0o600)
  t.equal((await kubectl('1.36', ['apply', '-f', '-'], { kubeconfig, stdin: configMapManifest('kept', { a: '1' }) })).code, 0)
  const uid = () => kubectl('1.36', ['get', 'configmap', 'kept', '-o', 'jsonpath={.metadata.uid}'], { kubeconfig }).then((r) => r.stdout)
  const before = await uid()

  const server = /https:\/\/127\.0\.0\.1:(\d+)/.exec(first.output())
  const byToken = await kubectl('1.36', ['--server', server?.[0] ?? '', '--insecure-skip-tls-verify', '--token', 'sesame', 'auth', 'whoami'], { env: { KUBECONFIG: '/dev/null' } })
  t.match(byToken.stdout, 'system:masters')
  await t.test('the data directory and the port are taken', async (t) => {
    const sameData = testIo()
    t.equal(await run(['up', '--port', '0', '--data-dir', data], sameData), 1)
    t.match(sameData.complained(), /^orrery: the data directory \S+ is in use by another process\n$/)
    const samePort = testIo({ cwd: dir })
    t.equal(await run(['up', '--port', server?.[1] ?? '', '--data-dir', 'none'], samePort), 1)
    t.match(samePort.complained(), /^orrery: cannot listen on 127\.0\.0\.1:\d+: the port is in use; choose another with --port\n$/)
  })

  signalGroup(first.child, 'SIGINT')
  t.equal(await first.ended, 0)
  t.match(first.output(), /\nStopping …\nStopped\. The state is in \S+\.\n$/)

  const second = start('--port', '0', '--data-dir', data, '--nodes', '1')
  await eventually(() => isReady(second))
  t.ok(before)
  t.equal(await uid(), before, 'what was there is there again')
  second.child.kill('SIGTERM')
  await second.ended
  // What npm start has built is a program by itself, as the package's command.
  const version = await runProgram(assetPath('dist/orrery.cjs'), ['version'], {})
  t.match(version, { code: 0, stdout: /^orrery \d/ })
  await eventually(async () => (await uid()) === '')
})

t.test('in this process', async (t) => {
  const dir = t.testdir({ 'orrery.yaml': 'port: 0\ndataDir: none\nnodes: []\nkubeconfig: kc\n' })
  const io = testIo({ cwd: dir, env: { ORRERY_CONFIG: 'orrery.yaml' } })
  const code = run(['up'], io)
  await eventually(() => io.printed().includes('Ctrl-C'))
  t.match(io.printed(), /^Orrery \d+\.\d+\.\d+, Kubernetes 1\.36\.\d+: ready in 1\.2 s\n/)
  t.match(io.printed(), `export KUBECONFIG=${dir}/kc\n`)
  io.stop()
  t.equal(await code, 0)
})

t.test('a data directory that cannot be one', async (t) => {
  const dir = t.testdir({ file: 'text' })
  const io = testIo({ cwd: dir })
  t.equal(await run(['up', '--port', '0', '--data-dir', 'file', '--kubeconfig', 'kc'], io), 1)
  t.match(io.complained(), /^orrery: cannot use the data directory \S+file: E/)
})
