import t, { type Test } from 'tap'
import quotaController from '../../controllers/resourcequota.ts'
import type { ResourceQuota } from '../../schemas/types.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../../src/admission/chain.ts'
import { resourceQuota } from '../../src/admission/resource-quota.ts'
import { charged, chargesOf, isCounted, refunded } from '../../src/admission/resource-quota/check.ts'
import { quantityText } from '../../src/apimachinery/quantity.ts'
import { FakeClock } from '../../src/clock.ts'
import type { ControllerContext } from '../../src/controller/controller.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi, type TestApi } from '../helpers/in-process-api.ts'

type Quantities = Record<string, string>

const quota = (hard: Quantities, used: Quantities, spec: object = {}): ResourceQuota => ({ metadata: { name: 'q', namespace: 'ns' }, spec: { hard, ...spec }, status: { hard, used } })
const pod = (spec: object = {}, more: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', resourceVersion: '1' }, spec: { containers: [{ name: 'c', resources: {} }], ...spec }, ...more }) as KubeObject
const asking = (requests: Quantities, limits: Quantities = {}) => ({ containers: [{ name: 'c', resources: { requests, limits } }] })

function about(object: KubeObject, more: Partial<AdmissionAttributes> = {}): AdmissionAttributes {
  const plural = { Pod: 'pods', Service: 'services', PersistentVolumeClaim: 'persistentvolumeclaims', ConfigMap: 'configmaps', ResourceClaim: 'resourceclaims' }[object.kind ?? ''] ?? ''
  const group = object.kind === 'ResourceClaim' ? 'resource.k8s.io' : ''
  // Only what the checks look at.
  return { operation: 'CREATE', kind: { group, plural, groupResource: { group, resource: plural } }, subresource: '', namespace: 'ns', name: 'p', object, ctx: { clock: new FakeClock() }, ...more } as AdmissionAttributes
}

/** What a quota counts after the request, or why it is refused; '' when it does not concern it. */
function outcome(q: ResourceQuota, attributes: AdmissionAttributes): string {
  try {
    const charge = chargesOf([q], attributes).get('q')
    return charge ? Object.entries(charge).map(([name, value]) => `${name}=${quantityText(value)}`).sort().join(' ') : ''
  } catch (error) {
    if (!isStatusError(error)) throw error
    return error.message.replace('pods "p" is forbidden: ', '')
  }
}

t.test('what is charged', (t) => {
  const cases: [string, ResourceQuota, KubeObject, string][] = [
    ['a pod', quota({ pods: '2', 'count/pods': '5' }, { pods: '1', 'count/pods': '1' }), pod(), 'count/pods=1 pods=1'],
    ['over the limit', quota({ pods: '2', cpu: '1' }, { pods: '2', cpu: '900m' }), pod(asking({ cpu: '200m' })), 'exceeded quota: q, requested: cpu=200m,pods=1, used: cpu=900m,pods=2, limited: cpu=1,pods=2'],
    ['names that must be given', quota({ 'limits.cpu': '1', memory: '1' }, {}), pod({ containers: [{ name: 'b' }, { name: 'a', resources: { limits: { cpu: '1' } } }] }), 'failed quota: q: must specify limits.cpu for: b; memory for: a,b'],
    ['unless the pod gives them', quota({ 'limits.cpu': '1' }, { 'limits.cpu': '0' }), pod({ resources: { limits: { cpu: '1' } } }), 'limits.cpu=1'],
    ['what was never counted', quota({ pods: '1', 'requests.memory': '1Gi' }, { pods: '0' }), pod(asking({ memory: '1Mi' })), 'status unknown for quota: q, resources: pods,requests.memory'],
    ['extended resources', quota({ 'requests.example.com/gpu': '2' }, { 'requests.example.com/gpu': '0' }), pod(asking({ 'example.com/gpu': '1' }, { 'example.com/gpu': '1' })), 'requests.example.com/gpu=1'],
    ['pods that are over', quota({ pods: '1', 'count/pods': '3' }, { pods: '1', 'count/pods': '1' }), pod({}, { status: { phase: 'Failed' } }), 'count/pods=1'],
    ['an object of another kind', quota({ configmaps: '1' }, { configmaps: '0' }), pod(), ''],
    ['best effort', quota({ pods: '1' }, { pods: '0' }, { scopes: ['BestEffort'] }), pod(), 'pods=1'],
    ['not best effort', quota({ pods: '1' }, { pods: '0' }, { scopes: ['BestEffort'] }), pod(asking({ cpu: '1' })), ''],
    ['terminating', quota({ pods: '1' }, { pods: '0' }, { scopes: ['Terminating', 'BestEffort'] }), pod({ activeDeadlineSeconds: 5 }), 'pods=1'],
    ['not terminating', quota({ pods: '1' }, { pods: '0' }, { scopes: ['NotTerminating'] }), pod({ activeDeadlineSeconds: 5 }), ''],
    ['of a priority', quota({ pods: '1' }, { pods: '0' }, { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }), pod({ priorityClassName: 'high' }), 'pods=1'],
    ['of another priority', quota({ pods: '1' }, { pods: '0' }, { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } }), pod({ priorityClassName: 'high' }), ''],
    [
      'near pods of other namespaces',
      quota({ pods: '0' }, { pods: '0' }, { scopes: ['CrossNamespacePodAffinity'] }),
      pod({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'z', namespaceSelector: {} }] } } }),
      'exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
    ],
    ['a volume of a class', quota({ persistentvolumeclaims: '1' }, { persistentvolumeclaims: '0' }, { scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['fast'] }] } }), { kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec: { volumeAttributesClassName: 'fast' } } as KubeObject, 'persistentvolumeclaims=1'],
    ['storage by class', quota({ 'requests.storage': '9Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '2Gi' }, { 'requests.storage': '0', 'gold.storageclass.storage.k8s.io/requests.storage': '0' }), { kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, spec: { storageClassName: 'gold', resources: { requests: { storage: '2Gi' } } } } as KubeObject, 'gold.storageclass.storage.k8s.io/requests.storage=2Gi requests.storage=2Gi'],
    ['ports of nodes', quota({ 'services.nodeports': '3' }, { 'services.nodeports': '0' }), { kind: 'Service', metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [{ port: 1 }, { port: 2 }] } } as KubeObject, 'services.nodeports=2'],
    [
      'devices, the most of any alternative',
      quota({ 'gpu.deviceclass.resource.k8s.io/devices': '40' }, { 'gpu.deviceclass.resource.k8s.io/devices': '0' }),
      { kind: 'ResourceClaim', metadata: { name: 'r' }, spec: { devices: { requests: [{ exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } }, { firstAvailable: [{ deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 3 }, { deviceClassName: 'gpu', allocationMode: 'All' }] }] } } } as KubeObject,
      'gpu.deviceclass.resource.k8s.io/devices=34',
    ],
  ]
  for (const [name, q, object, text] of cases) t.equal(outcome(q, about(object)), text, name)
  t.end()
})

