/** What acts inside the process is held to its roles like everybody. */
import t from 'tap'
import { ApiClient } from '../../src/client/api-client.ts'
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
