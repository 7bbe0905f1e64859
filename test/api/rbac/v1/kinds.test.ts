import t from 'tap'
import { ADMIN, startApi, userNamed } from '../../../helpers/in-process-api.ts'

const API = { apiVersion: 'rbac.authorization.k8s.io/v1' }
const ROLE = { ...API, kind: 'Role', metadata: { namespace: 'ns' } }
const CLUSTER_ROLE = { ...API, kind: 'ClusterRole' }
const BINDING = { ...API, kind: 'RoleBinding', metadata: { namespace: 'ns' } }
const CLUSTER_BINDING = { ...API, kind: 'ClusterRoleBinding' }
const pods = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' }

t.test('what is refused', async (t) => {
  const { refused } = await startApi(t)
  const cases: [string, Parameters<typeof refused>[0], string[]][] = [
    ['a role', { ...ROLE, rules: [pods] }, []],
    ['a name with a colon', { ...CLUSTER_ROLE, metadata: { name: 'system:x' }, rules: [] }, []],
    ['a name with a slash', { ...CLUSTER_ROLE, metadata: { name: 'a/b' } }, ['metadata.name: Invalid value: "a/b": may not contain \'/\'']],
    ['no verb', { ...ROLE, rules: [{ ...pods, verbs: [] }] }, ['rules[0].verbs: Required value: verbs must contain at least one value']],
    ['no group', { ...ROLE, rules: [{ ...pods, apiGroups: [] }] }, ['rules[0].apiGroups: Required value: resource rules must supply at least one api group']],
    ['no resource', { ...ROLE, rules: [{ ...pods, resources: [] }] }, ['rules[0].resources: Required value: resource rules must supply at least one resource']],
    ['paths in a namespace', { ...ROLE, rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }, ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs']],
    ['paths and resources', { ...CLUSTER_ROLE, rules: [{ ...pods, nonResourceURLs: ['/x'] }] }, ['rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs']],
    ['a binding', { ...BINDING, roleRef, subjects: [{ kind: 'ServiceAccount', name: 'bot', namespace: 'ns' }] }, []],
    ['an unknown role kind', { ...BINDING, roleRef: { ...roleRef, kind: 'X' } }, ['roleRef.kind: Unsupported value: "X": supported values: "Role", "ClusterRole"']],
    ['a local role everywhere', { ...CLUSTER_BINDING, roleRef: { ...roleRef, kind: 'Role' } }, ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"']],
    ['no role', { ...BINDING, roleRef: { ...roleRef, name: '' } }, ['roleRef.name: Required value']],
    ['an account of nowhere', { ...CLUSTER_BINDING, roleRef, subjects: [{ kind: 'ServiceAccount', name: 'bot' }] }, ['subjects[0].namespace: Required value']],
    ['an unknown subject', { ...BINDING, roleRef, subjects: [{ kind: 'Robot', name: 'bot' }] }, ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"']],
  ]
  for (const [name, object, expected] of cases) t.same(await refused(object), expected, name)
})

t.test('the role of a binding stays, and subjects get their group', async (t) => {
  const { create, refusedUpdate } = await startApi(t)
  const made = await create({ ...CLUSTER_BINDING, roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }] })
  t.same(made.roleRef, roleRef)
  t.same(made.subjects, [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'u' }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }])
  t.same(await refusedUpdate(made, (b) => void (b.roleRef = { ...roleRef, name: 'other' })), ['roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"other"}: cannot change roleRef'])
})

t.test('nobody grants what they do not hold', async (t) => {
  const { create, refused, refusedUpdate } = await startApi(t)
  const jane = userNamed('jane')
  await create({ ...CLUSTER_ROLE, metadata: { name: 'reader' }, rules: [pods] })
  await create({ ...CLUSTER_ROLE, metadata: { name: 'admin' }, rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] })
  await create({ ...BINDING, metadata: { name: 'b', namespace: 'ns' }, roleRef: { ...roleRef, name: 'reader' }, subjects: [{ kind: 'User', name: 'jane' }] })
  const head = 'user "jane" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
  const secrets = { verbs: ['get'], apiGroups: [''], resources: ['secrets'] }
  t.same(await refused({ ...ROLE, metadata: { name: 'a', namespace: 'ns' }, rules: [pods] }, jane), [], 'what one holds may be granted')
  t.same(await refused({ ...ROLE, metadata: { name: 'a', namespace: 'ns' }, rules: [secrets] }, jane), [
    `roles.rbac.authorization.k8s.io "a" is forbidden: ${head}{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`,
  ])
  t.same((await refused({ ...ROLE, metadata: { name: 'a', namespace: 'other' }, rules: [pods] }, jane)).length, 1, 'not elsewhere')
  t.same(await refused({ ...BINDING, roleRef: { ...roleRef, name: 'reader' }, subjects: [] }, jane), [])
  t.match(await refused({ ...BINDING, roleRef: { ...roleRef, name: 'admin' }, subjects: [] }, jane), [/^rolebindings.rbac.authorization.k8s.io "a" is forbidden: user "jane"/])
  t.same(await refused({ ...BINDING, roleRef: { ...roleRef, name: 'gone' }, subjects: [] }, jane), ['clusterroles.rbac.authorization.k8s.io "gone" not found'])

  const role = await create({ ...ROLE, metadata: { name: 'kept', namespace: 'ns' }, rules: [secrets] }, ADMIN)
  t.same(await refusedUpdate(role, (r) => void (r.metadata.finalizers = ['x.io/f']), { user: jane }), [], 'what the garbage collector changes may be changed')
  t.same((await refusedUpdate(role, (r) => void (r.metadata.labels = { a: 'b' }), { user: jane })).length, 1)
})

t.test('the verbs escalate and bind', async (t) => {
  const { create, refused } = await startApi(t)
  const jane = userNamed('jane')
  const may = { verbs: ['escalate'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'] }
  const mayBind = { verbs: ['bind'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], resourceNames: ['admin'] }
  await create({ ...CLUSTER_ROLE, metadata: { name: 'admin' }, rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] })
  await create({ ...CLUSTER_ROLE, metadata: { name: 'power' }, rules: [may, mayBind] })
  await create({ ...CLUSTER_BINDING, roleRef: { ...roleRef, name: 'power' }, subjects: [{ kind: 'User', name: 'jane' }] })
  t.same(await refused({ ...ROLE, rules: [pods] }, jane), [])
  t.equal((await refused({ ...CLUSTER_ROLE, rules: [pods] }, jane)).length, 1, 'of roles only')
  t.same(await refused({ ...BINDING, roleRef: { ...roleRef, name: 'admin' }, subjects: [] }, jane), [])
  t.equal((await refused({ ...BINDING, roleRef: { ...roleRef, name: 'power' }, subjects: [] }, userNamed('joe'))).length, 1)
})

t.test('only administrators let roles gather others', async (t) => {
  const { create, refused } = await startApi(t)
  const jane = userNamed('jane')
  await create({ ...CLUSTER_ROLE, metadata: { name: 'reader' }, rules: [pods] })
  await create({ ...CLUSTER_BINDING, roleRef: { ...roleRef, name: 'reader' }, subjects: [{ kind: 'User', name: 'jane' }] })
  const gatherer = { ...CLUSTER_ROLE, rules: [pods], aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }
  t.same(await refused(gatherer, jane), ['clusterroles.rbac.authorization.k8s.io "a" is forbidden: must have cluster-admin privileges to use the aggregationRule'])
  t.same(await refused(gatherer), [])
  t.same(await refused({ ...gatherer, aggregationRule: { clusterRoleSelectors: [] } }), ['aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil'])
})
