import t from 'tap'
import type { Affinity, Node, NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim, Pod, ReplicaSet, StorageClass, TopologySpreadConstraint } from '../../schemas/types.ts'
import { node, pod, type PodParts } from './_objects.ts'
import { plugins, scores, verdicts, type World } from './_cycle.ts'

const on = (nodeName: string, name: string, parts: PodParts = {}): Pod => pod(name, { ...parts, nodeName })

type Verdict = [name: string, plugin: string, pod: Pod, world: World, expected: ReturnType<typeof verdicts>]

const tainted = (effect: string) => node('tainted', { spec: { taints: [{ key: 'k', value: 'v', effect }] } })
const required = (...terms: NodeSelectorTerm[]): Affinity => ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } })
const UNTOLERATED = 'Unresolvable: node(s) had untolerated taint(s)'
const NO_AFFINITY = "Unresolvable: node(s) didn't match Pod's node affinity/selector"
const NO_PORT = "Unschedulable: node(s) didn't have free ports for the requested pod ports"

const withPort = (hostPort: number, hostIP?: string, protocol = 'TCP') => ({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, protocol, ...(hostIP ? { hostIP } : {}) }] }] })

t.test('filters of single nodes', async (t) => {
  const table: Verdict[] = [
    ['cordoned', 'NodeUnschedulable', pod('p'), { nodes: [node('a'), node('b', { spec: { unschedulable: true } })] }, { a: 'ok', b: 'Unresolvable: node(s) were unschedulable' }],
    ['cordoned but tolerated', 'NodeUnschedulable', pod('p', { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }), { nodes: [node('b', { spec: { unschedulable: true } })] }, { b: 'ok' }],
    ['node name', 'NodeName', pod('p', { nodeName: 'a' }), { nodes: [node('a'), node('b')] }, { a: 'ok', b: "Unresolvable: node(s) didn't match the requested node name" }],
    ['NoSchedule taint', 'TaintToleration', pod('p'), { nodes: [tainted('NoSchedule')] }, { tainted: UNTOLERATED }],
    ['PreferNoSchedule taint', 'TaintToleration', pod('p'), { nodes: [tainted('PreferNoSchedule')] }, { tainted: 'ok' }],
    ['tolerated by value', 'TaintToleration', pod('p', { tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoExecute' }] }), { nodes: [tainted('NoExecute')] }, { tainted: 'ok' }],
    ['tolerated for another effect', 'TaintToleration', pod('p', { tolerations: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }), { nodes: [tainted('NoExecute')] }, { tainted: UNTOLERATED }],
    ['everything tolerated', 'TaintToleration', pod('p', { tolerations: [{ operator: 'Exists' }] }), { nodes: [tainted('NoExecute')] }, { tainted: 'ok' }],
    ['node selector', 'NodeAffinity', pod('p', { nodeSelector: { disk: 'ssd' } }), { nodes: [node('a', { labels: { disk: 'ssd' } }), node('b')] }, { a: 'ok', b: NO_AFFINITY }],
    ['alternatives', 'NodeAffinity', pod('p', { affinity: required({ matchExpressions: [{ key: 'x', operator: 'Gt', values: ['5'] }] }, { matchExpressions: [{ key: 'y', operator: 'DoesNotExist' }] }) }), { nodes: [node('a', { labels: { x: '7', y: '' } }), node('b', { labels: { x: '3', y: '' } }), node('c')] }, { a: 'ok', b: NO_AFFINITY, c: 'ok' }],
    ['by name', 'NodeAffinity', pod('p', { affinity: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }) }), { nodes: [node('a'), node('b')] }, { a: 'left out', b: 'ok' }],
    ['conflicting names', 'NodeAffinity', pod('p', { affinity: required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }, { key: 'metadata.name', operator: 'In', values: ['b'] }] }) }), { nodes: [node('a')] }, 'pod affinity terms conflict'],
    ['port taken', 'NodePorts', pod('p', withPort(80)), { nodes: [node('a'), node('b')], pods: [on('a', 'x', withPort(80))] }, { a: NO_PORT, b: 'ok' }],
    ['port of another address', 'NodePorts', pod('p', withPort(80, '10.0.0.1')), { nodes: [node('a'), node('b')], pods: [on('a', 'x', withPort(80, '10.0.0.2')), on('b', 'y', withPort(80, '0.0.0.0'))] }, { a: 'ok', b: NO_PORT }],
    ['port of another protocol', 'NodePorts', pod('p', withPort(80)), { nodes: [node('a')], pods: [on('a', 'x', withPort(80, undefined, 'UDP'))] }, { a: 'ok' }],
    ['full', 'NodeResourcesFit', pod('p', { cpu: '2' }), { nodes: [node('a'), node('b')], pods: [on('a', 'x', { cpu: '3' })] }, { a: 'Unschedulable: Insufficient cpu', b: 'ok' }],
    ['too large for ever', 'NodeResourcesFit', pod('p', { cpu: '5', memory: '1Gi' }), { nodes: [node('a')] }, { a: 'Unresolvable: Insufficient cpu' }],
    ['too many pods', 'NodeResourcesFit', pod('p'), { nodes: [node('a', { allocatable: { cpu: '4', pods: '1' } })], pods: [on('a', 'x')] }, { a: 'Unschedulable: Too many pods' }],
    ['ignored resource', 'NodeResourcesFit', pod('p', { containers: [{ name: 'c', resources: { requests: { 'example.com/x': '1' } } }] }), { nodes: [node('a')], args: { NodeResourcesFit: { ignoredResourceGroups: ['example.com'] } } }, { a: 'ok' }],
    ['init container is larger', 'NodeResourcesFit', pod('p', { cpu: '1', initContainers: [{ name: 'i', resources: { requests: { cpu: '5' } } }] }), { nodes: [node('a')] }, { a: 'Unresolvable: Insufficient cpu' }],
  ]
  for (const [name, plugin, p, world, expected] of table) t.same(verdicts([plugin], p, world), expected, name)
})

