import t from 'tap'
import type { Deployment, Pod, ReplicaSet } from '../../schemas/types.ts'
import deploymentController from '../../controllers/deployment.ts'
import replicaSetController from '../../controllers/replicaset.ts'
import { planCleanup, planRecreate, planRolling, planScaling, isScaling, type Scale } from '../../controllers/_deployment-plan.ts'
import { nextRevision, parseRevision } from '../../controllers/_deployment-revision.ts'
import { formatTime } from '../../src/clock.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { deployment, makeReady, replicaSet } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

type Strategy = Deployment['spec']['strategy']
const rolling = (maxSurge: number | string, maxUnavailable: number | string): Strategy => ({ type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } })

/** `name size/available`, oldest first. */
function set(text: string, annotations: Record<string, string> = {}): ReplicaSet {
  const [name = '', size = 0, available = 0] = text.split(/[ /]/).map((part, i) => (i === 0 ? part : Number(part))) as [string, number, number]
  const rs = replicaSet(name, size)
  return { ...rs, metadata: { ...rs.metadata, annotations, creationTimestamp: `2026-01-01T00:00:${name.charCodeAt(0) - 87}Z` }, status: { replicas: size, availableReplicas: available, observedGeneration: 1 } }
}

const shown = (scales: readonly Scale[]) => scales.map((s) => `${s.set.metadata.name} ${s.replicas}`)

t.test('a step of a rolling update', (t) => {
  const cases: { name: string; size: number; strategy?: Strategy; current: string; old: string[]; expect: string[] }[] = [
    { name: 'grows by the surge', size: 10, strategy: rolling(2, 0), current: 'n 0/0', old: ['a 10/10'], expect: ['n 2'] },
    { name: 'percentages of the surge round up', size: 3, strategy: rolling('25%', '25%'), current: 'n 0/0', old: ['a 3/3'], expect: ['n 1'] },
    { name: 'no room: old ones go as far as enough stay available', size: 10, strategy: rolling(2, 2), current: 'n 2/0', old: ['a 10/10'], expect: ['a 8'] },
    { name: 'percentages of the unavailable round down', size: 3, strategy: rolling('25%', '25%'), current: 'n 1/0', old: ['a 3/3'], expect: [] },
    { name: 'both zero count as one unavailable', size: 2, strategy: rolling(0, '10%'), current: 'n 0/0', old: ['a 2/2'], expect: ['a 1'] },
    { name: 'unhealthy old ones go first', size: 10, strategy: rolling(0, 3), current: 'n 0/0', old: ['a 5/2', 'b 5/5'], expect: ['a 2'] },
    { name: 'unhealthy first, then the rest of what may go', size: 10, strategy: rolling(2, 3), current: 'n 4/4', old: ['a 2/1', 'b 6/6'], expect: ['a 1', 'a 0', 'b 3'] },
    { name: 'never above the wanted size', size: 2, strategy: rolling(5, 0), current: 'n 0/0', old: [], expect: ['n 2'] },
    { name: 'too large shrinks', size: 2, strategy: rolling(1, 0), current: 'n 5/5', old: [], expect: ['n 2'] },
    { name: 'done', size: 3, strategy: rolling(1, 0), current: 'n 3/3', old: ['a 0/0'], expect: [] },
  ]
  for (const c of cases) t.same(shown(planRolling(deployment('web', c.size, { strategy: c.strategy }), set(c.current), c.old.map((o) => set(o)))), c.expect, c.name)
  t.end()
})

t.test('recreating waits for the old pods', (t) => {
  const d = deployment('web', 3, { strategy: { type: 'Recreate' } })
  t.same(shown(planRecreate(d, { current: undefined, old: [set('a 3/3'), set('b 0/0')] }, true)), ['a 0'])
  t.same(shown(planRecreate(d, { current: set('n 0/0'), old: [set('a 0/0')] }, true)), [])
  t.same(shown(planRecreate(d, { current: set('n 0/0'), old: [set('a 0/0')] }, false)), ['n 3'])
  t.end()
})

