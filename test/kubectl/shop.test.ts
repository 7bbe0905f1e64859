/** The shop of examples/: applied, up within ten seconds, changed, rolled out, deleted without a trace. */
import fs from 'node:fs'
import path from 'node:path'
import type { KubeObject } from '../../src/registry/kind.ts'
import t, { type Test } from 'tap'
import type { DaemonSet, Ingress, PersistentVolume, PersistentVolumeClaim, Pod, PodDisruptionBudget, Service } from '../../schemas/types.ts'
import { assetPath } from '../../src/assets.ts'
import { SystemClock } from '../../src/clock.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { kubectlVersions } from '../helpers/kubectl.ts'

const target = await startTestCluster(t)
const clock = new SystemClock()
const UP_WITHIN_MS = 10_000
const shop = assetPath('examples/shop')

interface List<T> {
  items: T[]
}

function isReady({ status }: Pod): boolean {
  return status?.phase === 'Running' && status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
}

/** The shop's pods, when all that are wanted are there and ready. */
async function readyPods(k: Kubectl): Promise<Pod[] | false> {
  const { items } = await k.json<List<Pod>>('get pods')
  return items.length === 9 && items.every(isReady) && items
}

async function checkServices(t: Test, k: Kubectl): Promise<void> {
  const services = new Map((await k.json<List<Service>>('get services')).items.map((s) => [s.metadata.name, s]))
  t.equal(services.get('postgres-pods')?.spec.clusterIP, 'None')
  t.match(services.get('backend')?.spec.clusterIP, /^10\.96\./)
  t.equal(services.get('frontend-nodeport')?.spec.ports?.[0]?.nodePort, 30080)
  t.match(services.get('frontend-public')?.status?.loadBalancer?.ingress?.[0]?.ip, /^172\.18\.255\.\d+$/)
  t.equal(services.get('payments')?.spec.externalName, 'api.payments.example.com')
  t.match(await k.run('describe service backend'), /^Endpoints: +10\.244\.\d+\.\d+:8080,10\.244\.\d+\.\d+:8080,10\.244\.\d+\.\d+:8080$/m)
}

async function checkTheRest(t: Test, k: Kubectl): Promise<void> {
  const [claim] = (await k.json<List<PersistentVolumeClaim>>('get pvc')).items
  t.equal(claim?.metadata.name, 'data-postgres-0')
  t.equal(claim?.status?.phase, 'Bound')
  t.equal((await k.json<DaemonSet>('get daemonset log-agent')).status?.numberReady, 3)
  t.match((await k.json<PodDisruptionBudget>('get pdb backend')).status, { currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1, expectedPods: 3 })
  t.equal((await k.json<Ingress>('get ingress shop')).spec?.rules?.[0]?.host, 'shop.example.com')
  t.match(await k.run('get networkpolicy postgres --no-headers'), /^postgres +app\.kubernetes\.io\/name=postgres /)
}

for (const version of kubectlVersions) {
  t.test(`kubectl ${version}`, async (t) => {
    const k = new Kubectl(version, target, 'shop')
    t.match(await k.run(['apply', '-R', '-f', shop]), /^statefulset\.apps\/postgres created$/m)
    const appliedAt = clock.now()
    const pods = await eventually(() => readyPods(k), UP_WITHIN_MS)
    const bound = await eventually(async () => (await k.json<List<PersistentVolumeClaim>>('get pvc')).items.every((c) => c.status?.phase === 'Bound'), UP_WITHIN_MS)
    t.ok(bound && clock.now() - appliedAt < UP_WITHIN_MS + 5000)
    t.equal(new Set(pods.map((p) => p.status?.podIP)).size, 9, 'every pod has an address of its own')
    await checkServices(t, k)
    await checkTheRest(t, k)
    // kubectl says "configured" of what it patches, even where the patch changes nothing (claim templates, budgets, strategies).
    const versions = async () => (await k.json<List<KubeObject>>('get secrets,services,statefulsets,deployments,pdb,ingresses')).items.map(({ kind, metadata }) => [kind, metadata.name, metadata.resourceVersion])
    const before = await versions()
    t.notMatch(await k.run(['apply', '-R', '-f', shop]), /created/)
    t.same(await versions(), before, 'applied again, nothing changes')

    const changed = path.join(target.dir, `changed-${version}`)
    fs.cpSync(shop, changed, { recursive: true })
    const backend = path.join(changed, '20-backend.yaml')
    fs.writeFileSync(backend, fs.readFileSync(backend, 'utf8').replace('shop-backend:1.0.0', 'shop-backend:1.1.0'))
    t.match(await k.run(['apply', '-R', '-f', changed]), /^deployment\.apps\/backend configured$/m)
    await k.run('rollout status deployment/backend --timeout=20s')
    const images = await k.run(['get', 'pods', '-l', 'app.kubernetes.io/name=backend', '--field-selector=status.phase=Running', '-o', 'jsonpath={.items[*].spec.containers[0].image}'])
    t.same([...new Set(images.split(' '))], ['ghcr.io/example/shop-backend:1.1.0'])
    await k.run('rollout undo deployment/backend')
    await k.run('rollout status deployment/backend --timeout=20s')

    await k.run(['delete', '-R', '-f', shop, '--timeout=30s'])
    t.match(await k.fails('get namespace shop'), /namespaces "shop" not found/)
    for (const kinds of ['all', 'configmaps,secrets,serviceaccounts,pvc,pdb,ingress,networkpolicies,endpointslices,events', 'controllerrevisions,leases']) {
      t.equal(await k.run(['get', kinds, '-o', 'name']), '', kinds)
    }
    await eventually(async () => (await k.json<List<PersistentVolume>>('get pv')).items.length === 0)
  })
}
