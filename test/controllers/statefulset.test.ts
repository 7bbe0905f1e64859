import t from 'tap'
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '../../schemas/types.ts'
import statefulset, { plan } from '../../controllers/statefulset.ts'
import { claimRefs } from '../../controllers/_statefulset-pods.ts'
import { formatTime } from '../../src/clock.ts'
import { controllerRef } from '../../src/controller/owners.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { makeReady, pod, statefulSet } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const revision = (name: string): ControllerRevision => ({ metadata: { name }, data: { spec: { template: { metadata: { labels: { app: 'db' } }, spec: {} } } } })
const revisions = { current: revision('old'), update: revision('new') }

/** `ordinal[!-x] revision`: `!` not ready, `-` terminating, `f` failed. */
function member(text: string): Pod {
  const [place = '', of = 'new'] = text.split(' ')
  const made = pod(`db-${Number.parseInt(place)}`, {
    node: 'n',
    labels: { app: 'db', 'controller-revision-hash': of, 'statefulset.kubernetes.io/pod-name': `db-${Number.parseInt(place)}` },
    deleted: place.includes('-'),
    ...(place.includes('f') ? { phase: 'Failed' } : place.includes('!') ? { phase: 'Running' } : { readyAt: '2026-01-01T00:00:00Z' }),
  })
  return made
}

t.test('what is done next', (t) => {
  const cases: { name: string; replicas: number; spec?: Partial<StatefulSet['spec']>; currentReplicas?: number; pods: string[]; expect: string[] }[] = [
    { name: 'the first one first', replicas: 3, pods: [], expect: ['create db-0'] },
    { name: 'the next when the one before is ready', replicas: 3, pods: ['0'], expect: ['create db-1'] },
    { name: 'not before', replicas: 3, pods: ['0!'], expect: [] },
    { name: 'nor while it terminates', replicas: 3, pods: ['0-'], expect: [] },
    { name: 'nor before it was ready for long enough', replicas: 2, spec: { minReadySeconds: 7200 }, pods: ['0'], expect: [] },
    { name: 'all at a time', replicas: 3, spec: { podManagementPolicy: 'Parallel' }, pods: ['1!'], expect: ['create db-0', 'create db-2'] },
    { name: 'a gap is filled', replicas: 3, pods: ['0', '2'], expect: ['create db-1'] },
    { name: 'ordinals from 5', replicas: 2, spec: { ordinals: { start: 5 } }, pods: ['5'], expect: ['create db-6'] },
    { name: 'what is below the start goes', replicas: 1, spec: { ordinals: { start: 1 } }, pods: ['0', '1'], expect: ['delete db-0'] },
    { name: 'the failed are replaced', replicas: 2, pods: ['0f', '1'], expect: ['delete db-0'] },
    { name: 'the highest goes first', replicas: 1, pods: ['0', '1', '2'], expect: ['delete db-2'] },
    { name: 'one at a time', replicas: 1, pods: ['0', '1', '2-'], expect: [] },
    { name: 'not while another is ill', replicas: 1, pods: ['0', '1!', '2!'], expect: [] },
    { name: 'but the ill one itself may go', replicas: 1, pods: ['0', '1', '2!'], expect: ['delete db-2'] },
    { name: 'all at a time down', replicas: 0, spec: { podManagementPolicy: 'Parallel' }, pods: ['0', '1'], expect: ['delete db-1', 'delete db-0'] },
    { name: 'updates from the top', replicas: 3, pods: ['0 old', '1 old', '2 old'], expect: ['delete db-2'] },
    { name: 'next when the updated one is ready', replicas: 3, pods: ['0 old', '1 old', '2 new'], expect: ['delete db-1'] },
    { name: 'partition', replicas: 3, spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }, pods: ['0 old', '1 old', '2 new'], expect: [] },
    { name: 'below the partition the current revision is made', replicas: 2, spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } }, pods: [], expect: ['create db-0 old'] },
    { name: 'without a partition as many as have it', replicas: 2, spec: { updateStrategy: { type: 'RollingUpdate' }, podManagementPolicy: 'Parallel' }, currentReplicas: 1, pods: [], expect: ['create db-0 old', 'create db-1'] },
    { name: 'only when deleted', replicas: 2, spec: { updateStrategy: { type: 'OnDelete' } }, pods: ['0 old', '1 old'], expect: [] },
  ]
  for (const c of cases) {
    const set = { ...statefulSet('db', c.replicas, c.spec), status: { replicas: 0, currentReplicas: c.currentReplicas } }
    const got = plan({ set, pods: c.pods.map(member), revisions, claim: () => undefined, nowMs: NOW })
    const steps = got.groups.flat().map((s) => `${s.do} ${s.pod.metadata.name}${s.do === 'create' && s.pod.metadata.labels?.['controller-revision-hash'] === 'old' ? ' old' : ''}`)
    t.same(steps, c.expect, c.name)
  }
  t.end()
})