t.test('a change of size is spread in proportion', (t) => {
  const max = (n: number) => ({ 'deployment.kubernetes.io/max-replicas': String(n), 'deployment.kubernetes.io/desired-replicas': String(n) })
  const cases: { name: string; size: number; strategy?: Strategy; current?: ReplicaSet; old: ReplicaSet[]; expect: string[] }[] = [
    { name: 'one active set takes all', size: 5, current: set('n 3/3'), old: [set('a 0/0')], expect: ['n 5'] },
    { name: 'no active set: the current one', size: 2, current: set('n 0/0'), old: [set('a 0/0')], expect: ['n 2'] },
    { name: 'no current one either: the newest', size: 2, old: [set('a 0/0'), set('b 0/0')], expect: ['b 2'] },
    { name: 'saturated: the others to nothing', size: 5, current: set('n 5/5', max(5)), old: [set('a 1/1', max(5))], expect: ['a 0'] },
    { name: 'up', size: 20, strategy: rolling(0, 1), current: set('n 5/5', max(10)), old: [set('a 5/5', max(10))], expect: ['n 10', 'a 10'] },
    { name: 'leftovers go to the largest', size: 12, strategy: rolling(0, 1), current: set('n 4/4', max(10)), old: [set('a 6/6', max(10))], expect: ['a 7', 'n 5'] },
    { name: 'down', size: 5, strategy: rolling(0, 1), current: set('n 4/4', max(10)), old: [set('a 6/6', max(10))], expect: ['a 3', 'n 2'] },
    { name: 'to nothing', size: 0, strategy: rolling(0, 1), current: set('n 4/4', max(10)), old: [set('a 6/6', max(10))], expect: ['a 0', 'n 0'] },
  ]
  for (const c of cases) t.same(shown(planScaling(deployment('web', c.size, { strategy: c.strategy }), { current: c.current, old: c.old })), c.expect, c.name)
  t.equal(isScaling(deployment('web', 5), { current: set('n 3/3', max(5)), old: [] }), false)
  t.equal(isScaling(deployment('web', 6), { current: set('n 3/3', max(5)), old: [] }), true)
  t.end()
})

t.test('revisions are 64 bits wide', (t) => {
  t.equal(nextRevision([set('a 1/1', { 'deployment.kubernetes.io/revision': '3546343826724305832' }), set('b 1/1', { 'deployment.kubernetes.io/revision': '7x' })]), 3546343826724305833n)
  t.same(['9223372036854775807', '9223372036854775808', '-1', '1.5', ''].map(parseRevision), [9223372036854775807n, undefined, -1n, undefined, undefined])
  t.end()
})

t.test('what history keeps', (t) => {
  const of = (n: number) => ({ 'deployment.kubernetes.io/revision': String(n) })
  const busy = set('c 1/1', of(1))
  const old = [set('a 0/0', of(3)), set('b 0/0', of(2)), busy]
  t.same(planCleanup(deployment('web', 1, { revisionHistoryLimit: 1 }), old).map((rs) => rs.metadata.name), ['b'])
  t.same(planCleanup(deployment('web', 1, { revisionHistoryLimit: 3 }), old), [])
  t.end()
})

/** Both controllers and a kubelet for which every pod is ready at once. */
class Rollout {
  readonly cluster = new FakeCluster()
  readonly deployments = new ControllerRun(this.cluster, deploymentController)
  readonly sets = new ControllerRun(this.cluster, replicaSetController)
  ready = (_: Pod): boolean => true
  most = 0
  least = Infinity

  async run(): Promise<void> {
    for (let before = -1; before !== this.cluster.writes.length; ) {
      before = this.cluster.writes.length
      await this.deployments.settle()
      await this.sets.settle()
      const pods = this.cluster.all<Pod>('v1/Pod')
      this.most = Math.max(this.most, pods.length)
      this.least = Math.min(this.least, pods.filter((p) => p.status?.phase === 'Running').length)
      for (const pod of pods) if (!pod.status?.conditions && this.ready(pod)) this.cluster.edit<Pod>('v1/Pod', pod.metadata.name ?? '', (copy) => makeReady(copy, formatTime(this.cluster.clock.now())))
      await this.sets.settle()
    }
  }

  get d(): Deployment {
    return this.cluster.read<Deployment>('apps/v1/Deployment', 'web')
  }

  edit(change: (d: Deployment) => void): void {
    this.cluster.edit<Deployment>('apps/v1/Deployment', 'web', (copy) => {
      copy.metadata.generation = (copy.metadata.generation ?? 0) + 1
      change(copy)
    })
  }

  image(image: string): void {
    this.edit((d) => void (d.spec.template = { ...d.spec.template, spec: { containers: [{ name: 'c', image }] } }))
  }

  sizes(): (number | undefined)[] {
    return this.cluster.all<ReplicaSet>('apps/v1/ReplicaSet').map((rs) => rs.spec.replicas)
  }
}

