import t from 'tap'
import { NodeInfo } from '../../src/scheduler/node-info.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { cheapest, selectVictims, splitByBudgets, type Victims } from '../../src/scheduler/victims.ts'
import type { PodDisruptionBudget } from '../../schemas/types.ts'
import { cycleOf } from './_cycle.ts'
import { node, pod, type PodParts } from './_objects.ts'

const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: app, namespace: 'default' }, spec: { selector: { matchLabels: { app } } }, status: { disruptionsAllowed } })

function selected(pods: [name: string, parts: PodParts][], incoming: PodParts, budgets: PodDisruptionBudget[] = []) {
  const { cycle, cache, profile } = cycleOf(['NodeResourcesFit', 'InterPodAffinity'], { nodes: [node('a')], pods: pods.map(([name, parts]) => pod(name, { nodeName: 'a', ...parts })) })
  const info = podInfoOf(pod('in', incoming))
  profile.preFilter(cycle, info)
  const target = cache.node('a')
  if (!target) throw new Error('no node')
  const result = selectVictims(cycle, info, { node: target, budgets })
  return 'code' in result ? result.reasons.join() : { victims: result.pods.map((p) => p.name), violations: result.violations }
}

t.test('as few as possible go, the least important first', async (t) => {
  const low = { cpu: '1', priority: 1 }
  const table: [name: string, pods: [string, PodParts][], incoming: PodParts, budgets: PodDisruptionBudget[], expected: ReturnType<typeof selected>][] = [
    ['one of several', [['x', low], ['y', { ...low, priority: 2 }], ['z', { cpu: '2', priority: 3 }]], { cpu: '1', priority: 10 }, [], { victims: ['x'], violations: 0 }],
    ['two are needed', [['x', low], ['y', { ...low, priority: 2 }], ['z', { cpu: '2', priority: 3 }]], { cpu: '2', priority: 10 }, [], { victims: ['y', 'x'], violations: 0 }],
    ['nobody is less important', [['x', { cpu: '4', priority: 10 }]], { cpu: '1', priority: 10 }, [], 'No preemption victims found for incoming pod'],
    ['not even without all of them', [['x', low], ['big', { cpu: '3', priority: 100 }]], { cpu: '2', priority: 10 }, [], 'Insufficient cpu'],
    ['a budget spares', [['x', { ...low, labels: { app: 'kept' } }], ['y', { cpu: '3', priority: 1 }]], { cpu: '1', priority: 10 }, [budget('kept', 0)], { victims: ['y'], violations: 0 }],
    ['a budget is broken when nothing else helps', [['x', { cpu: '4', priority: 1, labels: { app: 'kept' } }]], { cpu: '1', priority: 10 }, [budget('kept', 0)], { victims: ['x'], violations: 1 }],
    ['anti-affinity', [['x', { ...low, labels: { app: 'noisy' } }], ['y', low]], { priority: 10, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'noisy' } } }] } } }, [], { victims: ['x'], violations: 0 }],
  ]
  for (const [name, pods, incoming, budgets, expected] of table) t.same(selected(pods, incoming, budgets), expected, name)
})

t.test('a budget counts down', async (t) => {
  const pods = ['x', 'y', 'z'].map((name) => podInfoOf(pod(name, { labels: { app: 'kept' } })))
  const { violating, others } = splitByBudgets(pods, [budget('kept', 1)])
  t.same([violating.map((p) => p.name), others.map((p) => p.name)], [['y', 'z'], ['x']])
})

t.test('the cheapest node is taken', async (t) => {
  const victims = (name: string, violations: number, ...priorities: number[]): Victims => ({ node: new NodeInfo(node(name)), violations, pods: priorities.map((priority, i) => podInfoOf(pod(`${name}${i}`, { priority }))) })
  const table: [expected: string, Victims[]][] = [
    ['b', [victims('a', 1, 1), victims('b', 0, 9)]],
    ['b', [victims('a', 0, 9), victims('b', 0, 5, 5, 5)]],
    ['a', [victims('a', 0, 5, 1), victims('b', 0, 5, 2)]],
    ['a', [victims('a', 0, 5), victims('b', 0, 5, -5)]],
  ]
  for (const [expected, candidates] of table) t.equal(cheapest(candidates)?.node.name, expected)
  t.equal(cheapest([]), undefined)
})
