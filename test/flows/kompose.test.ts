/**
 * What kompose makes of a small compose file (a web frontend, an API, a database with a volume, two networks) applies and works:
 * its labels, claims and network policies.
 */
import t from 'tap'
import { stringify } from 'yaml'
import { Kubectl, eventually, startTestCluster } from '../helpers/cluster.ts'

const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 2 }))

interface ComposeService {
  image: string
  port: number
  networks: readonly string[]
  env?: Record<string, string>
  volume?: { claim: string; mountPath: string }
}

const annotations = { 'kompose.cmd': 'kompose convert', 'kompose.version': '1.36.0 (HEAD)' }
const networkLabel = (network: string) => `io.kompose.network/shop-${network}`

/** Deployment, Service and claim of one service, in kompose's shape. */
function convert(name: string, { image, port, networks, env = {}, volume }: ComposeService): object[] {
  const labels = { 'io.kompose.service': name }
  const podLabels = { ...Object.fromEntries(networks.map((network) => [networkLabel(network), 'true'])), ...labels }
  const container = {
    name,
    image,
    ports: [{ containerPort: port, protocol: 'TCP' }],
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    resources: {},
    ...(volume ? { volumeMounts: [{ mountPath: volume.mountPath, name: volume.claim }] } : {}),
  }
  const volumes = volume ? { volumes: [{ name: volume.claim, persistentVolumeClaim: { claimName: volume.claim } }] } : {}
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { annotations, labels, name },
    spec: { replicas: 1, selector: { matchLabels: labels }, ...(volume ? { strategy: { type: 'Recreate' } } : {}), template: { metadata: { annotations, labels: podLabels }, spec: { containers: [container], restartPolicy: 'Always', ...volumes } } },
    status: {},
  }
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { annotations, labels, name }, spec: { ports: [{ name: String(port), port, targetPort: port }], selector: labels }, status: { loadBalancer: {} } }
  const claim = volume && { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { labels: { 'io.kompose.service': volume.claim }, name: volume.claim }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '100Mi' } } }, status: {} }
  return [service, deployment, ...(claim ? [claim] : [])]
}

function policy(network: string): object {
  const label = { [networkLabel(network)]: 'true' }
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: `shop-${network}` }, spec: { ingress: [{ from: [{ podSelector: { matchLabels: label } }] }], podSelector: { matchLabels: label } } }
}

const manifest = [
  ...convert('frontend', { image: 'nginx:1.28', port: 80, networks: ['front'] }),
  ...convert('api', { image: 'registry.example.com/shop/api:1.0', port: 5678, networks: ['front', 'back'], env: { DATABASE_URL: 'postgres://db:5432/shop' } }),
  ...convert('db', { image: 'postgres:17', port: 5432, networks: ['back'], env: { POSTGRES_PASSWORD: 'example' }, volume: { claim: 'db-data', mountPath: '/var/lib/postgresql/data' } }),
  policy('front'),
  policy('back'),
]
  .map((object) => stringify(object))
  .join('---\n')

t.test('it applies, comes up and can be applied again', async (t) => {
  const said = await k.apply(manifest)
  for (const line of ['service/frontend', 'deployment.apps/api', 'persistentvolumeclaim/db-data', 'networkpolicy.networking.k8s.io/shop-back']) t.match(said, `${line} created`)
  for (const name of ['frontend', 'api', 'db']) t.match(await k.run(`rollout status deployment/${name} --timeout=60s`), /successfully rolled out/)
  t.match(await k.run('get pvc'), /^db-data +Bound +pvc-[0-9a-f-]{36} +100Mi +RWO +standard /m)
  t.match(await k.run('get all -l io.kompose.service=db'), /^pod\/db-\w+-\w+ +1\/1 +Running[^]*^service\/db +ClusterIP[^]*^deployment\.apps\/db +1\/1 /m)
  t.notMatch(await k.apply(manifest), /created/)
})

t.test('each network is open to its members alone', async (t) => {
  const reaches = async (from: string, to: string, port: number) => (await k.try(['exec', `deploy/${from}`, '--', 'nc', '-z', '-w', '2', to, String(port)])).code === 0
  t.ok(await eventually(() => reaches('frontend', 'api', 5678)))
  t.ok(await eventually(() => reaches('api', 'db', 5432)))
  t.notOk(await reaches('frontend', 'db', 5432), 'the database is on the other network')
})

t.test('the data stay with the claim', async (t) => {
  await k.run(['exec', 'deploy/db', '--', 'sh', '-c', 'echo order-1 > /var/lib/postgresql/data/orders'])
  await k.run('rollout restart deployment/db')
  await k.run('rollout status deployment/db --timeout=60s')
  t.equal(await eventually(() => k.run(['exec', 'deploy/db', '--', 'cat', '/var/lib/postgresql/data/orders'])), 'order-1\n')
})
