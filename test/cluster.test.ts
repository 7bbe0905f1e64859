/** A cluster as a whole: it comes back from its disk, refuses what is taken in one line, and leaves nothing behind. */
import fs from 'node:fs'
import http2 from 'node:http2'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { startCluster, type ClusterOptions } from '../src/cluster.ts'
import { eventually } from './helpers/cluster.ts'
import { ApiTester, CONFIG_MAPS, configMap, timely, TOKEN } from './helpers/http.ts'

const options: ClusterOptions = { host: '127.0.0.1', port: 0, dataDir: undefined, nodes: [], logLevel: 'silent', freeze: true, adminToken: TOKEN }

function temporaryDir(t: Test): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-cluster-'))
  t.teardown(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** What keeps a process alive or holds memory outside of it, counted by sort. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[]
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[]
}

const decoded = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString()

t.test('everything is there after a restart', async (t) => {
  const dataDir = temporaryDir(t)
  const first = await startCluster({ ...options, dataDir })
  const before = new ApiTester(first)
  await before.make(CONFIG_MAPS, configMap('kept', { data: { a: '1' } }))
  await before.make(CONFIG_MAPS, configMap('gone'))
  await before.delete(`${CONFIG_MAPS}/gone`)
  const kept = await before.get(`${CONFIG_MAPS}/kept`)
  const service = await before.make('/api/v1/namespaces/default/services', { metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } })
  const kubeconfig = parse(first.kubeconfig()) as Kubeconfig
  const leases = async (api: ApiTester) => (await api.get('/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?labelSelector=apiserver.kubernetes.io/identity=kube-apiserver')).body.items ?? []
  const [lease] = await leases(before)
  t.match(lease, { metadata: { name: /^apiserver-[a-z2-7]{26}$/ }, spec: { leaseDurationSeconds: 3600, holderIdentity: /^apiserver-/ } }, 'the server tells that it is there')
  const { revision } = { revision: Number((await before.get(CONFIG_MAPS)).body.metadata.resourceVersion) }
  before.close()
  await first.close()

  const second = await startCluster({ ...options, dataDir })
  const after = new ApiTester(second)
  t.teardown(() => after.close())
  t.teardown(() => second.close())
  t.equal((await after.get(`${CONFIG_MAPS}/kept`)).text, kept.text, 'byte for byte')
  t.equal((await after.get(`${CONFIG_MAPS}/gone`)).status, 404)
  t.ok(Number((await after.get(CONFIG_MAPS)).body.metadata.resourceVersion) >= revision, 'versions go on')
  t.equal((parse(second.kubeconfig()) as Kubeconfig).clusters[0]?.cluster['certificate-authority-data'], kubeconfig.clusters[0]?.cluster['certificate-authority-data'], 'of the same authority')
  t.match(await leases(after), [{ metadata: { uid: lease?.metadata.uid } }], 'under the same name')
  const { clusterIP } = service.spec as { clusterIP: string }
  t.match(await after.post('/api/v1/namespaces/default/services', { metadata: { name: 'other' }, spec: { clusterIP, ports: [{ port: 80 }] } }), { status: 422, body: { message: /provided IP is already allocated/ } }, 'addresses stay taken')
  t.match(await after.post(CONFIG_MAPS, configMap('kept')), { status: 409 })
  const watch = await after.watch(`${CONFIG_MAPS}?watch=true&resourceVersion=${kept.body.metadata.resourceVersion}`)
  t.match(await watch.all(), [{ type: 'ERROR', object: { code: 410 } }], 'history is not kept')
})