t.test('a rollout from nothing, an update, an undo', async (t) => {
  const r = new Rollout()
  r.cluster.seed(deployment('web', 4, { strategy: rolling(1, 1) }))
  await r.run()
  t.same(r.sizes(), [4])
  t.match(r.d.status, { replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4, terminatingReplicas: 0, observedGeneration: 1 })
  t.same(
    r.d.status?.conditions?.map((c) => [c.type, c.status, c.reason]),
    [
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ],
  )
  t.equal(r.d.metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
  const [first] = r.cluster.all<ReplicaSet>('apps/v1/ReplicaSet')
  t.same(first?.metadata.annotations, { 'deployment.kubernetes.io/desired-replicas': '4', 'deployment.kubernetes.io/max-replicas': '5', 'deployment.kubernetes.io/revision': '1' })
  t.same(r.cluster.events.filter((e) => e.startsWith('Deployment')), [`Deployment/web Normal ScalingReplicaSet: Scaled up replica set ${first?.metadata.name} from 0 to 4`])

  r.most = 0
  r.least = Infinity
  r.image('app:2')
  await r.run()
  t.same(r.sizes(), [0, 4])
  t.ok(r.most <= 5 && r.least >= 3, `between ${r.least} and ${r.most} pods`)
  t.equal(r.d.metadata.annotations?.['deployment.kubernetes.io/revision'], '2')

  r.image('app:1')
  await r.run()
  t.same(r.sizes(), [4, 0])
  t.equal(r.d.metadata.annotations?.['deployment.kubernetes.io/revision'], '3')
  t.match(r.cluster.read<ReplicaSet>('apps/v1/ReplicaSet', first?.metadata.name ?? '').metadata.annotations, { 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' })
  t.same([...r.deployments.errors, ...r.sets.errors], [])
})

t.test('a rollout that does not progress is reported, and goes on when it can', async (t) => {
  const r = new Rollout()
  r.ready = (p) => p.spec.containers?.[0]?.image !== 'broken'
  r.cluster.seed(deployment('web', 2, { progressDeadlineSeconds: 10 }))
  await r.run()
  r.image('broken')
  await r.run()
  await r.cluster.clock.step(20_000)
  await r.run()
  t.match(r.d.status?.conditions?.find((c) => c.type === 'Progressing'), { status: 'False', reason: 'ProgressDeadlineExceeded', message: /^ReplicaSet "web-\w+" has timed out progressing\.$/ })
  t.match(r.d.status, { availableReplicas: 2, unavailableReplicas: 1 })
  r.image('app:3')
  await r.run()
  t.match(r.d.status?.conditions?.find((c) => c.type === 'Progressing'), { status: 'True', reason: 'NewReplicaSetAvailable' })
  t.same(r.sizes().sort(), [0, 0, 2])
})

t.test('paused: scales, but does not roll', async (t) => {
  const r = new Rollout()
  r.cluster.seed(deployment('web', 2))
  await r.run()
  r.edit((d) => void (d.spec.paused = true))
  r.image('app:2')
  r.edit((d) => void (d.spec.replicas = 3))
  await r.run()
  t.same(r.sizes(), [3])
  t.match(r.d.status?.conditions?.find((c) => c.type === 'Progressing'), { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' })
  r.edit((d) => void (d.spec.paused = false))
  await r.run()
  t.same(r.sizes(), [0, 3])
})

t.test('recreate never runs both', async (t) => {
  const r = new Rollout()
  r.cluster.seed(deployment('web', 3, { strategy: { type: 'Recreate' } }))
  await r.run()
  r.image('app:2')
  r.most = 0
  await r.run()
  t.same(r.sizes(), [0, 3])
  t.equal(r.most, 3)
})

t.test('the deprecated rollback annotation', async (t) => {
  const r = new Rollout()
  r.cluster.seed(deployment('web', 1))
  await r.run()
  r.image('app:2')
  await r.run()
  r.edit((d) => void (d.metadata.annotations = { ...d.metadata.annotations, 'deprecated.deployment.rollback.to': '1' }))
  await r.run()
  t.equal(r.d.spec.template?.spec?.containers?.[0]?.image, 'app:1')
  t.equal(r.d.metadata.annotations?.['deprecated.deployment.rollback.to'], undefined)
  t.ok(r.cluster.events.includes('Deployment/web Normal DeploymentRollback: Rolled back deployment "web" to revision 1'))
})
