import t from 'tap'
import { admissionPlugins, type AdmissionOptions } from '../../src/admission/plugins.ts'
import { FakeClock } from '../../src/clock.ts'
import { isStatusError } from '../../src/errors.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi, userNamed } from '../helpers/in-process-api.ts'

const pod = (spec: object = {}, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'ns', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })
const only = (name: string, options: AdmissionOptions = {}) => admissionPlugins({ enable: [name], ...options }).filter((p) => p.name === name)

t.test('AlwaysPullImages', async (t) => {
  const { create, refusedUpdate } = await startApi(t, { plugins: only('AlwaysPullImages') })
  const made = await create(pod({ containers: [{ name: 'c', image: 'i:1', imagePullPolicy: 'Never' }], initContainers: [{ name: 'i', image: 'i:1' }], volumes: [{ name: 'v', image: { reference: 'r:1' } }] }))
  t.match(made.spec, { containers: [{ imagePullPolicy: 'Always' }], initContainers: [{ imagePullPolicy: 'Always' }], volumes: [{ image: { pullPolicy: 'Always' } }] })
  t.same(await refusedUpdate(made, (p) => void (p.metadata.labels = { a: 'b' })), [])
})

t.test('ExtendedResourceToleration', async (t) => {
  const { create } = await startApi(t, { plugins: only('ExtendedResourceToleration') })
  const limits = { 'example.com/gpu': '1', cpu: '1', 'a.com/b': '2' }
  const made = await create(pod({ containers: [{ name: 'c', image: 'i', resources: { limits } }], tolerations: [{ key: 'a.com/b', operator: 'Exists', effect: 'NoSchedule' }] }))
  const tolerations = [{ key: 'a.com/b', operator: 'Exists', effect: 'NoSchedule' }, { key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]
  t.same((made.spec as { tolerations: unknown }).tolerations, tolerations)
})

t.test('LimitPodHardAntiAffinityTopology', async (t) => {
  const { refused } = await startApi(t, { plugins: only('LimitPodHardAntiAffinityTopology') })
  const apart = (topologyKey: string) => pod({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: {} }] } } })
  t.same(await refused(apart('kubernetes.io/hostname')), [])
  t.same(await refused(apart('zone')), ['pods "p" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key kubernetes.io/hostname is allowed'])
})

t.test('DenyServiceExternalIPs', async (t) => {
  const { create, refused, refusedUpdate } = await startApi(t, { plugins: only('DenyServiceExternalIPs') })
  const service = (externalIPs?: string[]) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'ns' }, spec: { ports: [{ port: 80 }], ...(externalIPs ? { externalIPs } : {}) } })
  const denied = ['services "s" is forbidden: Use of external IPs is denied by admission control']
  t.same(await refused(service(['1.2.3.4'])), denied)
  const made = await create(service())
  t.same(await refusedUpdate(made, (s) => void (s.spec = { ...(s.spec as object), externalIPs: ['1.2.3.4'] })), denied)
})

t.test('namespaces that are made or must be there', async (t) => {
  const exists = await startApi(t, { plugins: only('NamespaceExists') })
  t.same(await exists.refused(pod()), ['namespaces "ns" not found'])
  const provision = await startApi(t, { plugins: only('NamespaceAutoProvision') })
  await provision.create(pod())
  t.match(await provision.client().get('v1/Namespace', { name: 'ns' }), { metadata: { name: 'ns' } })
  t.same(await provision.refused(pod({}, { name: 'q', namespace: 'other' })), [])
  await t.rejects(provision.client().get('v1/Namespace', { name: 'other' }), { message: 'namespaces "other" not found' }, 'a dry run makes none')
})

t.test('PodNodeSelector', async (t) => {
  const config = { PodNodeSelector: { clusterDefaultNodeSelector: 'pool=shared', strict: 'pool=a,disk=ssd' } }
  const { create, refused } = await startApi(t, { plugins: only('PodNodeSelector', { config }) })
  const annotation = 'scheduler.alpha.kubernetes.io/node-selector'
  const namespace = (name: string, selector?: string) => create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, annotations: selector === undefined ? {} : { [annotation]: selector } } })
  await namespace('ns')
  await namespace('strict', 'pool=a')
  await namespace('broken', 'pool')
  t.match((await create(pod({ nodeSelector: { x: 'y' } }))).spec, { nodeSelector: { pool: 'shared', x: 'y' } })
  const within = (nodeSelector: object) => pod({ nodeSelector }, { namespace: 'strict' })
  t.same(await refused(within({ pool: 'b' })), ['pods "p" is forbidden: pod node label selector conflicts with its namespace node label selector'])
  t.same(await refused(within({ disk: 'hdd' })), ['pods "p" is forbidden: pod node label selector labels conflict with its namespace whitelist'])
  t.same(await refused(within({ disk: 'ssd' })), [])
  t.same(await refused(pod({}, { namespace: 'broken' })), ['invalid selector: [pool]'])
})

