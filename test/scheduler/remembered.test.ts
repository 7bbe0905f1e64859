/** What is remembered of earlier pods is what would be said anew, whatever happened to the nodes meanwhile. */
import t from 'tap'
import { SeededRandom } from '../../src/clock.ts'
import { ProfileCycle } from '../../src/scheduler/cycle.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { Profile } from '../../src/scheduler/profile.ts'
import { node, pod, type PodParts } from './_objects.ts'
import { cycleOf, plugins } from './_cycle.ts'

const kinds: readonly Partial<PodParts>[] = [
  {},
  { cpu: '1' },
  { cpu: '1', memory: '1Gi', tolerations: [{ operator: 'Exists' }] },
  { cpu: '3', nodeSelector: { disk: 'ssd' } },
  { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }] }] },
  { cpu: '1', labels: { app: 'a' }, topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'disk', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'a' } } }] },
]

t.test('after any change', async (t) => {
  const random = new SeededRandom(7)
  const names = plugins.map((p) => p.name)
  const world = Array.from({ length: 6 }, (_, i) => node(`n${i}`, { labels: { disk: i % 2 ? 'ssd' : 'hdd' } }))
  const { cache, handle, profile } = cycleOf(names, { nodes: world })
  const placed: string[] = []
  for (let step = 0; step < 300; step++) {
    const info = podInfoOf(pod(`p${step}`, kinds[random.int(kinds.length)]))
    const fresh = new Profile(plugins, { schedulerName: 'default-scheduler', args: Object.fromEntries(names.map((name) => [name, profile.args(name as 'NodeAffinity')])) })
    const [known, anew] = [profile, fresh].map((p) => {
      const cycle = new ProfileCycle(p, handle)
      p.preFilter(cycle, info)
      const filter = p.filterOf(handle.nominator, info, cycle.states)
      const verdicts = cache.nodes.map((n) => filter(n)?.reasons ?? [])
      return { verdicts, scores: [...p.score(cycle, info, cache.nodes)] }
    })
    t.same(known, anew, `step ${step}`)
    const index = random.int(world.length)
    const change = random.int(4)
    if (change === 0) cache.setNode(node(`n${index}`, { labels: { disk: random.int(2) ? 'ssd' : 'hdd' }, spec: random.int(2) ? { taints: [{ key: 'k', effect: 'NoSchedule' }] } : {} }))
    else if (change === 1 && placed.length > 3) cache.removePod(placed.shift() ?? '')
    else if (change === 2) cache.removeNode(`n${index}`)
    else {
      cache.setNode(node(`n${index}`))
      cache.assume(info, `n${index}`)
      placed.push(info.uid)
    }
  }
})
