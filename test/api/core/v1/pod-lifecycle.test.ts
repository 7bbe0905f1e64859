/** Binding, eviction and the grace of deletes. */
import t from 'tap'
import type { Pod, PodDisruptionBudget } from '../../../../schemas/types.ts'
import { podGracePeriod } from '../../../../api/core/v1/_pod-strategy.ts'
import { decrement } from '../../../../api/core/v1/_pod-eviction.ts'
import { StatusError } from '../../../../src/errors.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { pod } from '../../../helpers/objects.ts'

const DRAFT = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'default', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'app:1' }] } }
const REF = { namespace: 'default', name: 'a' }
const BINDING = { apiVersion: 'v1', kind: 'Binding', metadata: REF, target: { kind: 'Node', name: 'n' } }
const EVICTION = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: REF }
const isRefused = (code: number, message: string | RegExp) => ({ name: 'StatusError', code, message })

t.test('seconds of grace', (t) => {
  const placed = pod('a', { node: 'n', phase: 'Running' })
  const cases: [name: string, pod: Pod, requested: number | undefined, expect: number][] = [
    ['its own', { ...placed, spec: { ...placed.spec, terminationGracePeriodSeconds: 7 } }, undefined, 7],
    ['as asked', placed, 3, 3],
    ['a negative one', { ...placed, spec: { ...placed.spec, terminationGracePeriodSeconds: -5 } }, undefined, 1],
    ['on no node', pod('a'), 30, 0],
    ['finished', pod('a', { node: 'n', phase: 'Succeeded' }), 30, 0],
    ['failed', pod('a', { node: 'n', phase: 'Failed' }), undefined, 0],
  ]
  for (const [name, object, requested, expect] of cases) t.equal(podGracePeriod(object, requested), expect, name)
  t.end()
})

t.test('deleting', async (t) => {
  const { create, client, api } = await startApi(t)
  const admin = client()
  const events: [type: string, grace: number | undefined][] = []
  await create(DRAFT)
  const watch = api.store.watch('/registry/pods/', {
    onEvents: (batch) => void events.push(...batch.map((e): [string, number | undefined] => [e.type, e.entry.value.metadata.deletionGracePeriodSeconds])),
  })
  await admin.delete('v1/Pod', REF)
  await t.rejects(admin.get('v1/Pod', REF), isRefused(404, 'pods "a" not found'))
  watch.close()
  t.same(events, [['PUT', 0], ['DELETE', 0]], 'marked first, for all to see')
})

t.test('binding', async (t) => {
  const { create, client } = await startApi(t)
  const admin = client()
  await create({ ...DRAFT, status: { nominatedNodeName: 'm' } })
  const bind = (more: object) => admin.create({ ...BINDING, ...more }, { subresource: 'binding' })
  await t.rejects(bind({ target: { kind: 'Node' } }), { message: 'target.name: Required value' })
  await t.rejects(bind({ metadata: { ...REF, uid: 'other' } }), { code: 409 })
  await bind({ metadata: { ...REF, annotations: { by: 'me' } } })
  const bound = await admin.get<Pod>('v1/Pod', REF)
  t.match(bound, { metadata: { generation: 1, annotations: { by: 'me' } }, spec: { nodeName: 'n' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } })
  await t.rejects(bind({}), isRefused(409, 'Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "n"'))
  await admin.delete('v1/Pod', REF)
  await t.rejects(bind({}), isRefused(409, 'Operation cannot be fulfilled on pods/binding "a": pod a is being deleted, cannot be assigned to a host'))
})

t.test('a gated pod is not bound', async (t) => {
  const { create, client } = await startApi(t)
  await create({ ...DRAFT, spec: { ...DRAFT.spec, schedulingGates: [{ name: 'x.io/a' }] } })
  await t.rejects(client().create(BINDING, { subresource: 'binding' }), isRefused(409, 'Operation cannot be fulfilled on pods/binding "a": pod a has non-empty .spec.schedulingGates'))
})

const budget = (status: PodDisruptionBudget['status'], generation = 1): PodDisruptionBudget => ({ metadata: { name: 'b', generation }, spec: {}, status: { observedGeneration: 1, ...status } })

t.test('what a budget lets go', (t) => {
  const now = '2026-01-01T00:00:00Z'
  t.same(decrement(budget({ disruptionsAllowed: 2 }), 'a', now).status, { observedGeneration: 1, disruptionsAllowed: 1, disruptedPods: { a: now } })
  t.match(decrement(budget({ disruptionsAllowed: 1 }), 'a', now).status, { disruptionsAllowed: 0, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }] })
  const refusals: [name: string, budget: PodDisruptionBudget, message: string][] = [
    ['not looked at yet', budget({ disruptionsAllowed: 1 }, 2), 'The disruption budget b is still being processed by the server.'],
    ['too few', budget({ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }), 'The disruption budget b needs 2 healthy pods and has 1 currently'],
    ['for another reason', budget({ disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 1 }), 'The disruption budget b does not allow evicting pods currently'],
  ]
  for (const [name, object, message] of refusals) {
    try {
      decrement(object, 'a', now)
      t.fail(name)
    } catch (error) {
      t.match(error instanceof StatusError && [error.code, error.details?.causes?.[0]?.message], [429, message], name)
    }
  }
  t.end()
})

t.test('evicting', async (t) => {
  const { create, update, client } = await startApi(t)
  const admin = client()
  const made = await create({ ...DRAFT, spec: { ...DRAFT.spec, nodeName: 'n' } })
  await update(made, (p) => void (p.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }), { subresource: 'status' })
  const pdb = await create({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'default' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } })
  const evict = (options: object = {}) => admin.create({ ...EVICTION, deleteOptions: options }, { subresource: 'eviction' })
  await t.rejects(evict(), isRefused(429, "Cannot evict pod as it would violate the pod's disruption budget."))
  const allow = (of: typeof pdb, disruptionsAllowed: number) => update(of, (b) => void (b['status'] = { observedGeneration: 1, disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 }), { subresource: 'status' })
  const full = await allow(pdb, 0)
  await t.rejects(evict(), isRefused(429, "Cannot evict pod as it would violate the pod's disruption budget."))
  await allow(full, 1)
  await evict({ dryRun: ['All'] })
  t.notOk((await admin.get<Pod>('v1/Pod', REF)).metadata.deletionTimestamp, 'only asked whether')
  await evict()
  t.match(await admin.get<Pod>('v1/Pod', REF), { metadata: { deletionGracePeriodSeconds: 30 }, status: { conditions: [{ type: 'Ready' }, { type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }] } })
  t.match(await admin.get('policy/v1/PodDisruptionBudget', { ...REF, name: 'b' }), { status: { disruptionsAllowed: 0, disruptedPods: { a: /^2026-/ } } })
  await evict({ gracePeriodSeconds: 0 })
  await t.rejects(evict(), { code: 404 })
})