const zone = (name: string, z: string) => node(name, { labels: { zone: z } })
const spread = (more: TopologySpreadConstraint = {}): Partial<PodParts> => ({ labels: { app: 'a' }, topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'a' } }, ...more }] })
const SKEWED = "Unschedulable: node(s) didn't match pod topology spread constraints"

t.test('topology spread', async (t) => {
  const three = [zone('a', 'z1'), zone('b', 'z2'), node('c')]
  const labels = { app: 'a' }
  const table: [name: string, pod: Pod, world: World, expected: ReturnType<typeof verdicts>][] = [
    ['nothing there yet', pod('p', spread()), { nodes: three }, { a: 'ok', b: 'ok', c: "Unresolvable: node(s) didn't match pod topology spread constraints (missing required label)" }],
    ['one zone is ahead', pod('p', spread()), { nodes: three.slice(0, 2), pods: [on('a', 'x', { labels })] }, { a: SKEWED, b: 'ok' }],
    ['pods that end do not count', pod('p', spread()), { nodes: three.slice(0, 2), pods: [{ ...on('a', 'x', { labels }), metadata: { name: 'x', namespace: 'default', uid: 'x', labels, deletionTimestamp: '2026-01-01T00:00:00Z' } }] }, { a: 'ok', b: 'ok' }],
    ['pods of other namespaces do not count', pod('p', spread()), { nodes: three.slice(0, 2), pods: [on('a', 'x', { labels, namespace: 'other' })] }, { a: 'ok', b: 'ok' }],
    ['too few domains', pod('p', spread({ minDomains: 3 })), { nodes: three.slice(0, 2), pods: [on('a', 'x', { labels }), on('b', 'y', { labels })] }, { a: SKEWED, b: SKEWED }],
    ['zones the pod cannot go to do not count', pod('p', { ...spread(), nodeSelector: { zone: 'z1' } }), { nodes: three.slice(0, 2), pods: [on('a', 'x', { labels })] }, { a: 'ok', b: 'ok' }],
    ['unless the policy says so', pod('p', { ...spread({ nodeAffinityPolicy: 'Ignore' }), nodeSelector: { zone: 'z1' } }), { nodes: three.slice(0, 2), pods: [on('a', 'x', { labels })] }, { a: SKEWED, b: 'ok' }],
    ['tainted zones do not count when taints are honored', pod('p', spread({ nodeTaintsPolicy: 'Honor' })), { nodes: [zone('a', 'z1'), node('b', { labels: { zone: 'z2' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } })], pods: [on('a', 'x', { labels })] }, { a: 'ok', b: 'ok' }],
    ['by revision', pod('p', { ...spread({ matchLabelKeys: ['rev'] }), labels: { app: 'a', rev: '2' } }), { nodes: three.slice(0, 2), pods: [on('a', 'x', { labels: { app: 'a', rev: '1' } })] }, { a: 'ok', b: 'ok' }],
  ]
  for (const [name, p, world, expected] of table) t.same(verdicts(['PodTopologySpread'], p, world), expected, name)
})

