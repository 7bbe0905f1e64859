/** Disks come back as they were, whatever was done to their files. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { nextTurn, SeededRandom, type Random } from '../../../src/clock.ts'
import { Disks } from '../../../src/kubelet/disks/disks.ts'
import { nodeDisk, resolveHostPath, volumeDisk } from '../../../src/kubelet/disks/places.ts'
import { FsError, type FsNode } from '../../../src/kubelet/sandbox/nodes.ts'
import { FileSystem, ROOT } from '../../../src/kubelet/sandbox/vfs.ts'
import { Blobs } from '../../../src/storage/blobs.ts'

function directory(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-disks-'))
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
  return path.join(dir, 'volumes')
}

const open = (dir: string) => Disks.open({ store: new Blobs(dir), failed: (error) => t.fail(String(error)) })

function files(disks: Disks, name = 'volume/a'): FileSystem {
  const disk = disks.get(name)
  return new FileSystem({ node: disk.root, readOnly: false, type: 'ext4' }, { now: () => 1000, ledger: disk })
}

/** A tree as text, hard links told by who is the same. */
function picture(root: FsNode): string[] {
  const seen = new Map<FsNode, number>()
  const walk = (node: FsNode, at: string): string[] => {
    const known = seen.get(node)
    if (known !== undefined) return [`${at} is ${known}`]
    seen.set(node, seen.size)
    const { mode, uid, gid, mtimeMs } = node.meta
    const content = node.kind === 'file' ? `${node.size} ${node.read().toString('base64')}` : node.kind === 'link' ? node.target : node.kind === 'device' ? node.device : ''
    const below = node.kind === 'dir' ? [...node.entries].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, child]) => walk(child, `${at}/${name}`)) : []
    return [`${at} ${node.kind} ${mode.toString(8)} ${uid}:${gid} ${mtimeMs} ${content}`, ...below]
  }
  return walk(root, '')
}

/** Something that may happen to files; refusals are part of it. */
function change(at: FileSystem, random: Random): void {
  const name = () => `/${['a', 'b', 'c'][random.int(3)]}${random.int(2) ? `/${['x', 'y'][random.int(2)]}` : ''}`
  const actions = [
    () => at.mkdir(name(), ROOT),
    () => at.writeFile(name(), Buffer.from(random.bytes(random.int(200_000)))),
    () => at.writeFile(name(), 'more', { append: true }),
    () => at.openForWriting(name()).write(random.int(150_000), Buffer.from('in the middle')),
    () => at.openForWriting(name()).truncate(random.int(100_000)),
    () => at.removeAll(name(), ROOT),
    () => at.rename(name(), name(), ROOT),
    () => at.symlink(name(), name(), ROOT),
    () => at.link(name(), name(), ROOT),
    () => at.change(name(), { mode: 0o640, uid: random.int(5) }, { cred: ROOT }),
  ]
  try {
    actions[random.int(actions.length)]?.()
  } catch (error) {
    if (!(error instanceof FsError)) throw error
  }
}

t.test('random changes survive restarts', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const dir = directory()
    const random = new SeededRandom(seed)
    for (let round = 0; round < 4; round++) {
      const disks = await open(dir)
      const at = files(disks)
      for (let i = 0; i < 60; i++) {
        change(at, random)
        if (random.int(10) === 0) await nextTurn()
      }
      const before = picture(disks.get('volume/a').root)
      await disks.close()
      const again = await open(dir)
      t.same(picture(again.get('volume/a').root), before, `seed ${seed}, round ${round}`)
      await again.close()
    }
  }
})

t.test('a disk that is removed leaves nothing behind, and other disks as they are', async (t) => {
  const dir = directory()
  const disks = await open(dir)
  files(disks, 'volume/a').writeFile('/file', Buffer.alloc(200_000, 1))
  files(disks, 'volume/a b').writeFile('/file', 'kept')
  await disks.close()
  const again = await open(dir)
  again.remove('volume/a')
  await again.close()
  const blobs = new Blobs(dir)
  const keys: string[] = []
  for await (const rows of blobs.load()) keys.push(...rows.map(([key]) => key))
  await blobs.close()
  t.same(keys, ['volume%2Fa%20b 1', 'volume%2Fa%20b 2', 'volume%2Fa%20b 2 0'])
})

t.test('a disk has an end, and gives back what is removed', (t) => {
  const at = files(new Disks())
  for (let i = 0; i < 8; i++) at.writeFile(`/big-${i}`, Buffer.alloc(31 * 1024 * 1024))
  t.throws(() => at.writeFile('/more', Buffer.alloc(31 * 1024 * 1024)), { message: 'No space left on device' })
  at.removeAll('/big-0', ROOT)
  at.removeAll('/more', ROOT)
  t.doesNotThrow(() => at.writeFile('/more', Buffer.alloc(31 * 1024 * 1024)))
  t.end()
})

t.test('what hostPath asks of a path', (t) => {
  const disk = nodeDisk(new Disks(), 'node-1', 0)
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['/data/new', '', undefined],
    ['/data/made', 'DirectoryOrCreate', undefined],
    ['/var/log/pods', 'Directory', undefined],
    ['/run/containerd/containerd.sock', 'Socket', undefined],
    ['/dev/null', 'CharDevice', undefined],
    ['/etc/new', 'FileOrCreate', undefined],
    ['/etc/new', 'File', undefined],
    ['/nothing', 'Directory', 'hostPath type check failed: /nothing is not a directory'],
    ['/nothing', 'File', 'hostPath type check failed: /nothing is not a file'],
    ['/etc/new', 'DirectoryOrCreate', 'hostPath type check failed: /etc/new is not a directory'],
    ['/nothing/new', 'FileOrCreate', 'mkdir /nothing/new: no such file or directory'],
    ['/dev/sda', 'BlockDevice', 'hostPath type check failed: /dev/sda is not a block device'],
  ]
  for (const [at, type, problem] of cases) t.equal(resolveHostPath(disk, { path: at, type }, () => 0).problem, problem, `${type} ${at}`)
  t.end()
})

t.test('volumes of the same source are the same', (t) => {
  t.equal(volumeDisk({ csi: { driver: 'd', volumeHandle: 'h', volumeAttributes: { a: '1' } } }), volumeDisk({ csi: { driver: 'd', volumeHandle: 'h' } }))
  t.equal(volumeDisk({ nfs: { server: 's', path: '/p', readOnly: true } }), volumeDisk({ nfs: { server: 's', path: '/p' } }))
  t.not(volumeDisk({ nfs: { server: 's', path: '/p' } }), volumeDisk({ nfs: { server: 's', path: '/q' } }))
  t.equal(volumeDisk({ emptyDir: {} }), undefined)
  t.end()
})
