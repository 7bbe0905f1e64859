import t from 'tap'
import localAvailability from '../../controllers/local-apiservice-availability.ts'
import type { APIService } from '../../schemas/types.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

t.test('an API service without a service is available', async (t) => {
  const API = 'apiregistration.k8s.io/v1'
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, localAvailability)
  cluster.seed({ apiVersion: API, kind: 'APIService', metadata: { name: 'v1.x' }, spec: { group: 'x', version: 'v1' } } as APIService)
  cluster.seed({ apiVersion: API, kind: 'APIService', metadata: { name: 'v1.y' }, spec: { group: 'y', version: 'v1', service: { namespace: 'a', name: 'b' } } } as APIService)
  await run.settle()
  t.match(cluster.read<APIService>(`${API}/APIService`, 'v1.x', '').status?.conditions, [{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' }])
  t.equal(cluster.read<APIService>(`${API}/APIService`, 'v1.y', '').status, undefined)
  t.same(run.errors, [])
  run.close()
})
