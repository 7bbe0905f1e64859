/** What `orrery why` tells beyond the words of kube-scheduler. */
import t from 'tap'
import { FakeCluster } from '../helpers/fake-client.ts'
import { schedulerLoop } from '../../src/scheduler/scheduler.ts'
import type { Node, Pod, PodSpec } from '../../schemas/types.ts'
import { node, pod } from './_objects.ts'

const container = (extra: object = {}) => ({ containers: [{ name: 'c', image: 'x', ...extra }] })
const placed = (name: string, spec: PodSpec, labels: Record<string, string> = {}): Pod => {
  const made = pod(name, { ...spec, nodeName: 'a' })
  return { ...made, metadata: { ...made.metadata, labels } }
}
const avoiding = (app: string): PodSpec => ({ ...container(), affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }] } } })

function nodeA(change: (node: Node) => void = () => {}): Node {
  const made = structuredClone(node('a'))
  made.metadata.labels = { 'kubernetes.io/hostname': 'a', disk: 'hdd' }
  change(made)
  return made
}

const cases: [what: string, given: { node?: (node: Node) => void; others?: Pod[]; spec: PodSpec; labels?: Record<string, string> }, detail: string | undefined][] = [
  ['a taint', { node: (n) => (n.spec.taints = [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }]), spec: container() }, 'dedicated=db:NoSchedule'],
  ['too little', { node: (n) => (n.status = { allocatable: { cpu: '2', memory: '1Gi', pods: '9' } }), others: [placed('o', container({ resources: { requests: { cpu: '1500m' } } }))], spec: container({ resources: { requests: { cpu: '1', memory: '2Gi' } } }) }, 'asks for 1 of cpu, 500m of 2 free; asks for 2Gi of memory, 1Gi of 1Gi free'],
  ['too many', { node: (n) => (n.status = { allocatable: { cpu: '2', memory: '1Gi', pods: '1' } }), others: [placed('o', container())], spec: container() }, '1 of 1 pods are there'],
  ['a port', { others: [placed('o', container({ ports: [{ containerPort: 80, hostPort: 80 }] }))], spec: container({ ports: [{ containerPort: 80, hostPort: 80 }] }) }, '80/TCP used by default/o'],
  ['a node selector', { spec: { ...container(), nodeSelector: { disk: 'ssd', zone: 'x' } } }, 'wants disk=ssd, is hdd, wants zone=x, is not labelled'],
  ['node affinity', { spec: { ...container(), affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd', 'nvme'] }] }, { matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }] } } } } }, 'wants disk In [ssd,nvme], or gpu Exists'],
  ['a pod it avoids', { others: [placed('o', container(), { app: 'o' })], spec: avoiding('o') }, 'default/o there'],
  ['a pod that avoids it', { others: [placed('o', avoiding('p'))], spec: container(), labels: { app: 'p' } }, 'of default/o'],
]

for (const [what, { node: change, others = [], spec, labels = {} }, detail] of cases) {
  t.test(what, async (t) => {
    const cluster = new FakeCluster({ gracefulPods: true })
    const { loop, explain } = schedulerLoop()
    const running = loop.start(cluster.context())
    t.teardown(() => void running.close())
    cluster.seed(nodeA(change), ...others)
    const made = pod('p', spec)
    t.equal(explain({ ...made, metadata: { ...made.metadata, labels } })?.nodes[0]?.detail, detail)
  })
}

t.test('a pod that is placed is scored as if it were not', async (t) => {
  const cluster = new FakeCluster({ gracefulPods: true })
  const { loop, explain } = schedulerLoop()
  const running = loop.start(cluster.context())
  t.teardown(() => void running.close())
  const spec = (): PodSpec => ({
    ...container({ resources: { requests: { cpu: '2', memory: '3Gi' } } }),
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'p' } } } }] } },
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { app: 'p' } } }],
  })
  cluster.seed(...['a', 'b'].map((name) => node(name, { labels: { 'kubernetes.io/hostname': name } })))
  const labelled = (made: Pod): Pod => ({ ...made, metadata: { ...made.metadata, labels: { app: 'p' } } })
  const before = explain(labelled(pod('p', spec())))
  const there = labelled({ ...pod('p', spec()), spec: { ...pod('p', spec()).spec, nodeName: 'a' } })
  cluster.seed(there)
  const after = explain(there)
  t.equal(after?.nodeName, 'a')
  t.same(after?.nodes, before?.nodes)
  t.same(explain(there)?.nodes, after?.nodes, 'asking leaves no trace')
  const [a] = explain(labelled(pod('other', spec())))?.nodes.filter((n) => n.node === 'a') ?? []
  t.not(a?.total, before?.nodes.find((n) => n.node === 'a')?.total, 'it counts for others')
})
