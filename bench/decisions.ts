/**
 * Decisions of the scheduler alone, without the API: what one costs, and how that grows with the nodes.
 * `npm run bench -- decisions [--pods N]`
 */
import { parseArgs } from 'node:util'
import pino from 'pino'
import { SeededRandom, SystemClock } from '../src/clock.ts'
import { buildProfiles } from '../src/scheduler/build.ts'
import { Cache } from '../src/scheduler/cache.ts'
import { defaultSchedulerConfig } from '../src/scheduler/config/load.ts'
import { ProfileCycle } from '../src/scheduler/cycle.ts'
import { NodeFinder } from '../src/scheduler/find-node.ts'
import type { Handle } from '../src/scheduler/framework.ts'
import { Nominator } from '../src/scheduler/nominator.ts'
import { WaitingPods } from '../src/scheduler/waiting-pods.ts'
import { podInfoOf } from '../src/scheduler/pod-info.ts'
import { plugins } from '../src/scheduler/registry.ts'
import type { Pod } from '../schemas/types.ts'
import { row } from './_measure.ts'
import { benchNode, benchPod, rules } from './_pods.ts'

const { values } = parseArgs({ options: { pods: { type: 'string', default: '5000' } } })
const pods = Number(values.pods)
const nothing = { get: () => undefined, list: () => [], select: () => [], byUid: () => undefined, byIndex: () => [], ownedBy: () => [], size: 0 }
const informers = { for: () => ({ kind: '', lister: nothing, subscribe: () => () => undefined, addIndex: () => undefined }), lister: () => nothing }

function handleOf(cache: Cache): Handle {
  const clock = new SystemClock()
  const unused = new Proxy({}, { get: () => () => undefined }) as Handle['client'] & Handle['events']
  return { client: unused, events: unused, informers, clock, random: new SeededRandom(1), log: pino({ level: 'silent' }), cache, nominator: new Nominator(), waitingPods: new WaitingPods(clock), extenders: [], activate: () => undefined }
}

function run(name: string, nodes: number): void {
  const cache = new Cache()
  for (let i = 0; i < nodes; i++) cache.setNode(benchNode(i))
  const handle = handleOf(cache)
  const [profile] = buildProfiles(defaultSchedulerConfig(plugins), plugins).values()
  if (!profile) throw new Error('no profile')
  const finder = new NodeFinder(handle.random)
  const waiting = Array.from({ length: pods }, (_, i) => {
    const pod = benchPod(i, rules[name])
    return podInfoOf({ ...pod, metadata: { ...pod.metadata, namespace: 'bench', uid: `u${i}` } } satisfies Pod)
  })
  const before = process.cpuUsage()
  let placed = 0
  for (const pod of waiting) {
    const decision = finder.find(profile, new ProfileCycle(profile, handle), pod)
    if (!('node' in decision)) continue
    cache.assume(pod, decision.node.name)
    placed++
  }
  const { user, system } = process.cpuUsage(before)
  const cpuMs = (user + system) / 1000
  row(`${name}: ${pods} pods on ${nodes} nodes`, `${placed} placed`, `${(cpuMs / pods).toFixed(3)} ms CPU each`, `${Math.round((pods / cpuMs) * 1000)}/s of CPU`)
}

run('plain', 100)
for (const name of Object.keys(rules)) for (const nodes of [1000, 5000, 20_000]) run(name, nodes)
