import t from 'tap'
import autoregistration from '../../controllers/crd-autoregistration.ts'
import type { APIService, CustomResourceDefinition } from '../../schemas/types.ts'
import { definition, specOf, version } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const APISERVICE = 'apiregistration.k8s.io/v1/APIService'
const [V1, V2] = [version('v1', specOf({})), version('v2', specOf({}))]

function start() {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, autoregistration)
  return { cluster, run, services: () => cluster.all(APISERVICE).map((o) => o.metadata.name).sort() }
}

t.test('one for each served version', async (t) => {
  const { cluster, run, services } = start()
  cluster.seed(definition('Widget', [V1, V2]), definition('Gadget', [V1]), definition('Wheel', [{ ...V1, served: false }, V2], { group: 'other.com' }))
  await run.settle()
  t.same(run.errors, [])
  t.same(services(), ['v1.example.com', 'v2.example.com', 'v2.other.com'])
  t.match(cluster.read(APISERVICE, 'v1.example.com'), { metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'true' } }, spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100 } })

  cluster.finish(CRD, 'widgets.example.com')
  await run.settle()
  t.same(services(), ['v1.example.com', 'v2.other.com'], 'another one serves v1 yet')
  cluster.edit<CustomResourceDefinition>(CRD, 'wheels.other.com', (copy) => void (copy.spec.versions = [{ ...V1, storage: true }, { ...V2, served: false }]))
  await run.settle()
  t.same(services(), ['v1.example.com', 'v1.other.com'])
})

t.test('what is not its own', async (t) => {
  const { cluster, run, services } = start()
  const own = (name: string, labels: Record<string, string>): APIService => ({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name, labels }, spec: { groupPriorityMinimum: 1, versionPriority: 1 } })
  cluster.seed(own('v1.by-hand.com', {}), own('v1.apps', { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' }), own('v1.gone.com', { 'kube-aggregator.kubernetes.io/automanaged': 'true' }), own('v1.example.com', {}))
  cluster.seed(definition('Widget', [V1]))
  await run.settle()
  t.same(services(), ['v1.apps', 'v1.by-hand.com', 'v1.example.com'])
  cluster.finish(APISERVICE, 'v1.example.com')
  await run.settle()
  t.match(cluster.read(APISERVICE, 'v1.example.com'), { spec: { groupPriorityMinimum: 1000 } }, 'it comes back')
})