t.test('updates are charged for what they add', (t) => {
  const q = quota({ pods: '1', cpu: '2' }, { pods: '1', cpu: '1' })
  const update = (now: KubeObject, before: KubeObject) => about(now, { operation: 'UPDATE', subresource: 'resize', oldObject: before })
  t.equal(outcome(q, update(pod(asking({ cpu: '1500m' })), pod(asking({ cpu: '1' })))), 'cpu=500m')
  t.equal(outcome(q, update(pod(asking({ cpu: '1' })), pod(asking({ cpu: '2' })))), '', 'less costs nothing')
  t.equal(outcome(q, update(pod(asking({ cpu: '2500m' })), pod(asking({ cpu: '1' })))), 'exceeded quota: q, requested: cpu=1500m, used: cpu=1, limited: cpu=2')
  const terminating = quota({ pods: '1' }, { pods: '1' }, { scopes: ['Terminating'] })
  t.match(outcome(terminating, about(pod({ activeDeadlineSeconds: 1 }), { operation: 'UPDATE', oldObject: pod() })), /^exceeded quota: q/, 'who comes into a scope counts whole')
  t.same([isCounted(about(pod(), { operation: 'UPDATE', oldObject: pod() })), isCounted(about(pod({ activeDeadlineSeconds: 1 }), { operation: 'UPDATE', oldObject: pod() })), isCounted(about(pod(), { subresource: 'status', operation: 'UPDATE', oldObject: pod() }))], [false, true, false])
  t.end()
})

