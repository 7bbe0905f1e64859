/** A sandbox without a cluster around it, and scripts in it. */
import { Readable } from 'node:stream'
import { FakeClock, SeededRandom } from '../../src/clock.ts'
import { Images } from '../../src/kubelet/images.ts'
import { rootfs } from '../../src/kubelet/rootfs.ts'
import { nullEnd, readableEnd, sinkEnd } from '../../src/kubelet/sandbox/io.ts'
import { Sandbox } from '../../src/kubelet/sandbox/sandbox.ts'
import { tools } from '../../src/kubelet/sandbox/tools.ts'
import { Turns } from '../../src/kubelet/sandbox/turns.ts'
import { FileSystem } from '../../src/kubelet/sandbox/vfs.ts'
import { LocalNetwork } from './local-network.ts'

const images = new Images()

export function box({ clock = new FakeClock(), uid = 0, memoryBytes = 1 << 20, image = 'busybox', ports = [] as readonly number[] } = {}) {
  const ended: { code: number; oomKilled: boolean }[] = []
  const fs = new FileSystem({ node: rootfs(images.find(image)), readOnly: false, type: 'overlay' }, { now: () => clock.now(), ledger: { charge: () => {} } })
  const network = new LocalNetwork()
  const party = { name: 'pod', ip: '10.0.0.1', nodeName: 'node' }
  // Something that takes connections and says nothing.
  for (const port of ports) network.listen(party, { port, protocol: 'TCP' }, () => {})
  const sandbox = new Sandbox({
    fs,
    network,
    party,
    hostname: 'pod',
    clock,
    random: new SeededRandom(1),
    turns: new Turns(),
    programs: (name) => tools.get(name),
    memoryBytes: () => memoryBytes,
    failed: (error) => {
      throw error
    },
    onExit: (exit) => ended.push(exit),
  })
  let out = ''
  let err = ''
  const run = (argv: readonly string[], stdin = '') =>
    sandbox.start({
      argv,
      env: new Map([['PATH', '/bin:/usr/bin:/sbin:/usr/local/bin'], ['HOME', '/root'], ['GREETING', 'hello world']]),
      cwd: '/tmp',
      cred: { uid, gid: uid, groups: [] },
      fds: new Map([[0, stdin ? readableEnd(Readable.from([Buffer.from(stdin)])) : nullEnd], [1, sinkEnd((b) => void (out += b.toString()))], [2, sinkEnd((b) => void (err += b.toString()))]]),
    })
  return { sandbox, clock, ended, run, output: () => ({ out, err }) }
}

/** What a script prints; after `!` what it complains of, and its status unless that is 0. */
export async function script(text: string, { stdin = '', shell = 'sh', image = 'busybox', ports = [] as readonly number[] } = {}): Promise<string> {
  const { run, output, clock } = box({ image, ports })
  const started = run([shell, '-c', text], stdin)
  if ('problem' in started) return started.problem
  // What sleeps is not waited for.
  while (started.process.exitCode === undefined) await clock.step(20)
  const code = await started.process.exited
  const { out, err } = output()
  return `${out}${err ? `!${err}` : ''}${code === 0 ? '' : `(${code})`}`
}
