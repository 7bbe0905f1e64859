/**
 * Random things happen to a cluster: workloads come, change, scale and go, pods are deleted, nodes are lost, tainted and
 * found again, the server restarts. Then it is left alone, and every invariant must hold. A short run on a clock that is
 * stepped; `npm run chaos -- --minutes N [--seed S] [--pods-per-node P]` is a long one on the host's clock.
 */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { FakeClock, SystemClock } from '../../src/clock.ts'
import { act, heal, prepare } from './_actions.ts'
import { violations } from './_invariants.ts'
import { World } from './_world.ts'

const MINUTE_MS = 60_000
const REST_STEP_MS = 2000
const minutes = Number(process.env.CHAOS_MINUTES ?? 0)
/** How many on a clock that is stepped. */
const actions = Number(process.env.CHAOS_ACTIONS ?? 80)
const seed = Number(process.env.CHAOS_SEED ?? 1)
const podsPerNode = Number(process.env.CHAOS_PODS ?? 250)

/** Fails when a pod is found on another node than before. */
class Bindings {
  readonly #nodes = new Map<string, string>()

  async check(world: World): Promise<string[]> {
    return (await world.list<Pod>('/api/v1/pods')).flatMap(({ metadata, spec }) => {
      const { name, uid = '' } = metadata
      const before = this.#nodes.get(uid)
      if (spec.nodeName) this.#nodes.set(uid, spec.nodeName)
      return before && before !== spec.nodeName ? [`${name} moved from ${before} to ${spec.nodeName}`] : []
    })
  }
}

/** Waits until nothing is wrong, as long as a cluster may need; answers what is wrong then. */
async function rest(world: World, patienceMs: number): Promise<string[]> {
  let wrong: string[] = []
  for (let waitedMs = 0; waitedMs <= patienceMs; waitedMs += REST_STEP_MS) {
    await world.pass(REST_STEP_MS)
    wrong = await violations(world)
    if (wrong.length === 0) break
  }
  return wrong
}

t.test(`chaos, seed ${seed}`, { timeout: (minutes + 25) * MINUTE_MS }, async (t) => {
  const host = new SystemClock()
  const world = new World(t, { seed, clock: minutes > 0 ? host : new FakeClock(), podsPerNode })
  await world.start()
  await prepare(world)
  const bindings = new Bindings()
  const moved: string[] = []
  const endMs = host.now() + minutes * MINUTE_MS
  for (let n = 1; minutes > 0 ? host.now() < endMs : n <= actions; n++) {
    await act(world)
    if (n % 10 === 0) moved.push(...(await bindings.check(world)))
    if (n % 500 === 0) {
      await heal(world)
      t.same(await rest(world, 5 * MINUTE_MS), [], `sound after ${n} actions`)
    }
  }
  t.same(moved, [], 'pods stay on their nodes')
  await prepare(world)
  await heal(world)
  t.same(await rest(world, 10 * MINUTE_MS), [], `sound after ${world.log.length} actions`)
})