t.test('charging and giving back', (t) => {
  const before = quota({ pods: '3', memory: '2Gi' }, { pods: '1', memory: '512Mi' })
  const after = charged(before, { pods: '1', memory: '1.5Gi' })
  t.same(after.status?.used, { pods: '2', memory: '2Gi' })
  t.same(refunded(after, { pods: '1', memory: '1.5Gi' }).status?.used, { pods: '1', memory: '512Mi' })
  t.same(refunded(before, { pods: '5' }).status?.used, { pods: '0', memory: '512Mi' }, 'never below nothing')
  t.end()
})

type Quotas = [name: string, hard: Quantities, used: Quantities][]

const withQuotas = (t: Test, ...quotas: Quotas) => withPlugins(t, [], quotas)

/** @param more what comes after the quotas in admission */
async function withPlugins(t: Test, more: readonly AdmissionPlugin[], quotas: Quotas): Promise<TestApi & { used(name: string): Promise<Quantities | undefined> }> {
  const api = await startApi(t, { plugins: [resourceQuota(), ...more] })
  for (const [name, hard, used] of quotas) {
    const made = await api.create({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name, namespace: 'ns' }, spec: { hard } })
    await api.client().updateStatus({ ...made, status: { hard, used } } as KubeObject)
  }
  return { ...api, used: async (name) => (await api.client().get<ResourceQuota>('v1/ResourceQuota', { namespace: 'ns', name })).status?.used }
}

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ns' } })

t.test('of many at once just as many as fit are made', async (t) => {
  const { create, used, client } = await withQuotas(t, ['narrow', { configmaps: '12' }, { configmaps: '2' }], ['wide', { 'count/configmaps': '100' }, { 'count/configmaps': '0' }])
  const results = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => create(configMap(`c${i}`))))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 10)
  const refusals = new Set(results.flatMap((r) => (r.status === 'rejected' ? [String((r.reason as Error).message).replace(/"c\d+"/, '"c"')] : [])))
  t.same([...refusals], ['configmaps "c" is forbidden: exceeded quota: narrow, requested: configmaps=1, used: configmaps=12, limited: configmaps=12'])
  t.equal((await client().list('v1/ConfigMap')).length, 10)
  t.same([await used('narrow'), await used('wide')], [{ configmaps: '12' }, { 'count/configmaps': '10' }])
})

t.test('a quota that somebody else changes meanwhile', async (t) => {
  const { create, used, client } = await withQuotas(t, ['q', { configmaps: '50' }, { configmaps: '0' }])
  const touch = async (i: number) => client().change<ResourceQuota>('v1/ResourceQuota', { namespace: 'ns', name: 'q' }, (q) => void (q.metadata.labels = { touched: String(i) }))
  await Promise.all(Array.from({ length: 20 }, (_, i) => Promise.all([create(configMap(`c${i}`)), ...(i < 3 ? [touch(i)] : [])])))
  t.same(await used('q'), { configmaps: '20' })
})

