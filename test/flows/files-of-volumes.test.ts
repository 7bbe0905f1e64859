/** Files of volumes: kept across pods and restarts of the server, gone or kept with the claim, shared as far as they may be. */
import path from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { Kubectl, eventually, startTestCluster, type TestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const start = (t: Test, dataDir?: string) => startTestCluster(t, { nodes: 2, ...(dataDir ? { dataDir } : {}) })
const claim = (name: string, spec: object = {}) => stringify({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec } })
const volume = (name: string, spec: object) => stringify({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: '', ...spec } })

interface Mounting {
  volume: object
  mount?: object
  node?: string
  container?: object
  spec?: object
}

/** A pod that sleeps with one volume at /data. */
function mounting(name: string, { volume: source, mount = {}, node, container = {}, spec = {} }: Mounting): string {
  return podManifest({
    name,
    spec: { terminationGracePeriodSeconds: 0, volumes: [{ name: 'data', ...source }], ...(node ? { nodeName: node } : {}), ...spec },
    container: { image: 'busybox:1.37', command: ['sleep', '3600'], volumeMounts: [{ name: 'data', mountPath: '/data', ...mount }], ...container },
  })
}

const ofClaim = (claimName: string) => ({ persistentVolumeClaim: { claimName } })
const sh = (k: Kubectl, pod: string, script: string) => k.run(['exec', pod, '--', 'sh', '-c', script])
const ready = (k: Kubectl, ...pods: string[]) => k.run(['wait', ...pods.map((pod) => `pod/${pod}`), '--for=condition=Ready', '--timeout=60s'])
const shared: TestCluster = await start(t)
const k = new Kubectl('1.36', shared)

t.test('files stay through a restart of the server', async (t) => {
  const dataDir = path.join(shared.dir, 'data')
  const before = await start(t, dataDir)
  const one = new Kubectl('1.36', before)
  await one.apply(claim('kept'))
  await one.apply(mounting('writer', { volume: ofClaim('kept') }))
  await one.apply(mounting('host', { volume: { hostPath: { path: '/srv/shared' } }, node: 'node-1' }))
  await ready(one, 'writer', 'host')
  await sh(one, 'writer', 'mkdir -p /data/a/b && echo one > /data/a/b/file && ln -s file /data/a/b/link && chmod 640 /data/a/b/file && seq 1 60000 > /data/long')
  await sh(one, 'writer', 'echo two >> /data/a/b/file; echo gone > /data/gone; rm /data/gone')
  await sh(one, 'host', 'echo on the node > /data/file')
  const sum = await sh(one, 'writer', 'md5sum /data/long')
  await before.cluster.close()

  const two = new Kubectl('1.36', await start(t, dataDir))
  await eventually(async () => (await ready(two, 'writer', 'host')).includes('condition met'))
  t.equal(await sh(two, 'writer', 'cat /data/a/b/link; ls /data; stat -c %a /data/a/b/file'), 'one\ntwo\na\nlong\n640\n')
  t.equal(await sh(two, 'writer', 'md5sum /data/long'), sum)
  t.equal(await sh(two, 'host', 'cat /data/file'), 'on the node\n')
})

t.test('a volume that is deleted takes its files with it, one that is retained does not', async (t) => {
  await k.apply(claim('brief'))
  await k.apply(mounting('first', { volume: ofClaim('brief') }))
  await ready(k, 'first')
  await sh(k, 'first', 'echo x > /data/file')
  const name = await k.run(['get', 'pvc', 'brief', '-o', 'jsonpath={.spec.volumeName}'])
  const node = await k.run(['get', 'pod', 'first', '-o', 'jsonpath={.spec.nodeName}'])
  const folder = `/opt/local-path-provisioner/${name}_default_brief`
  await k.apply(mounting('disk', { volume: { hostPath: { path: '/' } }, node }))
  await ready(k, 'disk')
  t.equal(await sh(k, 'disk', `cat /data${folder}/file`), 'x\n', 'it lies on the disk of its node')
  await k.run('delete pod first')
  await k.run('delete pvc brief')
  t.ok(await eventually(async () => (await sh(k, 'disk', `ls /data/opt/local-path-provisioner`)) === ''))

  const nfs = (pv: string) => volume(pv, { persistentVolumeReclaimPolicy: 'Retain', nfs: { server: 'files.example.com', path: '/exports/a' } })
  await k.apply(nfs('first-pv'))
  await k.apply(claim('lasting', { volumeName: 'first-pv', storageClassName: '' }))
  await k.apply(mounting('second', { volume: ofClaim('lasting') }))
  await ready(k, 'second')
  await sh(k, 'second', 'echo kept > /data/file')
  await k.run('delete pod second')
  await k.run('delete pvc lasting')
  t.ok(await eventually(async () => /^first-pv .* Retain +Released /m.test(await k.run('get pv'))))
  await k.run('delete pv first-pv')
  await k.apply(nfs('second-pv'))
  await k.apply(claim('again', { volumeName: 'second-pv', storageClassName: '' }))
  await k.apply(mounting('third', { volume: ofClaim('again'), mount: { readOnly: true } }))
  await ready(k, 'third')
  t.equal(await sh(k, 'third', 'cat /data/file'), 'kept\n', 'who mounts the same export finds the same files')
  t.match((await k.try(['exec', 'third', '--', 'touch', '/data/new'])).stderr, /Read-only file system/)
})

