/** Ways to go: finalizers, preconditions, propagation, grace. */
import t from 'tap'
import { eventually } from '../helpers/cluster.ts'
import { CONFIG_MAPS, configMap, startApiCluster, type ApiTester, type Body } from '../helpers/http.ts'

const SECRETS = '/api/v1/namespaces/default/secrets'
const PODS = '/api/v1/namespaces/default/pods'
const ROLES = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles'
const REPLICA_SETS = '/apis/apps/v1/namespaces/default/replicasets'
const secret = (name: string, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata } })
const pod = (name: string, spec: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'registry.example/app:1' }], schedulerName: 'nobody', ...spec } })
const HELD = { finalizers: ['example.com/hold'] }

async function withServiceAccount(api: ApiTester): Promise<void> {
  await eventually(async () => (await api.get('/api/v1/namespaces/default/serviceaccounts/default')).status === 200)
}

async function makeBoundPod(api: ApiTester, name: string, spec: object = {}): Promise<Body> {
  await api.make(PODS, pod(name, spec))
  await api.make(`${PODS}/${name}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'ghost' } })
  return (await api.get(`${PODS}/${name}`)).body
}

t.test('finalizers hold an object until the last is gone', async (t) => {
  const api = await startApiCluster(t)
  const created = await api.make(SECRETS, secret('held', { finalizers: ['example.com/a', 'example.com/b'] }))
  const item = `${SECRETS}/held`
  const deleted = await api.delete(item)
  t.match(deleted, { status: 200, body: { kind: 'Secret', metadata: { deletionTimestamp: /Z$/, deletionGracePeriodSeconds: 0, finalizers: ['example.com/a', 'example.com/b'] } } }, 'answers the object that stays')
  t.not(deleted.body.metadata.resourceVersion, created.metadata.resourceVersion)
  t.equal((await api.delete(item)).body.metadata.resourceVersion, deleted.body.metadata.resourceVersion, 'deleting again changes nothing')
  t.match(await api.post(SECRETS, secret('held')), { status: 409, body: { reason: 'AlreadyExists', message: 'object is being deleted: secrets "held" already exists' } })
  t.match(await api.patch(item, { metadata: { finalizers: ['example.com/a', 'example.com/c'] } }), { status: 422, body: { message: /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"example.com\/c"\}/ } })
  t.match(await api.patch(item, { metadata: { deletionTimestamp: null } }), { status: 200, body: { metadata: { deletionTimestamp: /Z$/ } } }, 'there is no way back')
  t.match(await api.patch(item, { metadata: { finalizers: ['example.com/b'] } }), { status: 200 })
  t.match(await api.patch(item, { metadata: { finalizers: null } }), { status: 200, body: { kind: 'Secret', metadata: { name: 'held' } } })
  t.equal((await api.get(item)).status, 404)
})

t.test('the generation of what is being deleted', async (t) => {
  const api = await startApiCluster(t)
  const set = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'r', ...HELD }, spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } }
  t.equal((await api.make(REPLICA_SETS, set)).metadata.generation, 1)
  const item = `${REPLICA_SETS}/r`
  t.equal((await api.patch(item, { metadata: { labels: { x: 'y' } } })).body.metadata.generation, 1, 'metadata does not count')
  t.equal((await api.patch(item, { spec: { minReadySeconds: 1 } })).body.metadata.generation, 2)
  t.equal((await api.patch(`${item}/status`, { status: { replicas: 0, observedGeneration: 2 } })).body.metadata.generation, 2)
  t.equal((await api.patch(item, { metadata: { generation: 9 } })).body.metadata.generation, 2, 'nobody sets it')
  t.equal((await api.delete(item)).body.metadata.generation, 3)
})

t.test('preconditions', async (t) => {
  const api = await startApiCluster(t)
  const { metadata } = await api.make(SECRETS, secret('a'))
  const item = `${SECRETS}/a`
  t.match(await api.delete(item, { preconditions: { uid: 'other' } }), { status: 409, body: { reason: 'Conflict' } })
  t.match(await api.delete(item, { preconditions: { uid: metadata.uid, resourceVersion: '1' } }), { status: 409 })
  t.match(await api.delete(item, { preconditions: { uid: metadata.uid, resourceVersion: metadata.resourceVersion } }), { status: 200 })
})

t.test('what becomes of dependents', async (t) => {
  const api = await startApiCluster(t)
  const policies: [string, object | undefined, string[] | undefined][] = [
    ['?propagationPolicy=Orphan', undefined, ['orphan']],
    ['?propagationPolicy=Foreground', undefined, ['foregroundDeletion']],
    ['?orphanDependents=true', undefined, ['orphan']],
    ['', { propagationPolicy: 'Foreground' }, ['foregroundDeletion']],
    ['?propagationPolicy=Foreground', { propagationPolicy: 'Background' }, undefined],
    ['?propagationPolicy=Background', undefined, undefined],
    ['', undefined, undefined],
  ]
  let n = 0
  for (const [query, body, finalizers] of policies) {
    const name = `p-${n++}`
    await api.make(ROLES, { metadata: { name, ...HELD } })
    const deleted = await api.delete(`${ROLES}/${name}${query}`, body)
    t.same(deleted.body.metadata.finalizers, ['example.com/hold', ...(finalizers ?? [])], `${query} ${JSON.stringify(body ?? '')}`)
  }
  await api.make(ROLES, { metadata: { name: 'accepted', ...HELD } })
  t.equal((await api.delete(`${ROLES}/accepted?orphanDependents=false`)).status, 202, 'an old client is told that it is under way')
  await api.make(ROLES, { metadata: { name: 'o' } })
  t.match(await api.delete(`${ROLES}/o?propagationPolicy=Orphan`), { status: 200, body: { kind: 'Role', metadata: { finalizers: ['orphan'] } } })
  await eventually(async () => (await api.get(`${ROLES}/o`)).status === 404)
})

t.test('grace', async (t) => {
  const api = await startApiCluster(t)
  await withServiceAccount(api)
  await api.make(PODS, pod('nowhere'))
  const watch = await api.watch(`${PODS}?watch=true&resourceVersion=${(await api.get(PODS)).body.metadata.resourceVersion}&fieldSelector=metadata.name%3Dnowhere`)
  const gone = await api.delete(`${PODS}/nowhere`)
  t.match(gone, { status: 200, body: { kind: 'Pod', metadata: { deletionGracePeriodSeconds: 0, deletionTimestamp: /Z$/, generation: 2 } } }, 'what runs nowhere goes at once')
  t.match(await watch.take(2), [{ type: 'MODIFIED', object: { metadata: { deletionTimestamp: /Z$/ } } }, { type: 'DELETED' }], 'in two steps that are seen')
  t.equal((await api.get(`${PODS}/nowhere`)).status, 404)
  watch.close()

  t.equal((await makeBoundPod(api, 'bound')).metadata.generation, 1, 'being bound is no change of what is wanted')
  const item = `${PODS}/bound`
  const marked = await api.delete(item)
  t.match(marked.body.metadata, { deletionGracePeriodSeconds: 30, generation: 2 })
  t.match((await api.delete(`${item}?gracePeriodSeconds=60`)).body.metadata, { deletionGracePeriodSeconds: 30, resourceVersion: marked.body.metadata.resourceVersion }, 'grace is not prolonged')
  t.match((await api.delete(`${item}?gracePeriodSeconds=5`)).body.metadata, { deletionGracePeriodSeconds: 5, generation: 2 })
  t.match((await api.delete(`${item}?gracePeriodSeconds=0&dryRun=All`)).body.metadata, { deletionGracePeriodSeconds: 0 })
  t.equal((await api.get(item)).status, 200)
  t.match((await api.delete(item, { gracePeriodSeconds: 0 })).body.metadata, { deletionGracePeriodSeconds: 0 })
  t.equal((await api.get(item)).status, 404)

  await makeBoundPod(api, 'own', { terminationGracePeriodSeconds: 7 })
  t.match((await api.delete(`${PODS}/own?dryRun=All`)).body.metadata, { deletionGracePeriodSeconds: 7 })
  t.match((await api.delete(`${PODS}/own`)).body.metadata, { deletionGracePeriodSeconds: 7 })
})

t.test('of a collection one after the other is admitted, without a name; the first refusal ends it', async (t) => {
  const api = await startApiCluster(t)
  const AR = '/apis/admissionregistration.k8s.io/v1'
  const expression = "oldObject.metadata.name != 'b'"
  await api.make(`${AR}/validatingadmissionpolicies`, {
    metadata: { name: 'keep' },
    spec: { matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['configmaps'] }] }, validations: [{ expression, messageExpression: "'name ' + (has(request.name) ? request.name : 'none') + ', object ' + string(object == null) + ', options ' + request.options.kind + ' ' + request.options.apiVersion" }] },
  })
  await api.make(`${AR}/validatingadmissionpolicybindings`, { metadata: { name: 'keep' }, spec: { policyName: 'keep', validationActions: ['Deny'] } })
  for (const name of ['a', 'b', 'c']) await api.make(CONFIG_MAPS, configMap(name, { metadata: { name, labels: { mine: 'yes' } } }))
  const answer = await api.delete(`${CONFIG_MAPS}?labelSelector=mine`, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' })
  t.match(answer, { status: 422, body: { message: `configmaps "Unknown" is forbidden: ValidatingAdmissionPolicy 'keep' with binding 'keep' denied request: name none, object true, options DeleteOptions meta.k8s.io/v1` } })
  const left = await api.get(`${CONFIG_MAPS}?labelSelector=mine`)
  t.same(left.body.items?.map(({ metadata }) => metadata.name), ['b', 'c'])
  t.match(await api.delete(`${CONFIG_MAPS}/b`), { body: { message: /^configmaps "b" is forbidden: .*name b, / } })
})