t.test('who owns a claim', (t) => {
  const template: PersistentVolumeClaim = { metadata: { name: 'data' }, spec: {} }
  const setOf = (whenScaled: string, whenDeleted: string, replicas = 1) => statefulSet('db', replicas, { volumeClaimTemplates: [template], persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted } })
  const p = member('0')
  const set = setOf('Retain', 'Retain')
  const toSet = controllerRef(set, 'apps/v1/StatefulSet')
  const toPod = controllerRef(p, 'v1/Pod')
  const foreign = { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x', controller: true }
  const cases: { name: string; set: StatefulSet; refs: (typeof toSet)[]; expect: unknown }[] = [
    { name: 'retained: nobody', set, refs: [toSet], expect: [] },
    { name: 'deleted with the set', set: setOf('Retain', 'Delete'), refs: [], expect: [toSet] },
    { name: 'already so', set: setOf('Retain', 'Delete'), refs: [toSet], expect: undefined },
    { name: 'scaled down', set: setOf('Delete', 'Delete', 0), refs: [toSet], expect: [toPod] },
    { name: 'in range again', set: setOf('Delete', 'Delete', 1), refs: [toPod], expect: [toSet] },
    { name: 'another controller has it', set: setOf('Delete', 'Delete'), refs: [foreign, toSet], expect: [foreign] },
    { name: 'of a former pod of the name', set: setOf('Delete', 'Delete'), refs: [{ ...toPod, uid: 'former' }], expect: undefined },
  ]
  for (const c of cases) t.same(claimRefs({ metadata: { name: 'data-db-0', ownerReferences: c.refs }, spec: {} }, c.set, p)?.references, c.expect, c.name)
  t.end()
})

async function live(set: StatefulSet) {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, statefulset)
  cluster.seed(set)
  const settle = async () => {
    for (let before = -1; before !== cluster.writes.length; ) {
      before = cluster.writes.length
      await run.settle()
      for (const p of cluster.all<Pod>('v1/Pod')) if (p.status?.phase === 'Pending') cluster.edit<Pod>('v1/Pod', p.metadata.name ?? '', (copy) => makeReady(copy, formatTime(cluster.clock.now())))
    }
    await run.settle()
  }
  await settle()
  const edit = async (change: (copy: StatefulSet) => void) => {
    cluster.edit<StatefulSet>('apps/v1/StatefulSet', 'db', (copy) => {
      copy.metadata.generation = (copy.metadata.generation ?? 0) + 1
      change(copy)
    })
    await settle()
  }
  return { cluster, run, settle, edit, status: () => cluster.read<StatefulSet>('apps/v1/StatefulSet', 'db').status, pods: () => cluster.all<Pod>('v1/Pod').map((p) => p.metadata.name) }
}