const term = (app: string, more: object = {}) => ({ topologyKey: 'zone', labelSelector: { matchLabels: { app } }, ...more })
const near = (...terms: object[]): Affinity => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } })
const away = (...terms: object[]): Affinity => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } })

t.test('inter-pod affinity', async (t) => {
  const nodes = [zone('a', 'z1'), zone('b', 'z1'), zone('c', 'z2')]
  const db = on('a', 'db', { labels: { app: 'db' } })
  const NOT_NEAR = "Unresolvable: node(s) didn't match pod affinity rules"
  const NEAR = "Unschedulable: node(s) didn't match pod anti-affinity rules"
  const UNWANTED = "Unschedulable: node(s) didn't satisfy existing pods anti-affinity rules"
  const namespaces = [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default', labels: { team: 'x' } } }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { team: 'y' } } }]
  const table: [name: string, pod: Pod, world: World, expected: ReturnType<typeof verdicts>][] = [
    ['near', pod('p', { affinity: near(term('db')) }), { nodes, pods: [db] }, { a: 'ok', b: 'ok', c: NOT_NEAR }],
    ['near nobody', pod('p', { affinity: near(term('db')) }), { nodes }, { a: NOT_NEAR, b: NOT_NEAR, c: NOT_NEAR }],
    ['near itself', pod('p', { labels: { app: 'db' }, affinity: near(term('db')) }), { nodes }, { a: 'ok', b: 'ok', c: 'ok' }],
    ['near one that matches both', pod('p', { affinity: near(term('db'), { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } }) }), { nodes, pods: [db] }, { a: 'ok', b: NOT_NEAR, c: NOT_NEAR }],
    ['away', pod('p', { affinity: away(term('db')) }), { nodes, pods: [db] }, { a: NEAR, b: NEAR, c: 'ok' }],
    ['unwanted', pod('p', { labels: { app: 'web' } }), { nodes, pods: [on('a', 'x', { affinity: away(term('web')) })] }, { a: UNWANTED, b: UNWANTED, c: 'ok' }],
    ['only in the own namespace', pod('p', { affinity: away(term('db')) }), { nodes, pods: [on('a', 'db', { labels: { app: 'db' }, namespace: 'other' })] }, { a: 'ok', b: 'ok', c: 'ok' }],
    ['in namespaces by label', pod('p', { affinity: away(term('db', { namespaceSelector: { matchLabels: { team: 'y' } } })) }), { nodes, objects: namespaces, pods: [on('a', 'db', { labels: { app: 'db' }, namespace: 'other' })] }, { a: NEAR, b: NEAR, c: 'ok' }],
    ['in all namespaces', pod('p', { affinity: away(term('db', { namespaceSelector: {} })) }), { nodes, objects: namespaces, pods: [on('a', 'db', { labels: { app: 'db' }, namespace: 'other' })] }, { a: NEAR, b: NEAR, c: 'ok' }],
  ]
  for (const [name, p, world, expected] of table) t.same(verdicts(['InterPodAffinity'], p, world), expected, name)
})

const claim = (name: string, spec: PersistentVolumeClaim['spec'], bound = false): PersistentVolumeClaim => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'default', ...(bound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}) }, spec: { accessModes: ['ReadWriteOnce'], ...spec } })
const storageClass = (provisioner: string): StorageClass => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'late' }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' })
const volume = (name: string, on: string, more: PersistentVolume['spec'] = {}): PersistentVolume => ({
  apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name, labels: {} }, status: { phase: 'Available' },
  spec: { storageClassName: 'late', capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'], nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [on] }] }] } }, ...more },
})
const using = (claimName: string, name = 'p') => pod(name, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] })

