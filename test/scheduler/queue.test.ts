import t from 'tap'
import { FakeClock } from '../../src/clock.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { SchedulingQueue, backoffMs, type QueuedPod } from '../../src/scheduler/queue.ts'
import { unresolvable, type Handle } from '../../src/scheduler/framework.ts'
import type { Pod } from '../../schemas/types.ts'
import { pod } from './_objects.ts'
import { cycleOf, plugin } from './_cycle.ts'

type Test = { teardown(fn: () => void): unknown }

function queueOf(t: Test) {
  const clock = new FakeClock()
  const { handle } = cycleOf([], { nodes: [] })
  const typed: Handle = handle
  let wakes = 0
  const gate = { isShut: false }
  const queue = new SchedulingQueue({
    clock,
    backoff: { initialMs: 1000, maxMs: 10_000 },
    handle: () => typed,
    less: (a, b) => plugin('PrioritySort').less?.(a, b) ?? false,
    preEnqueue: ({ pod: p, name }) => name === 'busy' && gate.isShut ? { ...unresolvable('busy'), plugin: 'Preempting' } : (p.spec.schedulingGates?.length ? { ...unresolvable('gated'), plugin: 'SchedulingGates' } : undefined),
    interests: new Map([
      ['SchedulingGates', plugin('SchedulingGates').events ?? []],
      ['Fit', [{ resource: 'Node', actions: ['add'] }, { resource: 'AssignedPod', actions: ['delete'], helps: (p) => p.name === 'busy' }]],
      ['Preempting', [{ resource: 'AssignedPod', actions: ['delete'], helps: () => false }]],
      ['Picky', [{ resource: 'Node', actions: ['add'], helps: (p) => p.name === 'lucky' }]],
    ]),
    wake: () => void wakes++,
  })
  t.teardown(() => queue.close())
  const pop = () => queue.pop()?.info.name
  const take = (): QueuedPod => queue.pop() ?? t_fail()
  const refuse = (entry: QueuedPod, ...rejectedBy: string[]) => queue.returned(entry, entry.info, new Set(rejectedBy))
  return { clock, queue, gate, pop, take, refuse, wakes: () => wakes }
}

function t_fail(): never {
  throw new Error('the queue is empty')
}

const nodeAdded = { resource: 'Node', action: 'add' } as const

t.test('more important pods first, then older ones', async (t) => {
  const { queue, pop, clock } = queueOf(t)
  queue.add(pod('first'))
  await clock.step(1)
  queue.add(pod('second'))
  queue.add(pod('important', { priority: 10 }))
  t.same([pop(), pop(), pop(), pop()], ['important', 'first', 'second', undefined])
})

t.test('a refused pod waits for an event that its plugin wants', async (t) => {
  const { queue, pop, take, refuse } = queueOf(t)
  queue.add(pod('p'))
  refuse(take(), 'Fit')
  queue.moved({ resource: 'AssignedPod', action: 'delete' })
  t.equal(pop(), undefined)
  queue.moved(nodeAdded)
  t.equal(pop(), 'p', 'it comes before its back-off is over, since no other waits')
})

t.test('a plugin says which pods an event helps', async (t) => {
  const { queue, pop, take, refuse } = queueOf(t)
  for (const name of ['lucky', 'unlucky']) queue.add(pod(name))
  refuse(take(), 'Picky')
  refuse(take(), 'Picky')
  queue.moved(nodeAdded)
  t.same([pop(), pop()], ['lucky', undefined])
})

t.test('pods in back-off come after those that do not', async (t) => {
  const { queue, pop, take, refuse, clock } = queueOf(t)
  queue.add(pod('refused', { priority: 100 }))
  refuse(take(), 'Fit')
  queue.moved(nodeAdded)
  queue.add(pod('fresh'))
  t.equal(pop(), 'fresh')
  await clock.step(1000)
  t.equal(queue.activeCount, 1)
  t.equal(pop(), 'refused')
})

t.test('after an error a pod waits out its back-off', async (t) => {
  const { queue, pop, take, clock } = queueOf(t)
  queue.add(pod('p'))
  const entry = take()
  queue.returned(entry, entry.info, new Set())
  await clock.step(999)
  t.equal(pop(), undefined)
  await clock.step(1)
  t.equal(pop(), 'p')
  t.same([0, 1, 2, 3, 4, 5, 60].map((count) => backoffMs(count, { initialMs: 1000, maxMs: 10_000 })), [0, 1000, 2000, 4000, 8000, 10_000, 10_000])
})

t.test('what nothing helps is tried again after five minutes', async (t) => {
  const { queue, pop, take, refuse, clock } = queueOf(t)
  queue.add(pod('p'))
  refuse(take(), 'Fit')
  await clock.step(299_000)
  t.equal(pop(), undefined)
  await clock.step(31_000)
  t.equal(pop(), 'p')
})

t.test('gates keep a pod out until an update takes them away', async (t) => {
  const { queue, pop } = queueOf(t)
  const gated = pod('p', { uid: 'u', schedulingGates: [{ name: 'x' }] })
  queue.add(gated)
  t.equal(pop(), undefined)
  const free: Pod = { ...gated, spec: { ...gated.spec, schedulingGates: [] } }
  queue.update(free, gated)
  t.equal(pop(), 'p')
})

t.test('a gate that opens with an event lets those judge who refused the pod', async (t) => {
  const { queue, gate, pop, take, refuse } = queueOf(t)
  const deleted = { resource: 'AssignedPod', action: 'delete' } as const
  queue.add(pod('busy'))
  gate.isShut = true
  refuse(take(), 'Fit')
  queue.moved(deleted)
  t.equal(pop(), undefined, 'the gate is shut yet')
  gate.isShut = false
  queue.moved(nodeAdded)
  t.equal(pop(), undefined, 'the gate is not looked at for that')
  queue.moved(deleted)
  t.equal(pop(), 'busy')
})

t.test('an event during an attempt is not missed', async (t) => {
  const { queue, pop, take, refuse } = queueOf(t)
  queue.add(pod('p'))
  const entry = take()
  queue.moved(nodeAdded)
  refuse(entry, 'Fit')
  t.equal(pop(), 'p')
})

t.test('a pod that is deleted while it is being placed does not come back', async (t) => {
  const { queue, take, pop, wakes } = queueOf(t)
  const p = pod('p')
  queue.add(p)
  t.equal(wakes(), 1)
  const entry = take()
  queue.delete(podInfoOf(p).key)
  queue.done(entry)
  t.equal(pop(), undefined)
  t.equal(queue.hasWaiting, false)
})
