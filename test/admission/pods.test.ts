import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { defaultIngressClass } from '../../src/admission/default-ingress-class.ts'
import { namespaceLifecycle } from '../../src/admission/namespace-lifecycle.ts'
import { nodeDeclaredFeatureValidator } from '../../src/admission/node-declared-feature-validator.ts'
import { persistentVolumeClaimResize } from '../../src/admission/persistent-volume-claim-resize.ts'
import { podResizeValidator } from '../../src/admission/pod-resize-validator.ts'
import { podTopologyLabels } from '../../src/admission/pod-topology-labels.ts'
import { priorityAdmission } from '../../src/admission/priority.ts'
import { runtimeClassAdmission } from '../../src/admission/runtime-class.ts'
import { serviceAccountAdmission } from '../../src/admission/service-account.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi } from '../helpers/in-process-api.ts'

const pod = (spec: object = {}, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })
const account = (name: string, more: object = {}, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'ns', ...metadata }, ...more })

t.test('runtime classes', async (t) => {
  const { create, refused } = await startApi(t, { plugins: [runtimeClassAdmission] })
  const tolerations = [{ key: 'vm', operator: 'Exists' }]
  await create({ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'vm' }, handler: 'h', overhead: { podFixed: { cpu: '250m' } }, scheduling: { nodeSelector: { vm: 'yes' }, tolerations } })
  const own = { key: 'vm', operator: 'Exists', effect: 'NoSchedule' }
  const made = await create(pod({ runtimeClassName: 'vm', nodeSelector: { disk: 'ssd' }, tolerations: [own, { key: 'x', operator: 'Exists' }] }))
  t.match(made.spec, { overhead: { cpu: '250m' }, nodeSelector: { disk: 'ssd', vm: 'yes' }, tolerations: [{ key: 'x' }, { key: 'vm' }] })
  const head = 'pods "p" is forbidden: '
  t.same(await refused(pod({ runtimeClassName: 'none' })), [`${head}pod rejected: RuntimeClass "none" not found`])
  t.same(await refused(pod({ runtimeClassName: 'vm', overhead: { cpu: '1' } })), [`${head}pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`])
  for (const overhead of [{ cpu: '1' }, {}]) t.same(await refused(pod({ overhead })), [`${head}pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead`])
  t.same(await refused(pod({ runtimeClassName: 'vm', nodeSelector: { vm: 'no' } })), [`${head}conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no`])
  t.same(await refused({ ...pod({ runtimeClassName: 'vm', overhead: { cpu: '0.25' } }), metadata: { name: 'q', namespace: 'ns' } }), [], 'the same overhead in other words')
})

t.test('a pod without a name yet is refused by what it is to be called after', async (t) => {
  const { client } = await startApi(t, { plugins: [runtimeClassAdmission] })
  const nameless = { ...pod({ runtimeClassName: 'none' }), metadata: { generateName: 'web-', namespace: 'ns' } }
  await t.rejects(client().create(nameless as KubeObject), { message: 'pods "web-" is forbidden: pod rejected: RuntimeClass "none" not found' })
})

t.test('service accounts', async (t) => {
  const { create, refused, clock } = await startApi(t, { plugins: [serviceAccountAdmission] })
  const head = 'pods "p" is forbidden: '
  t.same(await refused(pod({ serviceAccountName: 'none' })), [`${head}error looking up service account ns/none: serviceaccount "none" not found`])
  const waiting = create(pod())
  await clock.step(150)
  await create(account('default', { imagePullSecrets: [{ name: 'registry' }] }))
  await clock.step(250)
  const made = (await waiting) as unknown as Pod
  t.match(made.spec, { serviceAccountName: 'default', serviceAccount: 'default', imagePullSecrets: [{ name: 'registry' }], containers: [{ volumeMounts: [{ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }] }] })
  t.match(made.spec.volumes?.[0], { name: /^kube-api-access-/, projected: { defaultMode: 420 } })
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
  t.same(await refused(pod({ serviceAccountName: 'default' }, mirror)), [`${head}a mirror pod may not reference service accounts`])
  t.same(await refused(pod({ imagePullSecrets: [{ name: 's' }] }, mirror)), [`${head}a mirror pod may not reference secrets`])
  t.same(await refused(pod({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }, mirror)), [`${head}a mirror pod may not use ServiceAccountToken volume projections`])
})