t.test('volumes', async (t) => {
  const nodes = [node('a'), node('b')]
  const wants = claim('c', { storageClassName: 'late', resources: { requests: { storage: '1Gi' } } })
  const NO_VOLUME = "Unresolvable: node(s) didn't find available persistent volumes to bind"
  const rwop = claim('c', { accessModes: ['ReadWriteOncePod'], volumeName: 'pv' }, true)
  const zonal: PersistentVolume = { ...volume('pv', 'a'), metadata: { name: 'pv', labels: { 'topology.kubernetes.io/zone': 'z1__z2' } } }
  const inZone = (name: string, z: string) => node(name, { labels: { 'topology.kubernetes.io/zone': z } })
  const table: [name: string, plugin: string, pod: Pod, world: World, expected: ReturnType<typeof verdicts>][] = [
    ['no claim', 'VolumeBinding', using('c'), { nodes }, 'persistentvolumeclaim "c" not found'],
    ['claim goes', 'VolumeBinding', using('c'), { nodes, objects: [{ ...wants, metadata: { ...wants.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }] }, 'persistentvolumeclaim "c" is being deleted'],
    ['claim lost', 'VolumeBinding', using('c'), { nodes, objects: [{ ...claim('c', { volumeName: 'pv' }), status: { phase: 'Lost' } }] }, 'persistentvolumeclaim "c" bound to non-existent persistentvolume "pv"'],
    ['claim that is not made yet', 'VolumeBinding', pod('p', { volumes: [{ name: 'v', ephemeral: {} }] }), { nodes }, 'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v"'],
    ["another's claim", 'VolumeBinding', pod('p', { volumes: [{ name: 'v', ephemeral: {} }] }), { nodes, objects: [claim('p-v', {})] }, 'PVC default/p-v was not created for pod default/p (pod is not owner)'],
    ['unbound, immediate', 'VolumeBinding', using('c'), { nodes, objects: [claim('c', {})] }, 'pod has unbound immediate PersistentVolumeClaims'],
    ['bound to a volume of one node', 'VolumeBinding', using('c'), { nodes, objects: [claim('c', { volumeName: 'pv' }, true), volume('pv', 'b')] }, { a: "Unresolvable: node(s) didn't match PersistentVolume's node affinity", b: 'ok' }],
    ['bound to a volume that is gone', 'VolumeBinding', using('c'), { nodes, objects: [claim('c', { volumeName: 'pv' }, true)] }, { a: 'Unresolvable: node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)', b: 'Unresolvable: node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)' }],
    ['delayed, can be provisioned', 'VolumeBinding', using('c'), { nodes, objects: [wants, storageClass('x.example/p')] }, { a: 'ok', b: 'ok' }],
    ['delayed, static volume on one node', 'VolumeBinding', using('c'), { nodes, objects: [wants, storageClass('kubernetes.io/no-provisioner'), volume('pv', 'b')] }, { a: NO_VOLUME, b: 'ok' }],
    ['delayed, volume too small', 'VolumeBinding', using('c'), { nodes, objects: [wants, storageClass('kubernetes.io/no-provisioner'), volume('pv', 'b', { capacity: { storage: '1Mi' } })] }, { a: NO_VOLUME, b: NO_VOLUME }],
    ['delayed, node chosen before', 'VolumeBinding', using('c'), { nodes, objects: [{ ...wants, metadata: { ...wants.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'b' } } }, storageClass('x.example/p')] }, { a: NO_VOLUME, b: 'ok' }],
    ['used by one pod only', 'VolumeRestrictions', using('c'), { nodes, objects: [rwop], pods: [{ ...using('c', 'x'), spec: { ...using('c', 'x').spec, nodeName: 'a' } }] }, Object.fromEntries(['a', 'b'].map((n) => [n, 'Unschedulable: node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod']))],
    ['zone of the volume', 'VolumeZone', using('c'), { nodes: [inZone('a', 'z1'), inZone('b', 'z3'), node('c')], objects: [claim('c', { volumeName: 'pv' }, true), zonal] }, { a: 'ok', b: 'Unresolvable: node(s) had no available volume zone', c: 'ok' }],
  ]
  for (const [name, plugin, p, world, expected] of table) t.same(verdicts([plugin], p, world), expected, name)
})

