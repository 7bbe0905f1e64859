/** Kinds made at run time by definitions in the store. */
import t, { type Test } from 'tap'
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../schemas/types.ts'
import { CustomResources } from '../../src/registry/custom-resources.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { definition, specOf, version } from '../helpers/definitions.ts'
import { startApi, type TestApi } from '../helpers/in-process-api.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const V1 = 'example.com/v1/Widget'
const V2 = 'example.com/v2/Widget'
const SIZE = specOf({ size: { type: 'integer', default: 3 } })

type Custom = KubeObject & { spec?: Record<string, unknown>; status?: Record<string, unknown>; [member: string]: unknown }

async function start(t: Test) {
  const test = await startApi(t)
  const { scheme, store } = test.api
  const resources = new CustomResources({ scheme, store })
  t.teardown(() => resources.close())
  return { ...test, scheme, store }
}

/** As the controllers do: the names are accepted and it is established. */
async function establish(test: TestApi, crd: CustomResourceDefinition, ...others: string[]): Promise<CustomResourceDefinition> {
  const created = (await test.client().create(crd)) as CustomResourceDefinition
  return setStatus(test, created, 'Established', ...others)
}

async function setStatus(test: TestApi, { metadata, spec }: CustomResourceDefinition, ...conditions: string[]): Promise<CustomResourceDefinition> {
  return test.client().change<CustomResourceDefinition>(
    CRD,
    { name: metadata.name ?? '' },
    (copy) => {
      copy.status = { ...copy.status, acceptedNames: spec.names, conditions: conditions.map((type) => ({ type, status: 'True', reason: 'r', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' })) }
    },
    { subresource: 'status' },
  )
}

const setVersions = (test: TestApi, name: string, versions: CustomResourceDefinitionVersion[]) => test.client().change<CustomResourceDefinition>(CRD, { name }, (copy) => void (copy.spec.versions = versions))
const widget = (name: string, spec: object, apiVersion = 'example.com/v1'): Custom => ({ apiVersion, kind: 'Widget', metadata: { name, namespace: 'default' }, spec: { ...spec } })
const get = (test: TestApi, kind: string, name: string) => test.client().get<Custom>(kind, { namespace: 'default', name })

t.test('a scale is written whatever the version, unless one is named', async (t) => {
  const test = await start(t)
  const subresources = { scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } }
  await establish(test, definition('Widget', [version('v1', SIZE, { subresources })]))
  await test.client().create(widget('a', { size: 2 }))
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'default' }, spec: { replicas: 5 } }
  await test.client().updateScale(V1, scale)
  t.match(await get(test, V1, 'a'), { spec: { size: 5 }, metadata: { generation: 2 } })
  await t.rejects(test.client().updateScale(V1, { ...scale, metadata: { ...scale.metadata, resourceVersion: '1' } }), /the object has been modified/)
})

t.test('served as long as it is established', async (t) => {
  const test = await start(t)
  const { scheme } = test
  const crd = (await test.client().create(definition('Widget', [version('v1', SIZE)]))) as CustomResourceDefinition
  t.equal(scheme.byRef(V1), undefined, 'not yet established')
  await setStatus(test, crd, 'Established')
  const kind = scheme.byResource('example.com', 'v1', 'widgets')
  t.match(kind, { kind: 'Widget', plural: 'widgets', namespaced: true })
  await setStatus(test, crd, 'Established', 'Other')
  t.equal(scheme.byRef(V1), kind, 'what does not concern it leaves the kind alone')
  t.match(await test.client().create(widget('a', {})), { spec: { size: 3 }, metadata: { uid: /./, generation: 1 } })
  await setStatus(test, crd)
  t.equal(scheme.byRef(V1), undefined)
  await setStatus(test, crd, 'Established')
  t.match(await get(test, V1, 'a'), { spec: { size: 3 } }, 'objects stay')
})

t.test('definitions that were there before', async (t) => {
  const test = await startApi(t)
  await establish(test, definition('Widget', [version('v1', SIZE)]))
  const resources = new CustomResources({ scheme: test.api.scheme, store: test.api.store })
  t.ok(test.api.scheme.byRef(V1))
  resources.close()
})

t.test('accepted names are the ones that are served', async (t) => {
  const test = await start(t)
  const crd = await establish(test, definition('Widget', [version('v1', SIZE)], { names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd'], categories: ['all'] } }))
  t.match(test.scheme.byRef(V1), { definition: { shortNames: ['wd'], categories: ['all'] } })
  await test.client().change<CustomResourceDefinition>(CRD, { name: 'widgets.example.com' }, (copy) => void (copy.spec.names = { ...crd.spec.names, shortNames: ['w'] }))
  t.match(test.scheme.byRef(V1), { definition: { shortNames: ['wd'] } }, 'until they are accepted')
})

t.test('what the server serves itself stays its own', async (t) => {
  const test = await start(t)
  const lease = test.scheme.byRef('coordination.k8s.io/v1/Lease')
  const crd = definition('Lease', [version('v1', SIZE), version('v9', SIZE)], { group: 'coordination.k8s.io' })
  crd.metadata.annotations = { 'api-approved.kubernetes.io': 'https://example.com' }
  await establish(test, crd)
  t.equal(test.scheme.byRef('coordination.k8s.io/v1/Lease'), lease)
  t.match(test.scheme.byRef('coordination.k8s.io/v9/Lease'), { definition: { encodedVersion: 'v1' } }, 'other versions are added')
})

t.test('several versions of the same objects', async (t) => {
  const test = await start(t)
  const only1 = version('v1', specOf({ size: { type: 'integer' }, old: { type: 'string' } }))
  const only2 = version('v2', specOf({ size: { type: 'integer' }, fresh: { type: 'string', default: 'new' } }))
  await establish(test, definition('Widget', [only1, only2]))
  const { metadata } = (await test.client().create(widget('a', { size: 1, old: 'o' }))) as Custom
  t.match(await get(test, V2, 'a'), { apiVersion: 'example.com/v2', spec: { size: 1, old: undefined, fresh: undefined }, metadata: { uid: metadata.uid ?? '', resourceVersion: metadata.resourceVersion ?? '' } }, 'defaults are those of the version it is stored in')
  t.match(await test.client().create(widget('b', { size: 2 }, 'example.com/v2')), { apiVersion: 'example.com/v2', spec: { size: 2, fresh: undefined } })
  t.match(await test.client().list<Custom>(V1), [{ apiVersion: 'example.com/v1' }, { apiVersion: 'example.com/v1', spec: { size: 2 } }])

  await setVersions(test, 'widgets.example.com', [{ ...only1, storage: false }, { ...only2, storage: true }])
  t.match(await get(test, V1, 'a'), { spec: { old: 'o' } }, 'it is stored as it was')
  await test.client().change<Custom>(V2, { namespace: 'default', name: 'a' }, (copy) => void (copy.spec = { ...copy.spec, size: 5 }))
  t.same((await get(test, V1, 'a')).spec, { size: 5 }, 'written again, it is what the new version knows')
  t.same((await get(test, V2, 'a')).spec, { fresh: 'new', size: 5 })
})

t.test('a version does not default what was stored in another', async (t) => {
  const test = await start(t)
  await establish(test, definition('Widget', [version('v1', specOf({ size: { type: 'integer' } })), version('v2', SIZE)]))
  await test.client().create({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a', namespace: 'default' }, spec: {} } as Custom)
  const kind = test.scheme.require(V2)
  const stored = test.store.list(kind.prefix).entries[0]?.value
  const view = stored && kind.definition.stored?.read(stored)
  t.same((view as Custom | undefined)?.spec, {})
  t.equal(view && kind.definition.stored?.read(view), view, 'nor when it is looked at twice')
  t.throws(() => kind.definition.stored?.prepareRead?.([{ apiVersion: 'example.com/v0', kind: 'Widget', metadata: {} }]), { message: 'request to convert CR from an invalid group/version: example.com/v0' })
})

t.test('another schema shows what is stored anew', async (t) => {
  const test = await start(t)
  await establish(test, definition('Widget', [version('v1', specOf({ size: { type: 'integer' }, gone: { type: 'string' } }))]))
  const before = (await test.client().create(widget('a', { size: 1, gone: 'g' }))) as Custom
  await setVersions(test, 'widgets.example.com', [version('v1', specOf({ size: { type: 'integer' }, come: { type: 'string', default: 'c' } }), { storage: true })])
  const after = await get(test, V1, 'a')
  t.same(after.spec, { come: 'c', size: 1 })
  t.equal(after.metadata.resourceVersion, before.metadata.resourceVersion)
  await setVersions(test, 'widgets.example.com', [version('v1', specOf({ size: { type: 'integer', maximum: 0 }, mode: { enum: ['x'], type: 'string' } }), { storage: true })])
  await test.client().change<Custom>(V1, { namespace: 'default', name: 'a' }, (copy) => void (copy.metadata.labels = { a: 'b' }))
  t.same(await test.refusedUpdate(await get(test, V1, 'a'), (copy) => void (copy['spec'] = { size: 2 })), ['spec.size: Invalid value: 2: spec.size in body should be less than or equal to 0'], 'what is not changed is let be')
})

t.test('while it is being deleted', async (t) => {
  const test = await start(t)
  const crd = await establish(test, definition('Widget', [version('v1', SIZE)]))
  await test.client().create(widget('a', {}))
  await setStatus(test, crd, 'Established', 'Terminating')
  await t.rejects(test.client().create(widget('b', {})), { message: /widgets.example.com "b" is forbidden: create not allowed while custom resource definition is terminating/ })
  await test.client().change<Custom>(V1, { namespace: 'default', name: 'a' }, (copy) => void (copy.spec = { size: 9 }))
  await test.client().delete(V1, { namespace: 'default', name: 'a' })
  t.same(await test.client().list(V1), [])
})

t.test('a definition of the same name takes its place', async (t) => {
  const test = await start(t)
  await establish(test, definition('Widget', [version('v1', SIZE), version('v2', SIZE)]))
  const first = test.scheme.byRef(V1)
  await test.client().delete(CRD, { name: 'widgets.example.com' })
  t.equal(test.scheme.byRef(V1)?.definition.plural, 'widgets', 'the finalizer holds it')
  await test.client().change<CustomResourceDefinition>(CRD, { name: 'widgets.example.com' }, (copy) => void (copy.metadata.finalizers = []))
  t.equal(test.scheme.byRef(V1), undefined)
  t.equal(test.scheme.byRef(V2), undefined)
  await establish(test, definition('Widget', [version('v1', SIZE)], { scope: 'Cluster' }))
  t.not(test.scheme.byRef(V1), first)
  t.match(test.scheme.byRef(V1), { namespaced: false })
})