t.test('a default account that never comes', async (t) => {
  const { create, clock } = await startApi(t, { plugins: [serviceAccountAdmission] })
  const waiting = t.rejects(create(pod()), { message: 'pods "p" is forbidden: error looking up service account ns/default: serviceaccount "default" not found' })
  await clock.step(2000)
  await waiting
})

t.test('secrets that a service account does not name', async (t) => {
  const { create, refused } = await startApi(t, { plugins: [serviceAccountAdmission] })
  await create(account('strict', { secrets: [{ name: 'mine' }], imagePullSecrets: [{ name: 'registry' }] }, { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } }))
  const strict = (spec: object) => pod({ serviceAccountName: 'strict', ...spec })
  const env = (name: string) => ({ name: 'c', image: 'i', env: [{ name: 'E', valueFrom: { secretKeyRef: { name, key: 'k' } } }] })
  const end = 'is not allowed because service account strict does not reference that secret'
  const cases: [object, string?][] = [
    [{ containers: [env('mine')] }],
    [{ containers: [env('other')] }, `container c with envVar E referencing secret.secretName="other" ${end}`],
    [{ initContainers: [{ ...env('mine'), name: 'i', env: undefined, envFrom: [{ secretRef: { name: 'other' } }] }] }, `init container i with envFrom referencing secret.secretName="other" ${end}`],
    [{ volumes: [{ name: 'v', secret: { secretName: 'other' } }] }, `volume with secret.secretName="other" ${end}`],
    [{ imagePullSecrets: [{ name: 'registry' }, { name: 'other' }] }, 'imagePullSecrets[1].name="other" is not allowed because service account strict does not reference that imagePullSecret'],
  ]
  for (const [spec, text] of cases) t.same(await refused(strict(spec)), text === undefined ? [] : [`pods "p" is forbidden: ${text}`], text ?? 'accepted')
})

t.test('priorities', async (t) => {
  const { create, refused } = await startApi(t, { plugins: [priorityAdmission] })
  const priorityClass = (name: string, value: number, more: object = {}) => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, ...more })
  await create(priorityClass('high', 1000, { preemptionPolicy: 'Never' }))
  t.match((await create(pod({ priorityClassName: 'high' }))).spec, { priority: 1000, preemptionPolicy: 'Never' })
  t.match((await create(pod({}, { name: 'q' }))).spec, { priority: 0, preemptionPolicy: 'PreemptLowerPriority' })
  const head = 'pods "p" is forbidden: '
  t.same(await refused(pod({ priorityClassName: 'none' })), [`${head}no PriorityClass with name none was found`])
  t.same(await refused(pod({ priority: 5 })), [`${head}the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name`])
  await create(priorityClass('usual', 7, { globalDefault: true }))
  t.match((await create(pod({}, { name: 'r' }))).spec, { priority: 7, priorityClassName: 'usual' })
  t.same(await refused(priorityClass('second', 8, { globalDefault: true })), ['priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already marked as default. Only one default can exist'])
})

t.test('namespaces that are not there or going', async (t) => {
  const { create, refused, client } = await startApi(t, { plugins: [namespaceLifecycle] })
  t.same(await refused(pod()), ['namespaces "ns" not found'])
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } })
  t.same(await refused(pod()), [])
  await client().delete('v1/Namespace', { name: 'ns' })
  t.same(await refused(pod()), ['metadata.namespace: namespace ns is being terminated'])
})

t.test('claims grow where their class lets them', async (t) => {
  const { create, update, refusedUpdate, client } = await startApi(t, { plugins: [persistentVolumeClaimResize] })
  const storageClass = (name: string, allowVolumeExpansion: boolean) => ({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name }, provisioner: 'p', allowVolumeExpansion })
  await create(storageClass('elastic', true))
  await create(storageClass('rigid', false))
  const claim = async (name: string, storageClassName: string, isBound: boolean) => {
    const made = await create({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace: 'ns' }, spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } })
    if (!isBound) return made as KubeObject
    const named = await update(made, (c) => void (c.spec = { ...(c.spec as object), volumeName: 'v' }))
    return client().updateStatus({ ...named, status: { phase: 'Bound', capacity: { storage: '1Gi' } } } as KubeObject)
  }
  const grow = (c: object) => void ((c as { spec: { resources: object } }).spec.resources = { requests: { storage: '2Gi' } })
  t.same(await refusedUpdate(await claim('a', 'elastic', true), grow), [])
  t.same(await refusedUpdate(await claim('c', 'rigid', true), grow), ['persistentvolumeclaims "c" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'])
  t.same(await refusedUpdate(await claim('d', 'gone', true), grow), ['persistentvolumeclaims "d" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'])
})

