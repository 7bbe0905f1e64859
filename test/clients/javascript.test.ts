/** The JavaScript client, @kubernetes/client-node, unchanged: typed and untyped calls, pages, patches, apply, custom resources, watch, informer, refusals. */
import {
  ApiException, ApiextensionsV1Api, AppsV1Api, CoreV1Api, CustomObjectsApi, KubeConfig, KubernetesObjectApi, makeInformer, PatchStrategy, setHeaderOptions, type V1ConfigMap, type V1Pod, Watch,
} from '@kubernetes/client-node'
import t, { type Test } from 'tap'
import { eventually, startTestCluster } from '../helpers/cluster.ts'

const target = await startTestCluster(t, { nodes: 1 })
const config = new KubeConfig()
config.loadFromFile(target.kubeconfig)
const core = config.makeApiClient(CoreV1Api)
const apps = config.makeApiClient(AppsV1Api)
const namespace = 'default'

function configMap(name: string, data: Record<string, string>): V1ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: { suite: 'javascript' } }, data }
}

/** The refusal that `request` must end in. */
async function refusal(request: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> {
  try {
    await request
  } catch (error) {
    if (!(error instanceof ApiException)) throw error
    const { reason, message } = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as { reason: string; message: string }
    return { code: error.code, reason, message }
  }
  throw new Error('the request was not refused')
}

t.test('typed calls', async (t) => {
  const created = await core.createNamespacedConfigMap({ namespace, body: configMap('typed', { a: '1' }) })
  t.ok(created.metadata?.creationTimestamp instanceof Date)
  const replaced = await core.replaceNamespacedConfigMap({ name: 'typed', namespace, body: { ...created, data: { a: '2' } } })
  t.not(replaced.metadata?.resourceVersion, created.metadata?.resourceVersion)
  const stale = await refusal(core.replaceNamespacedConfigMap({ name: 'typed', namespace, body: { ...created, data: { a: '3' } } }))
  t.match(stale, { code: 409, reason: 'Conflict' })
  const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: 'suite=javascript' })
  t.same(items.map((c) => c.data), [{ a: '2' }])
  await core.deleteNamespacedConfigMap({ name: 'typed', namespace })
  t.match(await refusal(core.readNamespacedConfigMap({ name: 'typed', namespace })), { code: 404, reason: 'NotFound', message: 'configmaps "typed" not found' })
  const invalid = await refusal(core.createNamespacedConfigMap({ namespace, body: configMap('Not Valid', {}) }))
  t.match(invalid, { code: 422, reason: 'Invalid' })
})

t.test('pages, dry runs and collections', async (t) => {
  for (const name of ['page-a', 'page-b', 'page-c']) await core.createNamespacedConfigMap({ namespace, body: { ...configMap(name, {}), metadata: { name, labels: { paged: '' } } } })
  const selected = { namespace, labelSelector: 'paged', limit: 2 }
  const first = await core.listNamespacedConfigMap(selected)
  t.equal(first.metadata?.remainingItemCount, undefined, 'what is left is not counted under a selector')
  const rest = await core.listNamespacedConfigMap({ ...selected, _continue: first.metadata?._continue })
  t.same([...first.items, ...rest.items].map((c) => c.metadata?.name), ['page-a', 'page-b', 'page-c'])
  await core.createNamespacedConfigMap({ namespace, body: configMap('rehearsed', {}), dryRun: 'All' })
  t.match(await refusal(core.readNamespacedConfigMap({ name: 'rehearsed', namespace })), { code: 404 })
  t.match(await refusal(core.createNamespacedConfigMap({ namespace, body: configMap('rehearsed', {}), dryRun: 'Some' })), { code: 422, message: /dryRun: Unsupported value: \["Some"\]: supported values: "All"/ })
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'paged' })
  t.same((await core.listNamespacedConfigMap(selected)).items, [])
})

t.test('custom resources', async (t) => {
  const group = 'javascript.example.com'
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer', maximum: 3, _default: 1 } } } } } }
  const names = { plural: 'boxes', singular: 'box', kind: 'Box', listKind: 'BoxList' }
  const definitions = config.makeApiClient(ApiextensionsV1Api)
  const body = { metadata: { name: `boxes.${group}` }, spec: { group, scope: 'Namespaced', names, versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema }] } }
  await definitions.createCustomResourceDefinition({ body })
  await eventually(async () => (await definitions.readCustomResourceDefinition({ name: body.metadata.name })).status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') === true)
  const custom = config.makeApiClient(CustomObjectsApi)
  const boxes = { group, version: 'v1', namespace, plural: 'boxes' }
  const box = (size?: number) => ({ apiVersion: `${group}/v1`, kind: 'Box', metadata: { name: 'box' }, spec: size === undefined ? {} : { size } })
  t.match(await eventually(() => custom.createNamespacedCustomObject({ ...boxes, body: box() })), { spec: { size: 1 }, metadata: { generation: 1 } })
  const larger = { ...boxes, name: 'box', body: { spec: { size: 4 } } }
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
  t.match(await refusal(custom.patchNamespacedCustomObject(larger, merge)), { code: 422, message: `Box.${group} "box" is invalid: spec.size: Invalid value: 4: spec.size in body should be less than or equal to 3` })
  t.match(await custom.patchNamespacedCustomObjectStatus({ ...boxes, name: 'box', body: { status: { full: true }, spec: { size: 2 } } }, merge), { spec: { size: 1 }, metadata: { generation: 1 } })
  t.match(await custom.listNamespacedCustomObject(boxes), { kind: 'BoxList', items: [{ metadata: { name: 'box' } }] })
  await definitions.deleteCustomResourceDefinition({ name: body.metadata.name })
  await eventually(() => custom.listNamespacedCustomObject(boxes).then(() => false, (error: unknown) => error instanceof ApiException && error.code === 404))
})

