import t from 'tap'
import type { ControllerRevision, DaemonSet, Node, Pod } from '../../schemas/types.ts'
import daemonset from '../../controllers/daemonset.ts'
import { daemonTolerations, pinnedTo, shouldRunOn } from '../../controllers/_daemonset-nodes.ts'
import { planPlacement, planRolling, statusOf } from '../../controllers/_daemonset-plan.ts'
import { formatTime } from '../../src/clock.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { daemonSet, makeReady, node, pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const taint = (effect: string, key = 'x') => ({ taints: [{ key, effect }] })

t.test('where a daemon belongs', (t) => {
  const cases: { name: string; spec?: Pod['spec']; node: Node; expect: [run: boolean, keep: boolean] }[] = [
    { name: 'anywhere', node: node('n'), expect: [true, true] },
    { name: 'not where it is not scheduled', node: node('n', taint('NoSchedule')), expect: [false, true] },
    { name: 'not where nothing is executed', node: node('n', taint('NoExecute')), expect: [false, false] },
    { name: 'though cordoned', node: node('n', taint('NoSchedule', 'node.kubernetes.io/unschedulable')), expect: [true, true] },
    { name: 'though not ready', node: node('n', taint('NoExecute', 'node.kubernetes.io/not-ready')), expect: [true, true] },
    { name: 'tolerated', spec: { tolerations: [{ key: 'x', operator: 'Exists' }] }, node: node('n', taint('NoExecute')), expect: [true, true] },
    { name: 'by selector', spec: { nodeSelector: { pool: 'a' } }, node: node('n', { labels: { pool: 'b' } }), expect: [false, false] },
    { name: 'by name', spec: { nodeName: 'm' }, node: node('n'), expect: [false, false] },
    {
      name: 'by affinity',
      spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }] } } } },
      node: node('n', { labels: { pool: 'b' } }),
      expect: [true, true],
    },
  ]
  for (const c of cases) {
    const { run, keep } = shouldRunOn(daemonSet('ds', { template: { spec: c.spec ?? {} } }), c.node)
    t.same([run, keep], c.expect, c.name)
  }
  t.equal(daemonTolerations([], true).length, 7)
  t.equal(daemonTolerations([{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }], false).length, 6)
  t.same(pinnedTo({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }] } } }, 'n').nodeAffinity, {
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }] },
  })
  t.end()
})

/** `node revision[!]`: `!` not ready, `-` terminating, `f` failed, `s` succeeded. */
function daemon(text: string): Pod {
  const [on = '', state = 'new'] = text.split(' ')
  const hash = state.replace(/[!\-fs]$/, '')
  return pod(`${on}-${hash}`, {
    node: on,
    labels: { app: 'ds', 'controller-revision-hash': hash },
    deleted: state.endsWith('-'),
    ...(state.endsWith('f') ? { phase: 'Failed' } : state.endsWith('s') ? { phase: 'Succeeded' } : state.endsWith('!') ? { phase: 'Running' } : { readyAt: '2026-01-01T00:00:00Z' }),
  })
}

const inputOf = (ds: DaemonSet, pods: string[], nodes = ['a', 'b', 'c', 'd'].map((n) => node(n))) => ({ ds, nodes, pods: pods.map(daemon), hash: 'new', nowMs: NOW })
const shown = (plan: { create: string[]; delete: Pod[] }) => [plan.create.join(' '), plan.delete.map((p) => p.metadata.name).join(' ')]

t.test('placement', (t) => {
  const two = ['a', 'b'].map((n) => node(n))
  const cases: { name: string; pods: string[]; nodes?: Node[]; ds?: DaemonSet; delay?: number; expect: [string, string] }[] = [
    { name: 'on each node that has none', pods: ['a'], nodes: two, expect: ['b', ''] },
    { name: 'not while one terminates there', pods: ['a new-', 'b'], nodes: two, expect: ['', ''] },
    { name: 'where it no longer belongs', pods: ['a', 'b'], nodes: [node('a', taint('NoExecute')), node('b')], expect: ['', 'a-new'] },
    { name: 'where it may stay', pods: ['a', 'b'], nodes: [node('a', taint('NoSchedule')), node('b')], expect: ['', ''] },
    { name: 'the failed and the ended go', pods: ['a newf', 'b news'], nodes: two, expect: ['', 'a-new b-new'] },
    { name: 'the failed later while in back-off', pods: ['a newf', 'b'], nodes: two, delay: 500, expect: ['', ''] },
    { name: 'one too many', pods: ['a old', 'a new', 'b'], nodes: two, expect: ['', 'a-old'] },
    { name: 'under surge the old one goes when the new one is available', pods: ['a old', 'a new', 'b old', 'b new!'], nodes: two, ds: daemonSet('ds', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }), expect: ['', 'a-old'] },
  ]
  for (const c of cases) t.same(shown(planPlacement(inputOf(c.ds ?? daemonSet('ds'), c.pods, c.nodes), () => c.delay ?? 0)), c.expect, c.name)
  t.end()
})

