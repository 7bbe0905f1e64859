import t from 'tap'
import type { Endpoints, Pod, Service } from '../../schemas/types.ts'
import endpoints, { plan } from '../../controllers/endpoints.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { runningPod, service } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const planOf = (s: Service, pods: Pod[], current?: Endpoints) => plan(s, pods, { current, time: undefined })
const notReady = (name: string, ip: string): Pod => ({ ...runningPod(name, ip), status: { phase: 'Running', podIPs: [{ ip }] } })
const ips = (e: Endpoints | undefined) => e?.subsets?.map((s) => [s.addresses?.map((a) => a.ip), s.notReadyAddresses?.map((a) => a.ip), s.ports?.map((p) => p.port)])

t.test('subsets', (t) => {
  const cases: { name: string; spec?: Partial<Service['spec']>; pods: Pod[]; expect: unknown }[] = [
    { name: 'sorted, ready apart', pods: [runningPod('b', '10.0.0.2'), runningPod('a', '10.0.0.1'), notReady('c', '10.0.0.3')], expect: [[['10.0.0.1', '10.0.0.2'], ['10.0.0.3'], [8080]]] },
    { name: 'published though not ready', spec: { publishNotReadyAddresses: true }, pods: [notReady('c', '10.0.0.3'), runningPod('d', '10.0.0.4', { deleted: true })], expect: [[['10.0.0.3', '10.0.0.4'], undefined, [8080]]] },
    { name: 'the terminating leave', pods: [runningPod('d', '10.0.0.4', { deleted: true })], expect: undefined },
    { name: 'ports with the same addresses together', spec: { ports: [{ name: 'a', port: 1, protocol: 'TCP' }, { name: 'b', port: 2, protocol: 'UDP' }] }, pods: [runningPod('a', '10.0.0.1')], expect: [[['10.0.0.1'], undefined, [2, 1]]] },
    { name: 'headless without ports', spec: { clusterIP: 'None', ports: undefined }, pods: [runningPod('a', '10.0.0.1')], expect: [[['10.0.0.1'], undefined, undefined]] },
  ]
  for (const c of cases) t.same(ips(planOf(service('svc', c.spec), c.pods)), c.expect, c.name)
  t.end()
})

t.test('a thousand at most, the ready first', (t) => {
  const pods = Array.from({ length: 1100 }, (_, i) => (i < 900 ? runningPod(`p${i}`, `10.0.${i >> 7}.${i & 127}`) : notReady(`p${i}`, `10.1.${i >> 7}.${i & 127}`)))
  const made = planOf(service('svc'), pods)
  t.same([made?.subsets?.[0]?.addresses?.length, made?.subsets?.[0]?.notReadyAddresses?.length], [900, 100])
  t.equal(made?.metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated')
  t.equal(planOf(service('svc'), pods, made), undefined, 'and that is stable')
  t.end()
})

t.test('comes, follows and goes with its service', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, endpoints)
  cluster.seed({ ...service('svc'), metadata: { ...service('svc').metadata, labels: { team: 'a' } } })
  await run.settle()
  const read = () => cluster.read<Endpoints>('v1/Endpoints', 'svc')
  t.same(read().metadata.labels, { team: 'a', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' })
  t.same(read().metadata.annotations, { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' })
  cluster.seed(runningPod('a', '10.0.0.1'))
  await run.settle()
  t.same(read().subsets, [{ addresses: [{ ip: '10.0.0.1', nodeName: 'n1', targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' } }], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] }])
  const before = cluster.writes.length
  run.wake('default/svc')
  await run.settle()
  t.equal(cluster.writes.length, before)
  await cluster.delete('v1/Service', { namespace: 'default', name: 'svc' })
  await run.settle()
  t.same(cluster.all('v1/Endpoints'), [])
  t.same(run.errors, [])
})
