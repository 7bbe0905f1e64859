import t, { type Test } from 'tap'
import { RbacAuthorizer } from '../../src/auth/rbac.ts'
import type { AuthorizationAttributes } from '../../src/registry/authorization.ts'
import { startApi, userNamed, type TestApi } from '../helpers/in-process-api.ts'

const API = { apiVersion: 'rbac.authorization.k8s.io/v1' }
const user = userNamed('jane', 'devs')
const pods = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
const role = (name: string, namespace: string, ...rules: object[]) => ({ ...API, kind: namespace ? 'Role' : 'ClusterRole', metadata: { name, ...(namespace ? { namespace } : {}) }, rules })
const binding = (name: string, namespace: string, of: string, ...subjects: object[]) => {
  const [kind, target] = of.split('/')
  return {
    ...API,
    kind: namespace ? 'RoleBinding' : 'ClusterRoleBinding',
    metadata: { name, ...(namespace ? { namespace } : {}) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: target },
    subjects,
  }
}
const asked = (text: string, who = user): AuthorizationAttributes => {
  const [verb = '', resource = '', namespace = ''] = text.split(' ')
  if (resource.startsWith('/')) return { user: who, verb, path: resource }
  return { user: who, verb, apiGroup: '', apiVersion: 'v1', resource, subresource: '', namespace, name: '' }
}

async function setup(t: Test, objects: Parameters<TestApi['create']>[0][]) {
  const api = await startApi(t)
  for (const object of objects) await api.create(object)
  const rbac = new RbacAuthorizer(api.informers)
  t.teardown(() => rbac.close())
  return { ...api, rbac }
}

t.test('verdicts and their reasons', async (t) => {
  const { rbac } = await setup(t, [
    role('reader', '', pods, { verbs: ['get'], nonResourceURLs: ['/metrics'] }),
    role('writer', 'ns', { ...pods, verbs: ['create'] }),
    binding('everywhere', '', 'ClusterRole/reader', { kind: 'Group', name: 'devs' }),
    binding('here', 'ns', 'Role/writer', { kind: 'ServiceAccount', name: 'other' }, { kind: 'User', name: 'jane' }),
    binding('lent', 'lib', 'ClusterRole/reader', { kind: 'ServiceAccount', name: 'bot' }),
  ])
  const allowed = 'RBAC: allowed by '
  const bot = userNamed('system:serviceaccount:lib:bot')
  const cases: [AuthorizationAttributes, string | undefined][] = [
    [asked('get pods ns'), `${allowed}ClusterRoleBinding "everywhere" of ClusterRole "reader" to Group "devs"`],
    [asked('get pods'), `${allowed}ClusterRoleBinding "everywhere" of ClusterRole "reader" to Group "devs"`],
    [asked('get /metrics'), `${allowed}ClusterRoleBinding "everywhere" of ClusterRole "reader" to Group "devs"`],
    [asked('create pods ns'), `${allowed}RoleBinding "here/ns" of Role "writer" to User "jane"`],
    [asked('create pods lib'), undefined],
    [asked('create pods'), undefined],
    [asked('get pods lib', bot), `${allowed}RoleBinding "lent/lib" of ClusterRole "reader" to ServiceAccount "bot/lib"`],
    [asked('get pods ns', bot), undefined],
    [asked('get /metrics', bot), undefined],
    [asked('get pods ns', userNamed('joe')), undefined],
  ]
  for (const [attributes, reason] of cases) {
    t.same(rbac.authorize(attributes), reason === undefined ? { decision: 'NoOpinion', reason: '' } : { decision: 'Allow', reason }, JSON.stringify(attributes))
  }
})

t.test('it follows roles and bindings', async (t) => {
  const { rbac, create, update, client } = await setup(t, [])
  const may = () => rbac.authorize(asked('get pods ns')).decision === 'Allow'
  t.notOk(may())
  const bound = await create(binding('b', 'ns', 'Role/r', { kind: 'User', name: 'joe' }))
  t.notOk(may())
  await update(bound, (b) => void (b.subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }]))
  t.same(rbac.authorize(asked('get pods ns')), { decision: 'NoOpinion', reason: 'RBAC: role.rbac.authorization.k8s.io "r" not found' }, 'the role is not there yet')
  t.same(rbac.authorize(asked('get pods ns', userNamed('joe'))), { decision: 'NoOpinion', reason: '' }, 'joe has gone')
  const made = await create(role('r', 'ns', pods))
  t.ok(may())
  await update(made, (r) => void (r.rules = [{ ...pods, verbs: ['list'] }]))
  t.notOk(may())
  await update(made, (r) => {
    r.metadata.resourceVersion = ''
    r.rules = [pods]
  })
  t.ok(may())
  await client().delete('rbac.authorization.k8s.io/v1/RoleBinding', { namespace: 'ns', name: 'b' })
  t.same(rbac.authorize(asked('get pods ns')), { decision: 'NoOpinion', reason: '' })
})

t.test('several roles that are not there', async (t) => {
  const { rbac } = await setup(t, [binding('a', '', 'ClusterRole/x', { kind: 'User', name: 'jane' }), binding('b', '', 'ClusterRole/y', { kind: 'Group', name: 'devs' }), binding('c', '', 'ClusterRole/x', { kind: 'Group', name: 'devs' })])
  t.equal(rbac.authorize(asked('get pods')).reason, 'RBAC: [clusterrole.rbac.authorization.k8s.io "x" not found, clusterrole.rbac.authorization.k8s.io "y" not found]')
})

t.test('the rules of a user', async (t) => {
  const { rbac } = await setup(t, [
    role('reader', '', pods, { verbs: ['get'], nonResourceURLs: ['/metrics'] }),
    role('one', 'ns', { ...pods, verbs: ['delete'], resourceNames: ['p'] }),
    binding('everywhere', '', 'ClusterRole/reader', { kind: 'Group', name: 'devs' }),
    binding('here', 'ns', 'Role/one', { kind: 'User', name: 'jane' }),
    binding('lost', 'ns', 'Role/two', { kind: 'User', name: 'jane' }),
  ])
  t.same(rbac.rulesFor(user, 'ns'), {
    resourceRules: [pods, { ...pods, verbs: ['delete'], resourceNames: ['p'] }],
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }],
    incomplete: false,
    error: 'role.rbac.authorization.k8s.io "two" not found',
  })
  t.same(rbac.rulesFor(userNamed('joe'), 'ns'), { resourceRules: [], nonResourceRules: [], incomplete: false })
})