t.test('a path of a node is shared by its pods, and by no others', async (t) => {
  const at = (type?: string) => ({ hostPath: { path: '/srv/shared', ...(type ? { type } : {}) } })
  await k.apply(mounting('a', { volume: at(), node: 'node-1' }))
  await k.apply(mounting('b', { volume: at('Directory'), node: 'node-1', mount: { readOnly: true } }))
  await k.apply(mounting('c', { volume: at('DirectoryOrCreate'), node: 'node-2' }))
  await ready(k, 'a', 'b', 'c')
  await sh(k, 'a', 'echo here > /data/file')
  t.equal(await sh(k, 'b', 'cat /data/file'), 'here\n')
  t.equal(await sh(k, 'c', 'ls /data'), '')
  await k.apply(mounting('d', { volume: { hostPath: { path: '/nothing', type: 'Directory' } }, node: 'node-2' }))
  t.ok(await eventually(async () => /Warning +FailedMount .*MountVolume\.SetUp failed for volume "data" : hostPath type check failed: \/nothing is not a directory/.test(await k.run('describe pod d'))))
})

t.test('parts of a volume, memory, and what cannot be', async (t) => {
  await k.apply(podManifest({
    name: 'parts',
    spec: { terminationGracePeriodSeconds: 0, volumes: [{ name: 'data', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }] },
    container: { image: 'busybox:1.37', command: ['sleep', '3600'], env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }], volumeMounts: [{ name: 'data', mountPath: '/all' }, { name: 'data', mountPath: '/logs', subPathExpr: 'logs/$(POD)' }, { name: 'data', mountPath: '/etc/app', subPath: 'etc', readOnly: true }, { name: 'memory', mountPath: '/memory' }] },
  }))
  await ready(k, 'parts')
  t.equal(await sh(k, 'parts', 'echo x > /logs/a; echo y > /all/etc/b; cat /all/logs/parts/a /etc/app/b; touch /etc/app/c 2>/dev/null || echo refused; mount | grep -c "tmpfs on /memory"'), 'x\ny\nrefused\n1\n')

  await k.apply(volume('raw', { volumeMode: 'Block', hostPath: { path: '/raw' } }))
  await k.apply(claim('raw', { volumeMode: 'Block', volumeName: 'raw', storageClassName: '' }))
  await k.apply(podManifest({ name: 'blocky', spec: { volumes: [{ name: 'data', ...ofClaim('raw') }] }, container: { volumeDevices: [{ name: 'data', devicePath: '/dev/xvda' }] } }))
  t.ok(await eventually(async () => /Warning +FailedMapVolume .*volumeMode Block is not supported/.test(await k.run('describe pod blocky'))))
})

t.test('one pod at a time, where the claim says so', async (t) => {
  await k.apply(volume('single', { accessModes: ['ReadWriteOncePod'], csi: { driver: 'files.example.com', volumeHandle: 'single' } }))
  await k.apply(claim('single', { accessModes: ['ReadWriteOncePod'], volumeName: 'single', storageClassName: '' }))
  await k.apply(mounting('holder', { volume: ofClaim('single') }))
  await ready(k, 'holder')
  await k.apply(mounting('waiter', { volume: ofClaim('single') }))
  t.ok(await eventually(async () => /0\/2 nodes are available: .*2 node\(s\) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod/.test(await k.run('describe pod waiter'))))
  await sh(k, 'holder', 'echo mine > /data/file')
  await k.run('delete pod holder')
  await ready(k, 'waiter')
  t.equal(await sh(k, 'waiter', 'cat /data/file'), 'mine\n')
})