t.test('patches', async (t) => {
  await core.createNamespacedConfigMap({ namespace, body: configMap('patched', { a: '1', b: '1' }) })
  const patch = async (body: unknown, strategy: PatchStrategy) => {
    const { data } = await core.patchNamespacedConfigMap({ name: 'patched', namespace, body }, setHeaderOptions('Content-Type', strategy))
    return data
  }
  t.same(await patch([{ op: 'replace', path: '/data/a', value: '2' }], PatchStrategy.JsonPatch), { a: '2', b: '1' })
  t.same(await patch({ data: { b: null } }, PatchStrategy.MergePatch), { a: '2' })
  t.same(await patch({ data: { c: '3' } }, PatchStrategy.StrategicMergePatch), { a: '2', c: '3' })
})

t.test('objects of any kind, and apply', async (t) => {
  const objects = KubernetesObjectApi.makeApiClient(config)
  const labels = { app: 'js' }
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'js', namespace },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] } } },
  }
  const apply = (manager: string, replicas: number, force = false) =>
    objects.patch({ ...deployment, spec: { ...deployment.spec, replicas } }, undefined, undefined, manager, force, PatchStrategy.ServerSideApply)
  await apply('one', 2)
  t.match(await refusal(apply('two', 1)), { code: 409, reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "one": .spec.replicas' })
  await apply('two', 1, true)
  const { spec, metadata } = await apps.readNamespacedDeployment({ name: 'js', namespace })
  t.equal(spec?.replicas, 1)
  t.match(metadata?.managedFields, [{ manager: 'one', operation: 'Apply' }, { manager: 'two', operation: 'Apply' }])
  await eventually(async () => (await apps.readNamespacedDeployment({ name: 'js', namespace })).status?.readyReplicas === 1)

  const scale = await apps.readNamespacedDeploymentScale({ name: 'js', namespace })
  await apps.replaceNamespacedDeploymentScale({ name: 'js', namespace, body: { ...scale, spec: { replicas: 2 } } })
  await eventually(async () => (await core.listNamespacedPod({ namespace, labelSelector: 'app=js' })).items.length === 2)
  t.equal((await objects.list('apps/v1', 'Deployment', namespace)).items.length, 1)
  await objects.delete(deployment)
  await eventually(async () => (await core.listNamespacedPod({ namespace, labelSelector: 'app=js' })).items.length === 0)
})

t.test('watch', async (t) => {
  const seen: string[] = []
  let hasEnded = false
  const { metadata } = await core.listNamespacedConfigMap({ namespace })
  const query = { labelSelector: 'suite=javascript', resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true }
  const controller = await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    query,
    (phase: string, object: V1ConfigMap) => void (phase === 'BOOKMARK' || seen.push(`${phase} ${object.metadata?.name}`)),
    () => void (hasEnded = true),
  )
  await core.createNamespacedConfigMap({ namespace, body: configMap('watched', {}) })
  await core.replaceNamespacedConfigMap({ name: 'watched', namespace, body: configMap('watched', { a: '1' }) })
  await core.deleteNamespacedConfigMap({ name: 'watched', namespace })
  await eventually(() => seen.length >= 3)
  t.same(seen, ['ADDED watched', 'MODIFIED watched', 'DELETED watched'])
  controller.abort()
  await eventually(() => hasEnded)
})

/** Tells what an informer calls back, as `verb name`. */
function record(informer: ReturnType<typeof podInformer>): string[] {
  const seen: string[] = []
  for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, (pod: V1Pod) => void seen.push(`${verb} ${pod.metadata?.name} ${pod.status?.phase}`))
  return seen
}

function podInformer() {
  return makeInformer<V1Pod>(config, `/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod({ namespace }))
}

t.test('informer', async (t: Test) => {
  const pod = (name: string): V1Pod => ({ metadata: { name, namespace }, spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] } })
  await core.createNamespacedPod({ namespace, body: pod('before') })
  await eventually(async () => (await core.readNamespacedPod({ name: 'before', namespace })).status?.phase === 'Running')
  const informer = podInformer()
  const seen = record(informer)
  await informer.start()
  t.same(seen, ['add before Running'])
  await core.createNamespacedPod({ namespace, body: pod('after') })
  await eventually(() => seen.includes('add after Pending') && seen.includes('update after Running'))
  t.equal(informer.get('after', namespace)?.status?.phase, 'Running')
  await core.deleteNamespacedPod({ name: 'before', namespace, gracePeriodSeconds: 0 })
  await eventually(() => seen.some((call) => call.startsWith('delete before')))
  t.same(informer.list(namespace).map((p) => p.metadata?.name), ['after'])
  await informer.stop()
})