t.test('what is not made after all is given back', async (t) => {
  const { create, refused, used, clock } = await withQuotas(t, ['q', { configmaps: '3' }, { configmaps: '0' }])
  await create(configMap('a'))
  await t.rejects(create(configMap('a')), { message: 'configmaps "a" already exists' })
  await clock.step(0)
  t.same(await used('q'), { configmaps: '1' })
  t.same(await refused(configMap('b')), [], 'a dry run')
  t.same(await used('q'), { configmaps: '1' }, 'costs nothing')
})

t.test('an object that no quota counts, and a namespace without any', async (t) => {
  const { create } = await withQuotas(t, ['q', { configmaps: '0', 'count/secrets': '0' }, { configmaps: '0', 'count/secrets': '0' }])
  await t.resolves(create({ ...configMap('a'), metadata: { name: 'a', namespace: 'free' } }))
  await t.resolves(create({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'e', namespace: 'ns' } }))
  await t.rejects(create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'ns' } }), { message: 'secrets "s" is forbidden: exceeded quota: q, requested: count/secrets=1, used: count/secrets=0, limited: count/secrets=0' })
})


/** Holds what was charged for and is not written yet, one at a time. */
class Gate {
  #arrive = () => {}
  #reached = new Promise<void>((resolve) => (this.#arrive = resolve))
  /** Lets pass who waits, or refuses. */
  open: (error?: Error) => void = () => {}
  readonly plugin: AdmissionPlugin = {
    name: 'Gate',
    validate: async ({ kind, operation }) => {
      if (kind.plural !== 'configmaps' || operation !== 'CREATE') return
      await new Promise<void>((resolve, reject) => {
        this.open = (error) => (error ? reject(error) : resolve())
        this.#arrive()
      })
    },
  }

  async reached(): Promise<void> {
    await this.#reached
    this.#reached = new Promise((resolve) => (this.#arrive = resolve))
  }
}

t.test('a recount between the charge and the write', async (t) => {
  const gate = new Gate()
  const { api, create, used, client, informers, clock } = await withPlugins(t, [gate.plugin], [['q', { configmaps: '1' }, { configmaps: '0' }]])
  const kinds = () => [{ kind: 'v1/ConfigMap', plural: 'configmaps', namespaced: true }]
  // Only what the controller looks at.
  const ctx = { client: client(), informers, clock, kinds, enqueue() {}, isCharging: (namespace) => api.system.chargesInFlight.has(namespace) } as Partial<ControllerContext> as ControllerContext
  const quotaNow = () => client().get<ResourceQuota>('v1/ResourceQuota', { namespace: 'ns', name: 'q' })
  const recount = async (of?: ResourceQuota) => quotaController.reconcile(of ?? (await quotaNow()), ctx)
  const before = await quotaNow()

  const refused = create(configMap('a'))
  await gate.reached()
  t.same(await used('q'), { configmaps: '1' }, 'charged for')
  t.match(await recount(), { requeueAfterMs: Number }, 'is counted later')
  t.same(await used('q'), { configmaps: '1' }, 'and not taken off')
  await t.rejects(create(configMap('b')), { message: 'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1' })
  gate.open(new Error('no'))
  await t.rejects(refused, { message: 'no' })
  await clock.step(0)
  t.same(await used('q'), { configmaps: '0' }, 'given back once')
  t.notOk(api.system.chargesInFlight.has('ns'))

  const made = create(configMap('a'))
  await gate.reached()
  await recount()
  gate.open()
  await made
  t.notOk(api.system.chargesInFlight.has('ns'), 'what is stored is not on its way')
  await t.rejects(Promise.resolve(recount(before)), { code: 409 }, 'a count of what was before the charge')
  await recount()
  t.same(await used('q'), { configmaps: '1' })

  await client().delete('v1/ConfigMap', { namespace: 'ns', name: 'a' })
  await recount()
  t.same(await used('q'), { configmaps: '0' })
  await client().updateStatus({ ...(await quotaNow()), status: { hard: { configmaps: '1' }, used: { configmaps: '1' } } } as KubeObject)
  await recount()
  t.same(await used('q'), { configmaps: '0' }, 'what a crash left charged is taken off')
})
