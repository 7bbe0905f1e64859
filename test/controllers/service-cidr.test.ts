/** Ranges of Service addresses: ready, or going when nothing is left that needs them. */
import t from 'tap'
import type { IPAddress, ServiceCIDR } from '../../schemas/types.ts'
import controller, { canGo } from '../../controllers/service-cidr.ts'
import { formatTime } from '../../src/clock.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const KIND = 'networking.k8s.io/v1/ServiceCIDR'
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
const range = (name: string, ...cidrs: string[]): ServiceCIDR => ({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } })
const address = (name: string, managedBy = 'ipallocator.k8s.io'): IPAddress => ({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name, labels: { 'ipaddress.kubernetes.io/managed-by': managedBy } }, spec: { parentRef: { resource: 'services', name: 's' } } })

t.test('whether a range can go', (t) => {
  const going = range('r', '10.1.0.0/24', 'fd00::/112')
  const cases: readonly (readonly [string, ServiceCIDR[], IPAddress[], boolean])[] = [
    ['nothing was given', [], [], true],
    ['an address was given', [], [address('10.1.0.7')], false],
    ['one of the other family', [], [address('fd00::7')], false],
    ['one of another range', [], [address('10.2.0.7')], true],
    ['by somebody else', [], [address('10.1.0.7', 'other.example.com')], true],
    ['the address is in another range too', [range('o', '10.1.0.0/28')], [address('10.1.0.7')], true],
    ['the address is not in the other', [range('o', '10.1.0.0/28')], [address('10.1.0.77')], false],
    ['a wider range has all of it', [range('o', '10.1.0.0/16', 'fd00::/64')], [address('10.1.0.77'), address('fd00::7')], true],
    ['a wider range has half of it', [range('o', '10.1.0.0/16')], [address('10.1.0.77'), address('fd00::7')], false],
  ]
  for (const [name, others, addresses, expected] of cases) t.equal(canGo(going, [going, ...others], addresses), expected, name)
  t.end()
})

t.test('from ready to gone', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, controller)
  cluster.seed(range('r', '10.1.0.0/24'), address('10.1.0.7'))
  await run.settle()
  const read = () => cluster.read<ServiceCIDR>(KIND, 'r')
  t.same(read().metadata.finalizers, [FINALIZER])
  t.match(read().status?.conditions, [{ type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' }])
  cluster.edit<ServiceCIDR>(KIND, 'r', (copy) => void (copy.metadata.deletionTimestamp = formatTime(cluster.clock.now())))
  await run.settle()
  t.match(read().status?.conditions, [{ type: 'Ready', status: 'False', reason: 'Terminating', message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR' }])
  await cluster.delete('networking.k8s.io/v1/IPAddress', { namespace: '', name: '10.1.0.7' })
  await run.settle()
  t.same(read().metadata.finalizers, [FINALIZER], 'allocators may still take from it')
  await run.step(11_000)
  t.same(cluster.all<ServiceCIDR>(KIND).flatMap(({ metadata }) => metadata.finalizers ?? []), [])
  t.same(run.errors, [])
})
