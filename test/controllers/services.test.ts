import t from 'tap'
import type { ResourceQuota, Service } from '../../schemas/types.ts'
import quotaController from '../../controllers/resourcequota.ts'
import balancer, { chooseAddress } from '../../controllers/service-lb.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { node, pod, service } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const balanced = (name: string, spec: Partial<Service['spec']> = {}): Service => service(name, { type: 'LoadBalancer', ...spec })

t.test('the address of a balancer', (t) => {
  const taken = new Set(['10.0.0.1', '10.0.0.2'])
  const has = (ip: string) => taken.has(ip)
  t.equal(chooseAddress(balanced('a'), '10.0.0.0/29', has), '10.0.0.3')
  t.equal(chooseAddress({ ...balanced('a'), status: { loadBalancer: { ingress: [{ ip: '10.0.0.2' }] } } }, '10.0.0.0/29', has), '10.0.0.2')
  t.equal(chooseAddress(balanced('a', { loadBalancerIP: '10.0.0.6' }), '10.0.0.0/29', has), '10.0.0.6')
  t.throws(() => chooseAddress(balanced('a', { loadBalancerIP: '10.0.0.1' }), '10.0.0.0/29', has), { message: 'the address 10.0.0.1 is in use' })
  t.throws(() => chooseAddress(balanced('a'), '10.0.0.0/30', has), { message: 'no address is left in 10.0.0.0/30' })
  t.end()
})

t.test('services get their addresses with the first node, and give them back', async (t) => {
  const cluster = new FakeCluster({ settings: { loadBalancerCIDR: '10.9.0.0/24' } })
  const run = new ControllerRun(cluster, balancer)
  cluster.seed(balanced('a'), balanced('b'), balanced('classed', { loadBalancerClass: 'x/y' }), service('plain'))
  await run.settle()
  const ips = () => cluster.all<Service>('v1/Service').map((s) => s.status?.loadBalancer?.ingress?.[0]?.ip)
  t.same(ips(), [undefined, undefined, undefined, undefined])
  cluster.seed(node('n'))
  await run.settle()
  t.same(ips(), ['10.9.0.1', '10.9.0.2', undefined, undefined])
  t.same(cluster.events, ['a', 'b'].flatMap((n) => [`Service/${n} Normal EnsuringLoadBalancer: Ensuring load balancer`, `Service/${n} Normal EnsuredLoadBalancer: Ensured load balancer`]))
  cluster.edit<Service>('v1/Service', 'a', (copy) => void (copy.spec.type = 'ClusterIP'))
  await run.settle()
  t.same([ips()[0], cluster.read('v1/Service', 'a').metadata.finalizers], [undefined, []])
  await cluster.delete('v1/Service', { namespace: 'default', name: 'b' })
  await run.settle()
  t.same(cluster.all('v1/Service').map((s) => s.metadata.name), ['a', 'classed', 'plain'])
  t.same(run.errors, [])
})

t.test('a quota counts what there is', async (t) => {
  const cluster = new FakeCluster()
  const kinds = () => [
    { kind: 'v1/Pod', plural: 'pods', namespaced: true },
    { kind: 'v1/Service', plural: 'services', namespaced: true },
    { kind: 'apps/v1/Deployment', plural: 'deployments', namespaced: true },
  ]
  const run = new ControllerRun(cluster, quotaController, { kinds })
  const quota: ResourceQuota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard: { pods: '4', 'requests.cpu': '2', 'count/deployments.apps': '3', 'services.nodeports': '0', 'count/things.example.com': '1' } },
  }
  const asking = (name: string, cpu: string, phase?: string) => ({ ...pod(name, phase ? { phase } : {}), spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] } })
  cluster.seed(quota, asking('a', '500m'), asking('b', '1'), asking('done', '1', 'Succeeded'), service('s', { type: 'NodePort' }))
  await run.settle()
  const used = () => cluster.read<ResourceQuota>('v1/ResourceQuota', 'q').status?.used
  t.same(used(), { pods: '2', 'requests.cpu': '1500m', 'count/deployments.apps': '0', 'services.nodeports': '1' })
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'b' })
  await run.step(100)
  t.match(used(), { pods: '1', 'requests.cpu': '500m' })
  t.same(run.errors, [])
})
