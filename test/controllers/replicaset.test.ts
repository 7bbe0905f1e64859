import t from 'tap'
import type { Pod, ReplicaSet } from '../../schemas/types.ts'
import replicaset, { plan, statusOf } from '../../controllers/replicaset.ts'
import { forbidden } from '../../src/errors.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { makeReady, pod, replicaSet } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const names = (pods: readonly Pod[]) => pods.map((p) => p.metadata.name)

t.test('how many to create and which to delete', (t) => {
  const old = '2026-01-01T00:00:00Z'
  const cases: { name: string; replicas: number; pods: Pod[]; related?: Pod[]; create?: number; delete?: string[] }[] = [
    { name: 'too few', replicas: 3, pods: [pod('a')], create: 2 },
    { name: 'enough', replicas: 1, pods: [pod('a')] },
    { name: 'not more than a burst at a time', replicas: 1200, pods: [], create: 500 },
    { name: 'unassigned goes before assigned', replicas: 1, pods: [pod('a', { node: 'n', readyAt: old }), pod('b')], delete: ['b'] },
    { name: 'pending before running', replicas: 1, pods: [pod('a', { node: 'n', phase: 'Running' }), pod('b', { node: 'n', phase: 'Pending' })], delete: ['b'] },
    { name: 'not ready before ready', replicas: 1, pods: [pod('a', { node: 'n', readyAt: old }), pod('b', { node: 'n', phase: 'Running' })], delete: ['b'] },
    {
      name: 'lower deletion cost first',
      replicas: 1,
      pods: [pod('a', { node: 'n', readyAt: old }), pod('b', { node: 'n', readyAt: old, annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-5' } })],
      delete: ['b'],
    },
    {
      name: 'from the node with more related pods first',
      replicas: 1,
      pods: [pod('a', { node: 'n', readyAt: old }), pod('b', { node: 'm', readyAt: old })],
      related: [pod('x', { node: 'm' }), pod('y', { node: 'm', phase: 'Failed' }), pod('b', { node: 'm' }), pod('a', { node: 'n' })],
      delete: ['b'],
    },
    {
      name: 'ready for much shorter first',
      replicas: 1,
      pods: [pod('a', { node: 'n', readyAt: '2026-01-01T00:00:00Z' }), pod('b', { node: 'n', readyAt: '2026-01-01T00:59:00Z' })],
      delete: ['b'],
    },
    {
      name: 'about equally old: the uid decides',
      replicas: 1,
      pods: [pod('a', { node: 'n', readyAt: '2026-01-01T00:00:00Z' }), pod('b', { node: 'n', readyAt: '2026-01-01T00:00:01Z', uid: 'a-first' })],
      delete: ['b'],
    },
    { name: 'more restarts first', replicas: 1, pods: [pod('a', { node: 'n', readyAt: old }), pod('b', { node: 'n', readyAt: old, restarts: 2 })], delete: ['b'] },
    { name: 'all of them', replicas: 0, pods: [pod('a'), pod('b')], delete: ['a', 'b'] },
  ]
  for (const c of cases) {
    const got = plan(replicaSet('web', c.replicas), c.pods, { related: () => c.related ?? [], nowMs: NOW })
    t.same({ create: got.create, delete: names(got.delete) }, { create: c.create ?? 0, delete: c.delete ?? [] }, c.name)
  }
  t.end()
})

t.test('the status counts', (t) => {
  const rs = replicaSet('web', 3, { minReadySeconds: 60 })
  const active = [pod('a', { readyAt: '2026-01-01T00:59:00Z' }), pod('b', { readyAt: '2026-01-01T00:59:01Z' }), pod('c', { labels: { other: 'x' } })]
  t.same(statusOf(rs, { active, terminating: 0, nowMs: NOW }), { replicas: 3, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 1, terminatingReplicas: 0, observedGeneration: 1 })
  t.same(statusOf(rs, { active: [], terminating: undefined, failure: new Error('no'), nowMs: NOW }).conditions, [
    { type: 'ReplicaFailure', status: 'True', lastTransitionTime: '2026-01-01T01:00:00Z', reason: 'FailedCreate', message: 'no' },
  ])
  t.end()
})

t.test('pods come, are counted, and go again', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, replicaset)
  cluster.seed(replicaSet('web', 3, { minReadySeconds: 10 }))
  await run.settle()
  const pods = cluster.all<Pod>('v1/Pod')
  t.equal(pods.length, 3)
  t.match(pods[0]?.metadata, { generateName: 'web-', labels: { app: 'web' }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true }] })
  t.same(cluster.events.length, 3)
  t.match(cluster.events[0], /^ReplicaSet\/web Normal SuccessfulCreate: Created pod: web-\w{5}$/)

  for (const p of pods) cluster.edit<Pod>('v1/Pod', p.metadata.name ?? '', (copy) => makeReady(copy, '2026-01-01T00:00:00Z'))
  await run.settle()
  t.match(cluster.read<ReplicaSet>('apps/v1/ReplicaSet', 'web').status, { replicas: 3, readyReplicas: 3, availableReplicas: undefined })
  await run.step(10_000)
  t.match(cluster.read<ReplicaSet>('apps/v1/ReplicaSet', 'web').status, { availableReplicas: 3 })

  const before = cluster.writes.length
  run.wake('default/web')
  await run.settle()
  t.equal(cluster.writes.length, before, 'nothing to do, nothing written')

  cluster.edit<ReplicaSet>('apps/v1/ReplicaSet', 'web', (copy) => void (copy.spec.replicas = 1))
  await run.settle()
  t.equal(cluster.all('v1/Pod').length, 1)
  t.same(run.errors, [])
})

t.test('orphans are adopted, relabelled pods are released and replaced', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, replicaset)
  cluster.seed(replicaSet('web', 2), pod('stray'), pod('other', { labels: { app: 'db' } }))
  await run.settle()
  t.equal(cluster.all('v1/Pod').length, 3)
  t.match(cluster.read<Pod>('v1/Pod', 'stray').metadata.ownerReferences, [{ uid: 'uid-web' }])
  cluster.edit<Pod>('v1/Pod', 'stray', (copy) => void (copy.metadata.labels = { app: 'debug' }))
  await run.settle()
  t.same(cluster.read<Pod>('v1/Pod', 'stray').metadata.ownerReferences, [])
  t.equal(cluster.all('v1/Pod').length, 4)
})

t.test('a refusal stops the batch, is told, and is tried again', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, replicaset)
  cluster.before = (write, object) => {
    if (write.verb === 'create' && object?.kind === 'Pod' && cluster.all('v1/Pod').length >= 2) throw forbidden({ group: '', resource: 'pods' }, 'web-x', 'exceeded quota: q')
  }
  cluster.seed(replicaSet('web', 7))
  await run.settle()
  t.equal(cluster.all('v1/Pod').length, 2)
  t.equal(cluster.events.filter((e) => e === 'ReplicaSet/web Warning FailedCreate: Error creating: pods "web-x" is forbidden: exceeded quota: q').length > 0, true)
  t.match(cluster.read<ReplicaSet>('apps/v1/ReplicaSet', 'web').status?.conditions, [{ type: 'ReplicaFailure', reason: 'FailedCreate', message: 'pods "web-x" is forbidden: exceeded quota: q' }])
  cluster.before = () => {}
  await run.step(1000)
  t.equal(cluster.all('v1/Pod').length, 7)
  t.equal(cluster.read<ReplicaSet>('apps/v1/ReplicaSet', 'web').status?.conditions, undefined)
})