t.test('a driver takes no more volumes than its CSINode says', async (t) => {
  const csi = (name: string): PersistentVolume => ({ ...volume(name, 'a'), spec: { ...volume(name, 'a').spec, csi: { driver: 'd', volumeHandle: name } } })
  const objects = [claim('c1', { volumeName: 'v1' }, true), claim('c2', { volumeName: 'v2' }, true), csi('v1'), csi('v2'), { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name: 'a' }, spec: { drivers: [{ name: 'd', nodeID: 'a', allocatable: { count: 1 } }] } }]
  const there = { ...using('c1', 'x'), spec: { ...using('c1', 'x').spec, nodeName: 'a' } }
  t.same(verdicts(['NodeVolumeLimits'], using('c2'), { nodes: [node('a'), node('b')], pods: [there], objects }), { a: 'Unschedulable: node(s) exceed max volume count', b: 'ok' })
  t.same(verdicts(['NodeVolumeLimits'], using('c1', 'q'), { nodes: [node('a')], pods: [there], objects }), { a: 'ok' }, 'the same volume is attached once')
  const attachment = { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name: 'va' }, spec: { attacher: 'd', nodeName: 'a', source: { persistentVolumeName: 'v1' } } }
  t.same(verdicts(['NodeVolumeLimits'], using('c2'), { nodes: [node('a')], objects: [...objects, attachment] }), { a: 'Unschedulable: node(s) exceed max volume count' }, 'what is still attached counts')
  const inline = pod('p', { volumes: [{ name: 'v', csi: { driver: 'd' } }] })
  t.same(verdicts(['NodeVolumeLimits'], inline, { nodes: [node('a')], pods: [there], objects }), { a: 'ok' }, 'a volume of the pod alone is never attached')
})

