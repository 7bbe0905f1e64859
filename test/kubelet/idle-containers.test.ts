/** A container that only waits for its end costs nothing until somebody comes in. */
import t from 'tap'
import { Pids } from '../../src/kubelet/sandbox/pids.ts'
import type { Node, Pod } from '../../schemas/types.ts'
import { FakeClock, SeededRandom } from '../../src/clock.ts'
import { waitsForever } from '../../src/kubelet/behaviour.ts'
import { ByteLedger } from '../../src/kubelet/byte-ledger.ts'
import { ContainerLogs } from '../../src/kubelet/container-logs.ts'
import { Images } from '../../src/kubelet/images.ts'
import { rootfs } from '../../src/kubelet/rootfs.ts'
import type { Exit, StartRequest } from '../../src/kubelet/runtimes/runtime.ts'
import { ShellRuntime } from '../../src/kubelet/runtimes/shell.ts'
import { FileNode } from '../../src/kubelet/sandbox/nodes.ts'
import { FileSystem, ROOT } from '../../src/kubelet/sandbox/vfs.ts'
import { LocalNetwork } from '../helpers/local-network.ts'

t.test('what waits forever', async (t) => {
  t.ok(waitsForever({ cpu: '0m' }, true))
  t.notOk(waitsForever({ cpu: '100m' }, true), 'what it uses adds up')
  t.ok(waitsForever({ completes: true }, false))
  for (const busy of [{ completes: true }, { logs: ['x'] }, { errors: ['x'] }, { serves: [{}] }, { exitAfter: '1s' }, { startAfter: '1s' }]) t.notOk(waitsForever(busy, true), JSON.stringify(busy))
})

function pause() {
  const clock = new FakeClock()
  const image = new Images().find('registry.k8s.io/pause:3.10')
  const seen = { furnished: 0, exits: [] as Exit[] }
  const disk = new ByteLedger()
  const fs = new FileSystem({ node: rootfs(image), readOnly: false, type: 'overlay' }, { now: () => 0, ledger: disk, furnish: () => seen.furnished++ })
  const terminationMessage = new FileNode({ mode: 0o666, uid: 0, gid: 0, mtimeMs: 0 })
  const config = { argv: image.entrypoint, env: new Map<string, string>(), cwd: '/', cred: ROOT, hostname: 'p', fs, terminationMessage, disk, memory: [] }
  const log = new ContainerLogs(clock).begin('u', 'c')
  const container = { name: 'c', image: 'registry.k8s.io/pause:3.10' }
  const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', uid: 'u' }, spec: { containers: [container] } }
  const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: {} }
  const request: StartRequest = { pod, node, container, role: 'app', restartCount: 0, execution: () => ({ config, image, latestImage: () => image, log, party: { name: 'p', ip: '10.0.0.1', nodeName: 'n' }, pids: new Pids(), isTask: false }) }
  const runtime = new ShellRuntime({ clock, random: new SeededRandom(1), network: new LocalNetwork(), failed: (error) => t.fail(String(error)) })
  let exited = (): void => {}
  const over = new Promise<void>((resolve) => (exited = resolve))
  const handle = runtime.start(request, { running() {}, ready() {}, exited: (exit) => (seen.exits.push(exit), exited()) })
  return { seen, handle, over }
}

t.test('it ends with 0 and nobody has looked at its files', async (t) => {
  const { seen, handle, over } = pause()
  handle.stop(30_000)
  await over
  t.same(seen, { furnished: 0, exits: [{ code: 0 }] })
})

t.test('who comes in finds files and a first process, which still ends', async (t) => {
  const { seen, handle, over } = pause()
  await t.rejects(async () => handle.exec?.({ command: ['no-such'], streams: { tty: false } }), /executable file not found/)
  t.equal(seen.furnished, 1)
  handle.stop(30_000)
  await over
  t.same(seen.exits, [{ code: 0 }])
})
