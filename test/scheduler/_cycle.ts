/** A scheduling cycle over given nodes and pods, for tests of single plugins. */
import folder from 'folder:src/scheduler/plugins'
import { FakeCluster } from '../helpers/fake-client.ts'
import { defaultSchedulerConfig } from '../../src/scheduler/config/load.ts'
import { Cache } from '../../src/scheduler/cache.ts'
import { messageOf, type Handle, type Plugin } from '../../src/scheduler/framework.ts'
import { Nominator } from '../../src/scheduler/nominator.ts'
import { WaitingPods } from '../../src/scheduler/waiting-pods.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { ProfileCycle } from '../../src/scheduler/cycle.ts'
import { Profile } from '../../src/scheduler/profile.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import type { Node, Pod } from '../../schemas/types.ts'

export const plugins = folder as Plugin[]

export function plugin(name: string): Plugin {
  const found = plugins.find((p) => p.name === name)
  if (!found) throw new Error(`no plugin ${name}`)
  return found
}

export interface World {
  nodes: Node[]
  /** Pods that are on nodes. */
  pods?: Pod[]
  objects?: KubeObject[]
  args?: Record<string, Record<string, unknown>>
}

export function cycleOf(names: string[], { nodes, pods = [], objects = [], args }: World) {
  const cluster = new FakeCluster()
  cluster.seed(...objects)
  const cache = new Cache()
  for (const node of nodes) cache.setNode(node)
  for (const pod of pods) cache.setPod(pod)
  const { client, informers, events, clock, random, log } = cluster.context()
  const handle: Handle = { client, informers, events, clock, random, log, cache, nominator: new Nominator(), waitingPods: new WaitingPods(clock), extenders: [], activate() {} }
  const defaults = Object.fromEntries((defaultSchedulerConfig(plugins).profiles[0]?.pluginConfig ?? []).map((c) => [c.name, c.args ?? {}]))
  const merged = Object.fromEntries(Object.entries(args ?? {}).map(([name, given]) => [name, { ...defaults[name], ...given }]))
  const profile = new Profile(names.map(plugin), { schedulerName: 'default-scheduler', args: { ...defaults, ...merged } })
  return { cluster, cache, handle, profile, cycle: new ProfileCycle(profile, handle) }
}

/** What the filters of these plugins say for each node: 'ok' or the reasons; one text when preFilter refuses all. */
export function verdicts(names: string[], pod: Pod, world: World): Record<string, string> | string {
  const { cache, handle, profile, cycle } = cycleOf(names, world)
  const info = podInfoOf(pod)
  const { status, nodes } = profile.preFilter(cycle, info)
  if (status) return messageOf(status)
  const result: Record<string, string> = {}
  for (const node of cache.nodes) {
    const refusal = profile.filterWithNominated(handle.nominator, { pod: info, node, states: cycle.states })
    result[node.name] = nodes && !nodes.has(node.name) ? 'left out' : refusal ? `${refusal.code}: ${messageOf(refusal)}` : 'ok'
  }
  return result
}

export function scores(names: string[], pod: Pod, world: World): Record<string, number> {
  const { cache, profile, cycle } = cycleOf(names, world)
  const info = podInfoOf(pod)
  profile.preFilter(cycle, info)
  const given = profile.score(cycle, info, cache.nodes)
  return Object.fromEntries(cache.nodes.map((node, i) => [node.name, given[i] ?? 0]))
}