t.test('the newest default ingress class is taken', async (t) => {
  const { create, clock } = await startApi(t, { plugins: [defaultIngressClass] })
  const ingress = (name: string, more: object = {}, annotations: Record<string, string> = {}) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: 'ns', annotations }, spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, ...more } })
  const ingressClass = (name: string) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } }, spec: { controller: 'x.y/z' } })
  t.equal(((await create(ingress('none'))).spec as { ingressClassName?: string }).ingressClassName, undefined)
  await create(ingressClass('old'))
  await clock.step(2000)
  await create(ingressClass('b'))
  await create(ingressClass('a'))
  t.match((await create(ingress('one'))).spec, { ingressClassName: 'a' })
  t.match((await create(ingress('named', { ingressClassName: 'old' }))).spec, { ingressClassName: 'old' })
  t.equal(((await create(ingress('annotated', {}, { 'kubernetes.io/ingress.class': 'x' }))).spec as { ingressClassName?: string }).ingressClassName, undefined)
})

t.test('pods carry where their node is', async (t) => {
  const { create, client } = await startApi(t, { plugins: [podTopologyLabels] })
  const labels = { 'topology.kubernetes.io/zone': 'z1', 'topology.kubernetes.io/region': 'r1', other: 'x' }
  await create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', labels } })
  const { other: _, ...topology } = labels
  t.same((await create(pod({ nodeName: 'n' }, { name: 'placed' }))).metadata.labels, topology)
  await create(pod({}, { labels: { app: 'web', 'topology.kubernetes.io/zone': 'wrong' } }))
  await client().create({ apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p', namespace: 'ns' }, target: { kind: 'Node', name: 'n' } } as KubeObject, { subresource: 'binding' })
  t.same((await client().get('v1/Pod', { namespace: 'ns', name: 'p' })).metadata.labels, { app: 'web', ...topology })
})

t.test('resizes that a node cannot follow', async (t) => {
  const { create, refusedUpdate } = await startApi(t, { plugins: [podResizeValidator, nodeDeclaredFeatureValidator] })
  const node = (name: string, os: string, declaredFeatures: string[] = []) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/os': os } }, status: { allocatable: { cpu: '2', memory: '1Gi' }, capacity: { cpu: '2', memory: '1Gi' }, declaredFeatures } })
  await create(node('n', 'linux'))
  await create(node('w', 'windows'))
  await create(node('able', 'linux', ['InPlacePodVerticalScalingInitContainers']))
  const resources = (cpu: string) => ({ requests: { cpu }, limits: { cpu } })
  const placed = (name: string, nodeName: string) => create(pod({ nodeName, containers: [{ name: 'c', image: 'i', resources: resources('1') }], initContainers: [{ name: 'i', image: 'i', resources: resources('1') }] }, { name }))
  const resize = (cpu: string, list: 'containers' | 'initContainers' = 'containers') => (p: object) => {
    const [container] = (p as { spec: Record<string, { resources: object }[]> }).spec[list] ?? []
    if (container) container.resources = resources(cpu)
  }
  const options = { subresource: 'resize' }
  const onLinux = await placed('a', 'n')
  t.same(await refusedUpdate(onLinux, resize('2'), options), [])
  t.same(await refusedUpdate(onLinux, resize('3'), options), [': '], 'a cause without a message')
  t.same(await refusedUpdate(onLinux, resize('2', 'initContainers'), options), ['pods "a" is forbidden: pod update requires features InPlacePodVerticalScalingInitContainers which are not available on node "n"'])
  t.same(await refusedUpdate(await placed('b', 'able'), resize('2', 'initContainers'), options), [])
  t.same(await refusedUpdate(await placed('c', 'w'), resize('2'), options), [': '])
  t.same(await refusedUpdate(await placed('d', 'gone'), resize('2'), options), ['pods "d" is forbidden: node "gone" not found'])
})
