import t from 'tap'
import availability from '../../controllers/remote-apiservice-availability.ts'
import type { APIService, Service } from '../../schemas/types.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const APISERVICE = 'apiregistration.k8s.io/v1/APIService'
const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'ns' }, spec })
const slice = (ready: boolean, port = 'web') => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'x', namespace: 'ns', labels: { 'kubernetes.io/service-name': 's' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready } }],
  ports: [{ name: port, port: 8443 }],
})
const clusterIP = service({ ports: [{ name: 'web', port: 443 }] })

t.test('what the condition says', async (t) => {
  const cases: [name: string, objects: object[], problem: string | undefined, wanted: string][] = [
    ['no service', [], undefined, 'False ServiceNotFound: service/s in "ns" is not present'],
    ['another port', [service({ ports: [{ port: 80 }] })], undefined, 'False ServicePortError: service/s in "ns" is not listening on port 443'],
    ['no endpoints', [clusterIP], undefined, 'False EndpointsNotFound: cannot find endpointslices for service/s in "ns"'],
    ['endpoints that are not ready', [clusterIP, slice(false)], undefined, 'False MissingEndpoints: endpointslices for service/s in "ns" have no addresses with port name "web"'],
    ['endpoints of another port', [clusterIP, slice(true, 'other')], undefined, 'False MissingEndpoints: endpointslices for service/s in "ns" have no addresses with port name "web"'],
    ['ready', [clusterIP, slice(true)], undefined, 'True Passed: all checks passed'],
    ['outside of the cluster', [service({ type: 'ExternalName', externalName: 'localhost' })], undefined, 'True Passed: all checks passed'],
    ['does not answer', [clusterIP, slice(true)], 'no answer', 'False FailedDiscoveryCheck: no answer'],
  ]
  for (const [name, objects, problem, wanted] of cases) {
    const cluster = new FakeCluster()
    const run = new ControllerRun(cluster, availability, { checkAPIService: () => Promise.resolve(problem) })
    cluster.seed(...(objects as never[]), { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.example.com' }, spec: { group: 'example.com', version: 'v1', service: { name: 's', namespace: 'ns', port: 443 } } } as never)
    await run.settle()
    const [condition, ...others] = cluster.read<APIService>(APISERVICE, 'v1.example.com').status?.conditions ?? []
    t.equal(`${condition?.status} ${condition?.reason}: ${condition?.message}`, wanted, name)
    t.same(others, [])
  }
})

t.test('asked again, and at once when the service changes', async (t) => {
  const cluster = new FakeCluster()
  let asked = 0
  const run = new ControllerRun(cluster, availability, { checkAPIService: () => Promise.resolve(++asked === 1 ? 'no' : undefined) })
  cluster.seed(service({ type: 'ExternalName', externalName: 'localhost' }) as never, { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.example.com' }, spec: { group: 'example.com', version: 'v1', service: { name: 's', namespace: 'ns', port: 443 } } } as never)
  await run.settle()
  t.equal(asked, 1)
  await run.step(2000)
  t.equal(asked, 2, 'soon after a failure')
  cluster.edit<Service>('v1/Service', 's', (copy) => void (copy.spec.externalName = 'elsewhere'))
  await run.settle()
  t.equal(asked, 3)
  await run.step(30_000)
  t.equal(asked, 4, 'now and then')
})