t.test('PodTolerationRestriction', async (t) => {
  const config = { PodTolerationRestriction: { default: [{ key: 'shared', operator: 'Exists' }], whitelist: [{ key: 'shared', operator: 'Exists' }] } }
  const { create, refused } = await startApi(t, { plugins: only('PodTolerationRestriction', { config }) })
  const prefix = 'scheduler.alpha.kubernetes.io/'
  const own = JSON.stringify([{ key: 'own', operator: 'Equal', value: 'v' }])
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } })
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'own', annotations: { [`${prefix}defaultTolerations`]: own, [`${prefix}tolerationsWhitelist`]: own } } })
  t.same(((await create(pod())).spec as { tolerations: unknown }).tolerations, [{ key: 'shared', operator: 'Exists' }])
  const conflict = (scope: string) => [`pod tolerations (possibly merged with namespace default tolerations) conflict with its ${scope} whitelist`]
  t.same(await refused(pod({ tolerations: [{ key: 'x', operator: 'Exists' }] })), conflict('cluster'))
  t.match((await create(pod({}, { namespace: 'own' }))).spec, { tolerations: [{ key: 'own', value: 'v' }] })
  t.same(await refused(pod({ tolerations: [{ key: 'shared', operator: 'Exists' }] }, { namespace: 'own', name: 'q' })), conflict('namespace'))
  const burstable = { containers: [{ name: 'c', image: 'i', resources: { requests: { memory: '1Mi' } } }] }
  t.same(await refused(pod(burstable, { name: 'r' })), conflict('cluster'), 'pods that ask for memory tolerate that it is short')
})

t.test('EventRateLimit', async (t) => {
  const config = { EventRateLimit: { limits: [{ type: 'Namespace' as const, qps: 1, burst: 2, cacheSize: 2 }] } }
  const { client, clock } = await startApi(t, { plugins: only('EventRateLimit', { config }) })
  let count = 0
  const event = (namespace: string) => {
    const object = { apiVersion: 'v1', kind: 'Event', metadata: { name: `e${++count}`, namespace }, involvedObject: { kind: 'Pod', name: 'p', namespace }, reason: 'R', type: 'Normal' }
    return client().create(object as KubeObject).then(() => '', (error: unknown) => (isStatusError(error) ? `${error.code} ${error.message}` : String(error)))
  }
  const limited = '429 Too many requests: limit reached on type Namespace for key a'
  t.same([await event('a'), await event('a'), await event('a'), await event('b')], ['', '', limited, ''])
  await clock.step(1000)
  t.same([await event('a'), await event('a')], ['', limited])
  t.ok(clock instanceof FakeClock)
})

t.test('OwnerReferencesPermissionEnforcement', async (t) => {
  const { create, refused, client } = await startApi(t, { plugins: only('OwnerReferencesPermissionEnforcement') })
  const jane = userNamed('jane')
  const owner = (more: object = {}) => ({ ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: 'u', ...more }] })
  t.same(await refused(pod({}, owner()), jane), [], 'who creates may name an owner')
  const denied = await refused(pod({}, owner({ blockOwnerDeletion: true })), jane)
  t.match(denied[0], /^pods "p" is forbidden: cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: .*, <nil>$/)
  t.match((await refused(pod({}, owner({ kind: 'Nothing', blockOwnerDeletion: true })), jane))[0], /cannot find RESTMapping for APIVersion apps\/v1 Kind Nothing: no matches for kind "Nothing" in version "apps\/v1"$/)
  t.same(await refused(pod({}, owner({ blockOwnerDeletion: true }))), [], 'an administrator may')
  const made = await create(pod())
  const update = client(jane).update({ ...made, metadata: { ...made.metadata, ...owner() } } as KubeObject)
  await t.rejects(update, { message: /^pods "p" is forbidden: cannot set an ownerRef on a resource you can't delete: / })
})

t.test('AlwaysDeny', async (t) => {
  const { refused } = await startApi(t, { plugins: only('AlwaysDeny') })
  t.same(await refused(pod()), ['pods "p" is forbidden: admission control is denying all modifications'])
})