t.test('rolling', (t) => {
  const surging = (maxSurge: number | string) => daemonSet('ds', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable: 0 } } })
  const cases: { name: string; ds?: DaemonSet; pods: string[]; expect: [string, string] }[] = [
    { name: 'one at a time', pods: ['a old', 'b old', 'c old', 'd old'], expect: ['', 'a-old'] },
    { name: 'not while another is away', pods: ['a old', 'b old', 'c old'], expect: ['', ''] },
    { name: 'nor while a new one is not ready', pods: ['a new!', 'b old', 'c old', 'd old'], expect: ['', ''] },
    { name: 'those that serve nobody at any time', pods: ['a new!', 'b old!', 'c old', 'd old'], expect: ['', 'b-old'] },
    { name: 'half at a time', ds: daemonSet('ds', { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%' } } }), pods: ['a old', 'b old', 'c old', 'd old'], expect: ['', 'a-old b-old'] },
    { name: 'surge makes second pods', ds: surging('50%'), pods: ['a old', 'b old', 'c old', 'd old'], expect: ['a b', ''] },
    { name: 'and takes the old one when the second is available', ds: surging(1), pods: ['a old', 'a new', 'b old', 'c old', 'd old'], expect: ['b', 'a-old'] },
    { name: 'not before', ds: surging(1), pods: ['a old', 'a new!', 'b old', 'c old', 'd old'], expect: ['', ''] },
    { name: 'where the old one serves nobody it is replaced beyond the surge', ds: surging(1), pods: ['a old!', 'b old', 'c old', 'd old'], expect: ['a b', ''] },
  ]
  for (const c of cases) t.same(shown(planRolling(inputOf(c.ds ?? daemonSet('ds'), c.pods))), c.expect, c.name)
  t.end()
})

t.test('status', (t) => {
  const nodes = [node('a'), node('b'), node('c'), node('d', taint('NoSchedule'))]
  t.same(statusOf({ ...inputOf(daemonSet('ds'), ['a new', 'b old!', 'd old'], nodes) }), {
    currentNumberScheduled: 2,
    numberMisscheduled: 1,
    desiredNumberScheduled: 3,
    numberReady: 1,
    observedGeneration: 1,
    updatedNumberScheduled: 1,
    numberAvailable: 1,
    numberUnavailable: 2,
  })
  t.end()
})

t.test('follows nodes and template', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, daemonset)
  cluster.seed(node('a'), node('b', taint('NoSchedule')), daemonSet('ds'))
  const settle = async () => {
    for (let before = -1; before !== cluster.writes.length; ) {
      before = cluster.writes.length
      await run.settle()
      for (const p of cluster.all<Pod>('v1/Pod')) if (p.status?.phase === 'Pending') cluster.edit<Pod>('v1/Pod', p.metadata.name ?? '', (copy) => makeReady(copy, formatTime(cluster.clock.now())))
    }
    await run.settle()
  }
  await settle()
  const on = () => cluster.all<Pod>('v1/Pod').map((p) => p.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values?.[0])
  t.same(on(), ['a'])
  t.match(cluster.events, [/^DaemonSet\/ds Normal SuccessfulCreate: Created pod: ds-\w{5}$/])
  t.same(cluster.read<DaemonSet>('apps/v1/DaemonSet', 'ds').status, { currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 1, numberReady: 1, observedGeneration: 1, updatedNumberScheduled: 1, numberAvailable: 1 })
  cluster.seed(node('c'))
  await settle()
  t.same(on(), ['a', 'c'])
  cluster.edit<DaemonSet>('apps/v1/DaemonSet', 'ds', (copy) => {
    copy.metadata.generation = 2
    copy.spec.template = { ...copy.spec.template, spec: { nodeSelector: { 'kubernetes.io/hostname': 'c' } } }
  })
  await settle()
  t.same(on(), ['c'])
  const revisions = cluster.all<ControllerRevision>('apps/v1/ControllerRevision')
  t.same(revisions.map((r) => r.revision), [1, 2])
  t.equal(cluster.all<Pod>('v1/Pod')[0]?.metadata.labels?.['controller-revision-hash'], revisions[1]?.metadata.labels?.['controller-revision-hash'])
  t.same(run.errors, [])
})

t.test('under surge the new daemon is waited for until it counts as available', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, daemonset)
  cluster.seed(node('a'), daemonSet('ds', { minReadySeconds: 5, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }))
  const ready = async () => {
    await run.settle()
    for (const p of cluster.all<Pod>('v1/Pod')) if (p.status?.phase === 'Pending') cluster.edit<Pod>('v1/Pod', p.metadata.name ?? '', (copy) => Object.assign(copy.spec, { nodeName: 'a' }, makeReady(copy, formatTime(cluster.clock.now()))))
    await run.settle()
  }
  await ready()
  await run.step(6000)
  cluster.edit<DaemonSet>('apps/v1/DaemonSet', 'ds', (copy) => {
    copy.metadata.generation = 2
    copy.spec.template = { ...copy.spec.template, spec: { containers: [{ name: 'c', image: 'app:2' }] } }
  })
  await ready()
  const images = () => cluster.all<Pod>('v1/Pod').map((p) => p.spec.containers?.[0]?.image)
  t.same(images(), ['app:1', 'app:2'])
  await run.step(5000)
  t.same(images(), ['app:2'])
  t.same(run.errors, [])
})

t.test('a daemon that fails is replaced, ever later', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, daemonset)
  cluster.seed(node('a'), daemonSet('ds'))
  await run.settle()
  const fail = async () => {
    const name = cluster.all<Pod>('v1/Pod')[0]?.metadata.name ?? ''
    cluster.edit<Pod>('v1/Pod', name, (copy) => void (copy.status = { phase: 'Failed' }))
    await run.settle()
    return cluster.all<Pod>('v1/Pod').some((p) => p.metadata.name === name)
  }
  t.equal(await fail(), false)
  t.match(cluster.events.at(-3), /^DaemonSet\/ds Warning FailedDaemonPod: Found failed daemon pod default\/ds-\w+ on node a, will try to kill it$/)
  t.equal(await fail(), true)
  await run.step(1000)
  t.equal(cluster.all<Pod>('v1/Pod')[0]?.status?.phase, 'Pending')
})
