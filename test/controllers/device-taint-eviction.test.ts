/** Pods leave devices that were tainted. */
import t from 'tap'
import type { DeviceTaint, DeviceToleration, Pod, ResourceClaim, ResourceSlice } from '../../schemas/types.ts'
import controller, { evictionMs, taintsOf } from '../../controllers/device-taint-eviction.ts'
import { formatTime } from '../../src/clock.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const ADDED = '2026-01-01T00:00:00Z'
const taint = (effect: string, key = 'broken'): DeviceTaint => ({ key, effect, timeAdded: ADDED })
const tolerating = (...tolerations: DeviceToleration[]) => ({ request: 'r', driver: 'd', pool: 'p', device: 'gpu', tolerations })
const slice = (name: string, generation: number, taints: DeviceTaint[]): ResourceSlice => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name }, spec: { driver: 'd', pool: { name: 'p', generation, resourceSliceCount: 1 }, nodeName: 'n', devices: [{ name: 'gpu', taints }] } })

t.test('how long a device may be used', (t) => {
  const exists = (more: Partial<DeviceToleration>): DeviceToleration => ({ operator: 'Exists', effect: 'NoExecute', ...more })
  const cases: readonly (readonly [string, DeviceToleration[], DeviceTaint[], number])[] = [
    ['without taints', [], [], Infinity],
    ['taints that only keep out', [], [taint('NoSchedule'), taint('None')], Infinity],
    ['not tolerated', [], [taint('NoExecute')], 0],
    ['tolerated', [exists({})], [taint('NoExecute')], Infinity],
    ['tolerated for a while', [exists({ tolerationSeconds: 30 }), exists({ tolerationSeconds: 20 })], [taint('NoExecute')], 20],
    ['a while and for ever', [exists({ tolerationSeconds: 30 }), exists({})], [taint('NoExecute')], Infinity],
    ['no time at all', [exists({ tolerationSeconds: -5 })], [taint('NoExecute')], 0],
    ['all effects are not this one', [{ operator: 'Exists' }], [taint('NoExecute')], 0],
    ['another key', [exists({ key: 'other', operator: 'Equal' })], [taint('NoExecute')], 0],
    ['the first of several', [exists({ key: 'a', tolerationSeconds: 9 }), exists({ key: 'b', tolerationSeconds: 7 })], [taint('NoExecute', 'a'), taint('NoExecute', 'b')], 7],
  ]
  for (const [name, tolerations, taints, seconds] of cases) t.equal(evictionMs(tolerating(...tolerations), taints), Date.parse(ADDED) + seconds * 1000, name)
  t.same(taintsOf(tolerating(), [slice('old', 1, [taint('NoExecute')]), slice('new', 2, [])]), [], 'only the newest generation counts')
  t.same(taintsOf({ ...tolerating(), device: 'other' }, [slice('new', 2, [taint('NoExecute')])]), [])
  t.end()
})

t.test('pods are deleted, or not after all', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, controller)
  const uses = (name: string, claim: string): Pod => ({ ...pod(name, { node: 'n' }), spec: { ...pod(name, { node: 'n' }).spec, resourceClaims: [{ name: 'mine', resourceClaimName: claim }] } })
  const claim = (name: string, user: string, ...tolerations: DeviceToleration[]): ResourceClaim => ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name, namespace: 'default' },
    spec: {},
    status: { allocation: { devices: { results: [tolerating(...tolerations)] } }, reservedFor: [{ resource: 'pods', name: user, uid: `uid-${user}` }] },
  })
  cluster.seed(slice('s', 1, []), claim('strict', 'a'), claim('patient', 'b', { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }), claim('others', 'somebody'), uses('a', 'strict'), uses('b', 'patient'), uses('c', 'others'))
  await run.settle()
  t.same(cluster.events, [])
  cluster.seed(slice('s', 1, [{ ...taint('NoExecute'), timeAdded: formatTime(cluster.clock.now()) }]))
  await run.settle()
  t.same(cluster.events, ['Pod/a Normal DeviceTaintManagerEviction: Marking for deletion'])
  t.same(cluster.all<Pod>('v1/Pod').map((p) => p.metadata.name), ['b', 'c'])
  cluster.seed(slice('s', 1, []))
  await run.settle()
  t.equal(cluster.events.at(-1), 'Pod/b Normal DeviceTaintManagerEviction: Cancelling deletion')
  cluster.seed(slice('s', 1, [{ ...taint('NoExecute'), timeAdded: formatTime(cluster.clock.now()) }]))
  await run.settle()
  await run.step(59_000)
  t.equal(cluster.all('v1/Pod').length, 2)
  await run.step(2000)
  t.same(cluster.all<Pod>('v1/Pod').map((p) => p.metadata.name), ['c'])
  t.same(run.errors, [])
})