t.test('the kubeconfig lets its owner in, and only by its authority', async (t) => {
  const cluster = await startCluster(options)
  t.teardown(() => cluster.close())
  const { clusters: [entry], users: [user] } = parse(cluster.kubeconfig()) as Kubeconfig
  t.equal(entry?.cluster.server, cluster.url)
  const credentials = { ca: decoded(entry?.cluster['certificate-authority-data']), cert: decoded(user?.user['client-certificate-data']), key: decoded(user?.user['client-key-data']) }
  const whoami = (session: http2.ClientHttp2Session): Promise<string> =>
    timely(
      'whoami',
      new Promise((resolve, reject) => {
        session.on('error', reject)
        const stream = session.request({ ':method': 'POST', ':path': '/apis/authentication.k8s.io/v1/selfsubjectreviews', 'content-type': 'application/json' })
        let text = ''
        stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
        stream.on('error', reject)
        stream.on('end', () => resolve(text))
        stream.end('{}')
      }),
    )
  const session = http2.connect(cluster.url, credentials)
  t.match(JSON.parse(await whoami(session)), { status: { userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': [/^X509SHA256=[0-9a-f]{64}$/] } } } })
  session.destroy()
  const byName = http2.connect(cluster.url.replace('127.0.0.1', 'localhost'), { ...credentials, lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]) } as http2.SecureClientSessionOptions)
  t.match(await whoami(byName), /kubernetes-admin/, 'the certificate is for localhost too')
  byName.destroy()
  const other = await startCluster(options)
  t.teardown(() => other.close())
  await t.rejects(whoami(http2.connect(other.url, credentials)), /self.signed|unable to verify|certificate|canceled/, 'another cluster is another authority')
})

t.test('what is taken is refused in one line', async (t) => {
  const dataDir = temporaryDir(t)
  const first = await startCluster({ ...options, dataDir })
  t.teardown(() => first.close())
  const refusal = async (taken: Partial<ClusterOptions>): Promise<Error & { code?: string }> => {
    try {
      await (await startCluster({ ...options, ...taken })).close()
    } catch (error) {
      if (error instanceof Error) return error
    }
    throw new Error('it started')
  }
  const port = await refusal({ port: first.port })
  t.match(port, { code: 'EADDRINUSE', message: /^[^\n]*\b127\.0\.0\.1:\d+$/ })
  const dir = await refusal({ dataDir })
  t.match(dir, { code: 'LOCKED', message: /^[^\n]*in use[^\n]*$/ })
  const again = await startCluster(options)
  t.ok(again.port, 'and what was refused has left nothing in the way')
  await again.close()
})

t.test('nothing is left after close', async (t) => {
  // Something has to keep this process alive while it waits.
  const awake = net.createServer().listen(0)
  t.teardown(() => awake.close())
  const warmUp = await startCluster(options)
  await warmUp.close()
  const before = resources()
  const dataDir = temporaryDir(t)
  const cluster = await startCluster({ ...options, dataDir, nodes: [{ name: 'n1' }, { name: 'n2' }] })
  const api = new ApiTester(cluster)
  await api.make(CONFIG_MAPS, configMap('a'))
  await api.get(CONFIG_MAPS, { http1: true })
  const watch = await api.watch(`${CONFIG_MAPS}?watch=true`)
  await watch.take(1)
  await timely('close', Promise.all([cluster.close(), cluster.close()]))
  api.close()
  const port = await new Promise((resolve) => tls.connect({ host: '127.0.0.1', port: cluster.port }).on('error', (error: Error & { code?: string }) => resolve(error.code)))
  t.equal(port, 'ECONNREFUSED')
  await eventually(() => {
    const now = resources()
    const left = Object.keys(now).filter((name) => (now[name] ?? 0) > (before[name] ?? 0))
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`)
  })
  t.pass('as before')
})

t.test('many clusters live side by side', async (t) => {
  const clusters = await Promise.all(Array.from({ length: 12 }, () => startCluster(options)))
  t.equal(new Set(clusters.map((c) => c.port)).size, 12)
  const testers = clusters.map((cluster) => new ApiTester(cluster))
  await Promise.all(testers.map((api, i) => api.make(CONFIG_MAPS, configMap(`only-${i}`))))
  for (const [i, api] of testers.entries()) t.same((await api.get(`${CONFIG_MAPS}?fieldSelector=metadata.name!%3Dkube-root-ca.crt`)).body.items?.map((o) => o.metadata.name), [`only-${i}`])
  for (const api of testers) api.close()
  await Promise.all(clusters.map((cluster) => cluster.close()))
})
