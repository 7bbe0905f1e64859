/** What acts inside the process is held to its roles like everybody. */
import t from 'tap'
import { ApiClient } from '../../src/client/api-client.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi, userNamed } from '../helpers/in-process-api.ts'

const USER = userNamed('system:serviceaccount:kube-system:deployment-controller', 'system:serviceaccounts')
const RBAC = 'rbac.authorization.k8s.io'

t.test('a client with an authorizer does what its user may, and no more', async (t) => {
  const api = await startApi(t)
  const client = new ApiClient(api.api, USER, { name: 'test', authorizer: api.authorizer })
  const pod = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name: 'a' } }
  const refusal = (what: string) => new RegExp(`^configmaps( "a")? is forbidden: User "${USER.name}" cannot ${what}`)
  await api.create(pod)
  const ref = { namespace: 'ns', name: 'a' }
  await t.rejects(client.create({ ...pod, metadata: { namespace: 'ns', name: 'b' } }), { code: 403, message: refusal('create resource "configmaps" in API group "" in the namespace "ns"') })
  await t.rejects(client.get('v1/ConfigMap', ref), { code: 403, message: refusal('get') })
  await t.rejects(client.list('v1/ConfigMap'), { code: 403, message: refusal('list resource "configmaps" in API group "" at the cluster scope') })
  await t.rejects(client.patch('v1/ConfigMap', ref, { data: { k: 'v' } }), { code: 403, message: refusal('patch') })
  await t.rejects(client.change('v1/ConfigMap', ref, () => {}), { code: 403, message: refusal('update') })
  await t.rejects(client.delete('v1/ConfigMap', ref), { code: 403, message: refusal('delete') })
  await t.rejects(client.getScale('apps/v1/Deployment', ref), { code: 403, message: /cannot get resource "deployments\/scale"/ })

  const rules = [{ verbs: ['create', 'delete'], apiGroups: [''], resources: ['configmaps'] }, { verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'] }]
  const role = await api.create({ apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: 'r' }, rules })
  await api.create({ apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'b' }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', apiGroup: RBAC, name: USER.name }] })
  await client.create({ ...pod, metadata: { namespace: 'ns', name: 'b' } })
  t.equal((await client.get('v1/ConfigMap', ref)).metadata.name, 'a', 'the name is allowed')
  await t.rejects(client.get('v1/ConfigMap', { ...ref, name: 'b' }), { code: 403 }, 'another name is not')
  await client.delete('v1/ConfigMap', { ...ref, name: 'b' })
  await api.update(role, (r) => void (r.rules = []))
  await t.rejects(client.delete('v1/ConfigMap', ref), { code: 403 }, 'what was remembered is forgotten with the role')
})

t.test('a status is written beside what is stored, of which nothing is changed or shared', async (t) => {
  const api = await startApi(t)
  const client = api.client()
  const image = 'nginx'
  const set = await api.create({ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 's', namespace: 'ns' }, spec: { serviceName: 's', selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image }] } } } })
  const stored = await client.get<KubeObject & { spec: unknown }>('apps/v1/StatefulSet', { namespace: 'ns', name: 's' })
  const status = { replicas: 1, readyReplicas: 0, currentRevision: '', observedGeneration: 1 }
  const written = await client.updateStatus<KubeObject & { spec: unknown; status?: unknown }>({ ...stored, status } as KubeObject & { spec: unknown })
  t.same(written.status, { observedGeneration: 1, replicas: 1, availableReplicas: 0 }, 'in canonical form')
  t.same(written.spec, set.spec)
  t.equal(written.metadata.generation, 1)
  await t.rejects(client.updateStatus({ ...stored, status: { replicas: 2 } } as KubeObject), { code: 409 }, 'it is made of a version')
  const other = await client.updateStatus<KubeObject & { spec: unknown; status?: unknown }>({ ...written, spec: { replicas: 7 }, status: { replicas: 3 } } as KubeObject & { spec: unknown })
  t.match(other, { spec: { replicas: 1 }, status: { replicas: 3 } }, 'a status is all that is taken')
})
