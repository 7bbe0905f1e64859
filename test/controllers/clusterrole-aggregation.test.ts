import t from 'tap'
import aggregation from '../../controllers/clusterrole-aggregation.ts'
import type { ClusterRole } from '../../schemas/types.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const KIND = 'rbac.authorization.k8s.io/v1/ClusterRole'
const role = (name: string, verbs: string[], labels: Record<string, string> = {}): ClusterRole => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules: verbs.map((verb) => ({ verbs: [verb], apiGroups: [''], resources: ['pods'] })),
})
const gatherer = (name: string, label: string, labels = {}): ClusterRole => ({ ...role(name, [], labels), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] } })

t.test('roles gather the rules of others, through each other', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, aggregation)
  cluster.seed(gatherer('admin', 'to-admin'))
  cluster.seed(gatherer('edit', 'to-edit', { 'to-admin': 'true' }))
  cluster.seed(role('own', ['get'], { 'to-admin': 'true' }))
  cluster.seed(role('part', ['list', 'get'], { 'to-edit': 'true' }))
  cluster.seed(role('none', ['delete']))
  await run.settle()
  const verbs = (name: string) => cluster.read<ClusterRole>(KIND, name, '').rules?.flatMap((r) => r.verbs)
  t.same(verbs('edit'), ['list', 'get'])
  t.same(verbs('admin'), ['list', 'get'], 'no rule twice')
  await cluster.update(role('part', ['watch'], { 'to-edit': 'true' }))
  await run.settle()
  t.same([verbs('edit'), verbs('admin')], [['watch'], ['watch', 'get']])
  await cluster.delete(KIND, { name: 'own' })
  await run.settle()
  t.same(verbs('admin'), ['watch'])
  t.same(verbs('none'), ['delete'])
  t.same(run.errors, [])
  run.close()
})
