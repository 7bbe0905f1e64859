import t from 'tap'
import { ServiceIPAddresses } from '../../src/client/service-ip-addresses.ts'
import { SeededRandom } from '../../src/clock.ts'
import { ServiceAllocators } from '../../src/registry/allocators.ts'
import type { IPAddress } from '../../schemas/types.ts'
import { startApi } from '../helpers/in-process-api.ts'

const KIND = 'networking.k8s.io/v1/IPAddress'
const OWNER = { namespace: 'ns', name: 'web' }

t.test('addresses of services have objects', async (t) => {
  const { client } = await startApi(t)
  const errors: unknown[] = []
  const addresses = new ServiceIPAddresses({ client, onError: (error) => errors.push(error) })
  const pools = new ServiceAllocators({ random: new SeededRandom(1), onServiceIP: addresses })
  const names = async () => (await client().list<IPAddress>(KIND)).map((a) => a.metadata.name)

  const ip = pools.allocateServiceIP('IPv4', OWNER, { dryRun: false })
  await addresses.settled()
  t.match(await client().get<IPAddress>(KIND, { name: ip }), {
    metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
    spec: { parentRef: { resource: 'services', namespace: 'ns', name: 'web' } },
  })

  pools.allocateServiceIP('IPv4', OWNER, { requested: '10.96.7.7', dryRun: true })
  for (let i = 0; i < 5; i++) {
    pools.allocateServiceIP('IPv4', OWNER, { requested: '10.96.7.8', dryRun: false })
    pools.releaseServiceIP('10.96.7.8')
  }
  pools.releaseServiceIP(ip)
  await addresses.settled()
  t.same(await names(), [])
  t.same(errors, [], 'what is taken and given back at once leaves nothing')
})

t.test('an object that somebody made or removed is no error; what else goes wrong is told', async (t) => {
  const { client } = await startApi(t)
  const errors: unknown[] = []
  const addresses = new ServiceIPAddresses({ client, onError: (error) => errors.push(error) })
  await client().create<IPAddress>({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '10.96.0.9' }, spec: { parentRef: { resource: 'things', name: 'a' } } })
  addresses.allocated('10.96.0.9', OWNER)
  addresses.released('10.96.0.9')
  addresses.released('10.96.0.9')
  addresses.allocated('nonsense', OWNER)
  await addresses.settled()
  t.match(errors, [{ reason: 'Invalid' }])
})
