import t from 'tap'
import type { Pod, PodDisruptionBudget } from '../../schemas/types.ts'
import disruption, { expectedPods, statusOf, stillDisrupted } from '../../controllers/disruption.ts'
import { controllerRef } from '../../src/controller/owners.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { deployment, makeReady, pod, replicaSet } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const AT = '2026-01-01T00:00:00Z'

function budget(spec: Partial<PodDisruptionBudget['spec']>, status?: PodDisruptionBudget['status']): PodDisruptionBudget {
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'pdb', namespace: 'default', generation: 1 }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec }, ...(status ? { status } : {}) }
}

t.test('how many are expected and how many must be healthy', async (t) => {
  const pods = [pod('a'), pod('b'), pod('c')]
  const cases: [spec: PodDisruptionBudget['spec'], expected: number, healthy: number][] = [
    [{ minAvailable: 2 }, 3, 2],
    [{ minAvailable: '50%' }, 10, 5],
    [{ minAvailable: '55%' }, 10, 6],
    [{ maxUnavailable: 1 }, 10, 9],
    [{ maxUnavailable: '15%' }, 10, 8],
    [{ maxUnavailable: 20 }, 10, 0],
    [{}, 0, 0],
  ]
  for (const [spec, expected, healthy] of cases) {
    const got = await expectedPods(budget(spec), pods, async () => ({ expected: 10, unmanaged: [] }))
    t.same([got.expected, got.desiredHealthy], [expected, healthy], JSON.stringify(spec))
  }
})

t.test('the status', (t) => {
  const ready = (name: string) => pod(name, { node: 'n', readyAt: AT })
  const pods = [ready('a'), ready('b'), ready('c'), pod('d'), pod('e', { node: 'n', readyAt: AT, deleted: true })]
  t.same(statusOf(budget({}), { pods, disrupted: { c: '2026-01-01T00:59:59Z' }, expected: 5, desiredHealthy: 1, nowMs: NOW }), {
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 5,
    disruptionsAllowed: 1,
    disruptedPods: { c: '2026-01-01T00:59:59Z' },
    observedGeneration: 1,
    conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '', observedGeneration: 1, lastTransitionTime: '2026-01-01T01:00:00Z' }],
  })
  t.match(statusOf(budget({}), { pods, disrupted: {}, expected: 5, desiredHealthy: 3, nowMs: NOW }), { disruptionsAllowed: 0, conditions: [{ status: 'False', reason: 'InsufficientPods' }] })
  const seen = stillDisrupted(budget({}, { disruptedPods: { a: '2026-01-01T00:59:00Z', b: '2026-01-01T00:57:00Z', gone: AT } }), pods, NOW)
  t.same([seen.pods, seen.late.map((p) => p.metadata.name), seen.recheckMs], [{ a: '2026-01-01T00:59:00Z' }, ['b'], 60_000])
  t.end()
})

t.test('follows its pods, and asks their controllers for the whole', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, disruption)
  const d = deployment('web', 4)
  const rs = { ...replicaSet('web-1', 4), metadata: { ...replicaSet('web-1', 4).metadata, ownerReferences: [controllerRef(d, 'apps/v1/Deployment')] } }
  cluster.seed(d, rs, budget({ maxUnavailable: '50%' }))
  await run.settle()
  t.same(cluster.events, ['PodDisruptionBudget/pdb Normal NoPods: No matching pods found', 'PodDisruptionBudget/pdb Normal NoPods: No matching pods found'])
  for (const name of ['a', 'b', 'c']) cluster.seed(pod(name, { owner: controllerRef(rs, 'apps/v1/ReplicaSet'), node: 'n', readyAt: AT }))
  await run.settle()
  const status = () => cluster.read<PodDisruptionBudget>('policy/v1/PodDisruptionBudget', 'pdb').status
  t.match(status(), { expectedPods: 4, desiredHealthy: 2, currentHealthy: 3, disruptionsAllowed: 1 })
  cluster.seed(pod('d', { owner: controllerRef(rs, 'apps/v1/ReplicaSet') }))
  cluster.edit<Pod>('v1/Pod', 'd', (copy) => makeReady(copy, AT))
  await run.settle()
  t.match(status(), { disruptionsAllowed: 2 })
  cluster.seed(pod('lone', { node: 'n', readyAt: AT }))
  await run.settle()
  t.match(cluster.events.at(-1), /^PodDisruptionBudget\/pdb Warning UnmanagedPods: Pods selected by this PodDisruptionBudget \(selector: &LabelSelector\{MatchLabels:map\[string\]string\{app: web,\},MatchExpressions:\[\]LabelSelectorRequirement\{\},\}\) were found to be unmanaged\./)
  t.same(run.errors, [])
})

t.test('owners of a kind that can be scaled, or not', async (t) => {
  const engine = { apiVersion: 'a.example/v1', kind: 'Engine', metadata: { name: 'e', namespace: 'default', uid: 'uid-e' } }
  const scalable = { ...engine, spec: { replicas: 3 } }
  const kinds = () => [{ kind: 'a.example/v1/Engine', plural: 'engines', namespaced: true }]
  const other = { ...engine, kind: 'Other' }
  const cases: [owner: typeof engine, object: typeof engine | undefined, message: string | undefined][] = [
    [engine, scalable, undefined],
    [engine, engine, 'engines.a.example does not implement the scale subresource'],
    [engine, undefined, 'found no controllers for pod "a"'],
    [other, other, 'no matches for kind "Other" in version "a.example/v1"'],
  ]
  for (const [owner, object, message] of cases) {
    const cluster = new FakeCluster()
    const run = new ControllerRun(cluster, disruption, { kinds })
    if (object) cluster.seed(Object.assign({ spec: {} }, object))
    cluster.seed(budget({ maxUnavailable: 1 }), pod('a', { owner: controllerRef(owner, `a.example/v1/${owner.kind}`), node: 'n', readyAt: AT }))
    await run.settle()
    const { status } = cluster.read<PodDisruptionBudget>('policy/v1/PodDisruptionBudget', 'pdb')
    if (message === undefined) t.match(status, { expectedPods: 3, desiredHealthy: 2 })
    else t.match(status, { disruptionsAllowed: 0, conditions: [{ reason: 'SyncFailed', message }] })
  }
})

t.test('a pod of several budgets is told of', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, disruption)
  const one = budget({ minAvailable: 1, selector: { matchLabels: { app: 'web' } } })
  cluster.seed(one, { ...one, metadata: { ...one.metadata, name: 'other', uid: 'other' } })
  await run.settle()
  const lone = pod('a', { node: 'n', readyAt: AT })
  cluster.seed({ ...lone, metadata: { ...lone.metadata, labels: { app: 'web' } } })
  await run.settle()
  t.match(cluster.events.find((event) => event.startsWith('Pod/')), /^Pod\/a Warning MultiplePodDisruptionBudgets: Pod "default"\/"a" matches multiple PodDisruptionBudgets\. {2}Chose "(pdb|other)" arbitrarily\.$/)
  for (const name of ['pdb', 'other']) t.equal(cluster.read<PodDisruptionBudget>('policy/v1/PodDisruptionBudget', name).status?.currentHealthy, 1, name)
})
