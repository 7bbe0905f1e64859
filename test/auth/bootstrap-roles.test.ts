import t from 'tap'
import { bootstrapRoles } from '../../src/auth/bootstrap-roles.ts'
import { planRole } from '../../src/auth/reconcile-roles.ts'
import { ensureBootstrapObjects } from '../../src/client/bootstrap.ts'
import type { AuthorizationAttributes } from '../../src/registry/authorization.ts'
import type { KubeObject, UserInfo } from '../../src/registry/kind.ts'
import type { ClusterRole, ClusterRoleBinding } from '../../schemas/types.ts'
import { startApi, userNamed } from '../helpers/in-process-api.ts'

const roles = bootstrapRoles()
const find = (kind: string, name: string, namespace?: string) => {
  const found = roles.find((r) => r.kind === kind && r.metadata.name === name && r.metadata.namespace === namespace)
  if (!found) throw new Error(`no ${kind} ${name}`)
  return structuredClone(found)
}

t.test('every role is bound or meant to be, every binding leads somewhere', (t) => {
  const exists = (kind: string, name: string, namespace = '') => roles.some((r) => r.kind === kind && r.metadata.name === name && (r.metadata.namespace ?? '') === namespace)
  for (const role of roles) {
    t.equal(role.metadata.labels?.['kubernetes.io/bootstrapping'], 'rbac-defaults')
    if (role.kind === 'ClusterRoleBinding') t.ok(exists('ClusterRole', role.roleRef?.name ?? ''), String(role.metadata.name))
    if (role.kind === 'RoleBinding') t.ok(exists('Role', role.roleRef?.name ?? '', role.metadata.namespace), String(role.metadata.name))
    if (role.metadata.name?.startsWith('system:controller:') && role.kind === 'ClusterRole') t.ok(exists('ClusterRoleBinding', role.metadata.name), String(role.metadata.name))
  }
  t.end()
})

t.test('what is allowed from the start', async (t) => {
  const { client, authorizer, create } = await startApi(t)
  await ensureBootstrapObjects(client(), { now: 0, serviceCIDRs: ['10.96.0.0/16'], port: 6443, clientCA: 'ca', groupVersions: [] })
  const account = (name: string, namespace = 'kube-system') => userNamed(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)
  const anonymous = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  const bind = (name: string, role: string) => create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: role, namespace: 'ns' }, roleRef: { kind: 'ClusterRole', name: role }, subjects: [{ kind: 'User', name }] })
  await bind('viewer', 'view')
  await bind('editor', 'edit')
  await bind('owner', 'admin')
  const cases: [UserInfo, string, boolean][] = [
    [userNamed('root', 'system:masters'), 'delete core nodes', true],
    [userNamed('jane'), 'get core pods ns', false],
    [userNamed('jane'), 'create authorization.k8s.io selfsubjectaccessreviews', true],
    [userNamed('jane'), 'get /apis/apps/v1', true],
    [userNamed('jane'), 'get /metrics', false],
    [anonymous, 'get /version', true],
    [anonymous, 'get /apis', false],
    [userNamed('prometheus', 'system:monitoring'), 'get /metrics', true],
    [userNamed('viewer'), 'list apps deployments ns', true],
    [userNamed('viewer'), 'get core secrets ns', false],
    [userNamed('viewer'), 'list apps deployments other', false],
    [userNamed('editor'), 'get core secrets ns', true],
    [userNamed('editor'), 'create core pods ns', true],
    [userNamed('editor'), 'create rbac.authorization.k8s.io roles ns', false],
    [userNamed('owner'), 'create rbac.authorization.k8s.io roles ns', true],
    [userNamed('owner'), 'update core resourcequotas ns', false],
    [account('replicaset-controller'), 'create core pods ns', true],
    [account('replicaset-controller'), 'create core services ns', false],
    [account('replicaset-controller', 'ns'), 'create core pods ns', false],
    [account('default', 'ns'), 'get /openid/v1/jwks', true],
    [userNamed('system:kube-scheduler'), 'create core pods/binding ns', true],
    [userNamed('system:kube-scheduler'), 'update coordination.k8s.io leases kube-system', true],
    [userNamed('system:node:a', 'system:nodes'), 'get core pods ns', false],
  ]
  for (const [user, text, expected] of cases) t.equal((await authorizer.authorize(attributes(user, text))).decision === 'Allow', expected, `${user.name} ${text}`)
})

function attributes(user: UserInfo, text: string): AuthorizationAttributes {
  const [verb = '', group = '', target = '', namespace = ''] = text.split(' ')
  if (group.startsWith('/')) return { user, verb, path: group }
  const [resource = '', subresource = ''] = target.split('/')
  return { user, verb, apiGroup: group === 'core' ? '' : group, apiVersion: 'v1', resource, subresource, namespace, name: '' }
}

t.test('roles that exist get what they lack', (t) => {
  const role = find('ClusterRole', 'system:kube-dns') as ClusterRole & KubeObject
  const binding = find('ClusterRoleBinding', 'system:kube-dns') as ClusterRoleBinding & KubeObject
  const view = find('ClusterRole', 'view') as ClusterRole & KubeObject
  const own = { verbs: ['get'], apiGroups: ['x.io'], resources: ['things'] }
  const optedOut = { ...role, rules: [], metadata: { ...role.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } }
  const plan = (existing: KubeObject | undefined, expected: unknown) => planRole(existing, expected as Parameters<typeof planRole>[1])
  t.equal(plan(undefined, role)?.action, 'create')
  t.equal(plan(role, role), undefined)
  t.equal(plan(optedOut, role), undefined)
  t.equal(plan({ ...role, rules: [...(role.rules ?? []), own] } as KubeObject, role), undefined, 'what was added stays')
  t.same(plan({ ...role, rules: [own] } as KubeObject, role), {
    action: 'update',
    object: { ...role, rules: [own, ...['endpoints', 'services'].flatMap((r) => ['list', 'watch'].map((verb) => ({ apiGroups: [''], resources: [r], verbs: [verb] })))] },
  })
  t.match(plan({ ...role, metadata: { name: role.metadata.name, labels: { 'kubernetes.io/bootstrapping': 'mine' } } } as KubeObject, role), {
    action: 'update',
    object: { metadata: { labels: { 'kubernetes.io/bootstrapping': 'mine' }, annotations: role.metadata.annotations } },
  })
  t.match(plan({ ...view, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } } as KubeObject, view), {
    action: 'update',
    object: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }, { matchLabels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }] } },
  })
  const dropped = plan({ ...role, aggregationRule: { clusterRoleSelectors: [{}] } } as KubeObject, role)
  t.notOk(dropped && 'aggregationRule' in dropped.object)
  const joe = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'joe' }
  t.match(plan({ ...binding, subjects: [joe] } as KubeObject, binding), { action: 'update', object: { subjects: [joe, ...(binding.subjects ?? [])] } })
  t.same(plan({ ...binding, roleRef: { ...binding.roleRef, name: 'view' } } as KubeObject, binding), { action: 'recreate', object: binding })
  t.end()
})