t.test('a pod that fails is made anew in the revision it had, where there is no partition', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, statefulset)
  cluster.seed(statefulSet('db', 2, { updateStrategy: { type: 'RollingUpdate' } }))
  await run.settle()
  const first = cluster.read<Pod>('v1/Pod', 'db-0')
  cluster.edit<StatefulSet>('apps/v1/StatefulSet', 'db', (copy) => {
    copy.metadata.generation = 2
    copy.spec.template = { ...copy.spec.template, spec: { containers: [{ name: 'c', image: 'other' }] } }
  })
  await run.settle()
  cluster.edit<Pod>('v1/Pod', 'db-0', (copy) => void (copy.status = { phase: 'Failed' }))
  await run.settle()
  const again = cluster.read<Pod>('v1/Pod', 'db-0')
  t.not(again.metadata.uid, first.metadata.uid)
  t.equal(again.metadata.labels?.['controller-revision-hash'], first.metadata.labels?.['controller-revision-hash'])
  t.match(cluster.read<StatefulSet>('apps/v1/StatefulSet', 'db').status, { currentReplicas: 1, replicas: 1 })
})

t.test('comes up in order, with claims, and is updated from the top', async (t) => {
  const { cluster, run, edit, status, pods } = await live(statefulSet('db', 3, { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] }))
  t.same(pods(), ['db-0', 'db-1', 'db-2'])
  const [revision] = cluster.all<ControllerRevision>('apps/v1/ControllerRevision')
  const name = revision?.metadata.name ?? ''
  t.match(status(), { replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3, currentRevision: name, updateRevision: name, collisionCount: 0, observedGeneration: 1 })
  const first = cluster.read<Pod>('v1/Pod', 'db-0')
  t.same(first.metadata.labels, { app: 'db', 'controller-revision-hash': name, 'statefulset.kubernetes.io/pod-name': 'db-0', 'apps.kubernetes.io/pod-index': '0' })
  t.match(first.spec, { hostname: 'db-0', subdomain: 'db', volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }] })
  t.same(cluster.read<PersistentVolumeClaim>('v1/PersistentVolumeClaim', 'data-db-2').metadata.labels, { app: 'db' })
  t.same(cluster.events.slice(0, 2), ['StatefulSet/db Normal SuccessfulCreate: Create Claim data-db-0 Pod db-0 in StatefulSet db success', 'StatefulSet/db Normal SuccessfulCreate: Create Pod db-0 in StatefulSet db successful'])

  cluster.events.length = 0
  await edit((copy) => void (copy.spec.template = { ...copy.spec.template, spec: { containers: [{ name: 'c', image: 'app:2' }] } }))
  t.same(cluster.events.filter((e) => e.includes('Delete')).map((e) => e.replace(/^.*: /, '')), [2, 1, 0].map((i) => `Delete Pod db-${i} in StatefulSet db successful`))
  t.same(cluster.all<ControllerRevision>('apps/v1/ControllerRevision').map((r) => r.revision), [1, 2])
  t.equal(status()?.currentRevision, status()?.updateRevision)

  await edit((copy) => void (copy.spec.template = { ...copy.spec.template, spec: { containers: [{ name: 'c', image: 'app:1' }] } }))
  t.same(cluster.all<ControllerRevision>('apps/v1/ControllerRevision').map((r) => r.revision).sort(), [2, 3], 'the old revision is brought back with a new number')
  await edit((copy) => void (copy.spec.replicas = 1))
  t.same(pods(), ['db-0'])
  t.equal(cluster.all('v1/PersistentVolumeClaim').length, 3, 'claims are retained')
  t.same(run.errors, [])
})

t.test('history is kept to its limit', async (t) => {
  const { cluster, edit } = await live(statefulSet('db', 1, { revisionHistoryLimit: 1 }))
  for (const image of ['app:2', 'app:3', 'app:4']) await edit((copy) => void (copy.spec.template = { ...copy.spec.template, spec: { containers: [{ name: 'c', image }] } }))
  t.same(cluster.all<ControllerRevision>('apps/v1/ControllerRevision').map((r) => r.revision), [3, 4])
})

t.test('a claim that cannot be made is told', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, statefulset)
  cluster.before = (write) => {
    if (write.kind === 'v1/PersistentVolumeClaim') throw new Error('no quota')
  }
  cluster.seed(statefulSet('db', 1, { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] }))
  await run.settle()
  t.same(cluster.events.slice(0, 2), [
    'StatefulSet/db Warning FailedCreate: Create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: no quota',
    'StatefulSet/db Warning FailedCreate: Create Pod db-0 in StatefulSet db failed error: failed to create PVC data-db-0: no quota',
  ])
})