t.test('volumes of former plugins count for the driver that has taken them over', async (t) => {
  const FULL = { a: 'Unschedulable: node(s) exceed max volume count' }
  const limits = { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', metadata: { name: 'a' }, spec: { drivers: [{ name: 'ebs.csi.aws.com', nodeID: 'a', allocatable: { count: 1 } }, { name: 'file.csi.azure.com', nodeID: 'a', allocatable: { count: 0 } }] } }
  const ebs = (name: string, volumeID: string, node?: string) => pod(name, { volumes: [{ name: 'v', awsElasticBlockStore: { volumeID } }], ...(node ? { node } : {}) })
  const there: Pod = { ...ebs('x', 'aws://zone/vol-1'), spec: { ...ebs('x', 'aws://zone/vol-1').spec, nodeName: 'a' } }
  const world = { nodes: [node('a')], pods: [there] }
  const inTree: PersistentVolume = { ...volume('pv', 'a'), spec: { ...volume('pv', 'a').spec, awsElasticBlockStore: { volumeID: 'vol-2' } } }
  const csi: PersistentVolume = { ...volume('pv', 'a'), spec: { ...volume('pv', 'a').spec, csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1' } } }
  const bound = claim('c', { volumeName: 'pv' }, true)
  const provisioned = [claim('c', { storageClassName: 'old' }), { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'old' }, provisioner: 'kubernetes.io/aws-ebs' }]
  t.same(verdicts(['NodeVolumeLimits'], ebs('p', 'vol-2'), { ...world, objects: [limits] }), FULL, 'named in the pod')
  t.same(verdicts(['NodeVolumeLimits'], ebs('p', 'vol-1'), { ...world, objects: [limits] }), { a: 'ok' }, 'the same volume')
  t.same(verdicts(['NodeVolumeLimits'], using('c'), { ...world, objects: [limits, bound, inTree] }), FULL, 'of a claim')
  t.same(verdicts(['NodeVolumeLimits'], using('c'), { ...world, objects: [limits, bound, csi] }), { a: 'ok' }, 'the same volume by the name that its driver gives it')
  t.same(verdicts(['NodeVolumeLimits'], using('c'), { ...world, objects: [limits, ...provisioned] }), FULL, 'yet to be provisioned')
  t.same(verdicts(['NodeVolumeLimits'], pod('p', { volumes: [{ name: 'v', azureFile: { shareName: 's', secretName: 's' } }] }), { ...world, objects: [limits] }), { a: 'ok' }, 'shares of files are not attached')
})

t.test('scores', async (t) => {
  const rs: ReplicaSet = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'rs', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'a' } } } }
  const owned = (name: string, nodeName?: string): Pod => {
    const p = pod(name, { labels: { app: 'a' }, ...(nodeName ? { nodeName } : {}) })
    p.metadata.ownerReferences = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'rs', controller: true }]
    return p
  }
  const prefers = (weight: number, app: string) => ({ preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: term(app) }] })
  const image: Node = node('a', { images: [{ names: ['app:1'], sizeBytes: 500 * 1024 * 1024 }] })
  const table: [name: string, plugin: string, pod: Pod, world: World, expected: Record<string, number>][] = [
    ['least allocated', 'NodeResourcesFit', pod('p', { cpu: '1', memory: '2Gi' }), { nodes: [node('a'), node('b')], pods: [on('a', 'x', { cpu: '2', memory: '4Gi' })] }, { a: 25, b: 75 }],
    ['most allocated', 'NodeResourcesFit', pod('p', { cpu: '1', memory: '2Gi' }), { nodes: [node('a'), node('b')], pods: [on('a', 'x', { cpu: '2', memory: '4Gi' })], args: { NodeResourcesFit: { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }, { name: 'memory', weight: 1 }] } } } }, { a: 75, b: 25 }],
    ['by a shape', 'NodeResourcesFit', pod('p', { cpu: '1', memory: '2Gi' }), { nodes: [node('a'), node('b')], pods: [on('a', 'x', { cpu: '2', memory: '4Gi' })], args: { NodeResourcesFit: { scoringStrategy: { type: 'RequestedToCapacityRatio', resources: [{ name: 'cpu', weight: 1 }], requestedToCapacityRatio: { shape: [{ utilization: 0, score: 0 }, { utilization: 100, score: 10 }] } } } } }, { a: 75, b: 25 }],
    ['requests that are missing count as a little', 'NodeResourcesFit', pod('p'), { nodes: [node('a'), node('b')], pods: [on('a', 'x')] }, { a: 95, b: 97 }],
    ['balance', 'NodeResourcesBalancedAllocation', pod('p', { cpu: '2' }), { nodes: [node('a'), node('b')], pods: [on('a', 'x', { memory: '4Gi' })] }, { a: 87, b: 62 }],
    ['a pod that asks for nothing has no balance', 'NodeResourcesBalancedAllocation', pod('p'), { nodes: [node('a')] }, { a: 0 }],
    ['preferred taints', 'TaintToleration', pod('p'), { nodes: [node('a'), tainted('PreferNoSchedule')] }, { a: 300, tainted: 0 }],
    ['preferred nodes', 'NodeAffinity', pod('p', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, preference: { matchExpressions: [{ key: 'zone', operator: 'In', values: ['z1'] }] } }, { weight: 5, preference: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] } }] } } }), { nodes: [zone('a', 'z1'), zone('b', 'z2'), node('c')] }, { a: 200, b: 66, c: 0 }],
    ['preferred pods', 'InterPodAffinity', pod('p', { affinity: { podAffinity: prefers(10, 'db'), podAntiAffinity: prefers(4, 'noisy') } }), { nodes: [zone('a', 'z1'), zone('b', 'z2'), node('c')], pods: [on('a', 'x', { labels: { app: 'db' } }), on('b', 'y', { labels: { app: 'noisy' } })] }, { a: 200, b: 0, c: 56 }],
    ['pods that prefer this one', 'InterPodAffinity', pod('p', { labels: { app: 'web' } }), { nodes: [zone('a', 'z1'), zone('b', 'z2')], pods: [on('a', 'x', { affinity: near(term('web')) })] }, { a: 200, b: 0 }],
    ['spread by default over hosts', 'PodTopologySpread', owned('p'), { nodes: [node('a'), node('b')], pods: [owned('x', 'a'), owned('y', 'a')], objects: [rs] }, { a: 80, b: 200 }],
    ['spread softly over zones', 'PodTopologySpread', pod('p', spread({ whenUnsatisfiable: 'ScheduleAnyway' })), { nodes: [zone('a', 'z1'), zone('b', 'z2'), node('c')], pods: [on('a', 'x', { labels: { app: 'a' } })] }, { a: 0, b: 200, c: 0 }],
    ['images', 'ImageLocality', pod('p'), { nodes: [image, node('b')] }, { a: 23, b: 0 }],
  ]
  for (const [name, plugin, p, world, expected] of table) t.same(scores([plugin], p, world), expected, name)
})

t.test('all default plugins are there, in order', async (t) => {
  t.same([...plugins].sort((a, b) => a.order - b.order).map((p) => p.name), [
    'SchedulingGates', 'PrioritySort', 'NodeUnschedulable', 'NodeName', 'TaintToleration', 'NodeAffinity', 'NodePorts', 'NodeResourcesFit', 'VolumeRestrictions', 'NodeVolumeLimits',
    'VolumeBinding', 'VolumeZone', 'PodTopologySpread', 'InterPodAffinity', 'DynamicResources', 'DefaultPreemption', 'NodeResourcesBalancedAllocation', 'ImageLocality', 'DefaultBinder', 'NodeDeclaredFeatures',
  ])
})
