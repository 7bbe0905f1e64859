/**
 * The roles and bindings that a fresh cluster has: for administrators, users, nodes and the parts of the control plane.
 * Models k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy.
 */
import { aggregatedRules } from '../../api/rbac/v1/_aggregation.ts'
import { CLUSTER_ROLES } from './bootstrap-cluster-roles.ts'
import { CONTROLLER_ROLES } from './bootstrap-controller-roles.ts'
import { EVENTS, on, READ } from './bootstrap-rules.ts'
import type { ClusterRole, ClusterRoleBinding, ObjectMeta, PolicyRule, Role, RoleBinding, Subject } from '../../schemas/types.ts'

const GROUP = 'rbac.authorization.k8s.io'
const API = `${GROUP}/v1`
const CONTROLLER_PREFIX = 'system:controller:'
const CONTROLLER_MANAGER = 'system:kube-controller-manager'
const SCHEDULER = 'system:kube-scheduler'

/** Roles whose rules are those of the roles with the label of their name, and the label that adds them to the next. */
const AGGREGATED: Readonly<Record<string, string | undefined>> = { admin: undefined, edit: 'admin', view: 'edit' }

type Kind<K extends string> = { apiVersion: typeof API; kind: K; metadata: ObjectMeta }
export type BootstrapRole =
  | (ClusterRole & Kind<'ClusterRole'>)
  | (ClusterRoleBinding & Kind<'ClusterRoleBinding'>)
  | (Role & Kind<'Role'>)
  | (RoleBinding & Kind<'RoleBinding'>)

interface Place {
  name: string
  namespace?: string
  labels?: Record<string, string>
}

const metadata = ({ labels, ...place }: Place): ObjectMeta => ({
  ...place,
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
})

const aggregateTo = (name: string): Record<string, string> => ({ [`rbac.authorization.k8s.io/aggregate-to-${name}`]: 'true' })
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', apiGroup: GROUP, name }))
const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', apiGroup: GROUP, name }))
const accounts = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' }))

const BINDINGS: Readonly<Record<string, Subject[] | undefined>> = {
  'cluster-admin': groups('system:masters'),
  'system:monitoring': groups('system:monitoring'),
  'system:discovery': groups('system:authenticated'),
  'system:basic-user': groups('system:authenticated'),
  'system:public-info-viewer': groups('system:authenticated', 'system:unauthenticated'),
  'system:node-proxier': users('system:kube-proxy'),
  'system:kube-controller-manager': users(CONTROLLER_MANAGER),
  'system:kube-dns': accounts('kube-dns'),
  'system:kube-scheduler': users(SCHEDULER),
  'system:volume-scheduler': users(SCHEDULER),
  // nobody: the rights of nodes come from an authorizer of their own
  'system:node': undefined,
  'system:service-account-issuer-discovery': groups('system:serviceaccounts'),
}

interface LocalRole {
  namespace?: string
  role: string
  /** The binding's name; the role's unless told. */
  binding?: string
  rules: readonly PolicyRule[]
  subjects: Subject[]
}

const LEADER_LOCK = [on(`${READ} create update`, 'coordination.k8s.io', 'leases'), on(`${READ} create update`, 'coordination.k8s.io', 'leasecandidates')]

const LOCAL_ROLES: readonly LocalRole[] = [
  {
    role: 'extension-apiserver-authentication-reader',
    binding: 'system::extension-apiserver-authentication-reader',
    rules: [on(READ, 'core', 'configmaps', 'extension-apiserver-authentication')],
    subjects: users(CONTROLLER_MANAGER, SCHEDULER),
  },
  { role: `${CONTROLLER_PREFIX}bootstrap-signer`, rules: [on(READ, 'core', 'secrets')], subjects: accounts('bootstrap-signer') },
  { role: `${CONTROLLER_PREFIX}cloud-provider`, rules: [on(`create ${READ}`, 'core', 'configmaps')], subjects: accounts('cloud-provider') },
  { role: `${CONTROLLER_PREFIX}token-cleaner`, rules: [on(`${READ} delete`, 'core', 'secrets'), EVENTS], subjects: accounts('token-cleaner') },
  {
    role: 'system::leader-locking-kube-controller-manager',
    rules: LEADER_LOCK,
    subjects: [...users(CONTROLLER_MANAGER), ...accounts('kube-controller-manager', 'leader-election-controller')],
  },
  { role: 'system::leader-locking-kube-scheduler', rules: LEADER_LOCK, subjects: [...users(SCHEDULER), ...accounts('kube-scheduler')] },
  {
    namespace: 'kube-public',
    role: `${CONTROLLER_PREFIX}bootstrap-signer`,
    rules: [on(READ, 'core', 'configmaps'), on('update', 'core', 'configmaps', 'cluster-info'), EVENTS],
    subjects: accounts('bootstrap-signer'),
  },
]

function clusterRole(place: Place, rules: readonly PolicyRule[]): ClusterRole & Kind<'ClusterRole'> {
  return { apiVersion: API, kind: 'ClusterRole', metadata: metadata(place), rules: [...rules] }
}

function clusterRoles(): (ClusterRole & Kind<'ClusterRole'>)[] {
  const plain = Object.entries(CLUSTER_ROLES).map(([name, rules]) => {
    const target = /^system:aggregate-to-(.*)$/.exec(name)?.[1]
    return clusterRole({ name, ...(target ? { labels: aggregateTo(target) } : {}) }, rules)
  })
  const controllers = Object.entries(CONTROLLER_ROLES).map(([name, rules]) => clusterRole({ name: CONTROLLER_PREFIX + name }, rules))
  const roles = [...plain, ...controllers]
  // the smallest first: each is part of the next
  for (const [name, target] of Object.entries(AGGREGATED).reverse()) {
    const role = clusterRole({ name, ...(target ? { labels: aggregateTo(target) } : {}) }, [])
    role.aggregationRule = { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] }
    role.rules = aggregatedRules(role, roles)
    roles.push(role)
  }
  return roles
}

function clusterRoleBinding(name: string, subjects: Subject[] | undefined): ClusterRoleBinding & Kind<'ClusterRoleBinding'> {
  return {
    apiVersion: API,
    kind: 'ClusterRoleBinding',
    metadata: metadata({ name }),
    ...(subjects ? { subjects } : {}),
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name },
  }
}

function localObjects({ namespace = 'kube-system', role, binding = role, rules, subjects }: LocalRole): BootstrapRole[] {
  return [
    { apiVersion: API, kind: 'Role', metadata: metadata({ name: role, namespace }), rules: [...rules] },
    { apiVersion: API, kind: 'RoleBinding', metadata: metadata({ name: binding, namespace }), subjects, roleRef: { apiGroup: GROUP, kind: 'Role', name: role } },
  ]
}

/** The default roles and bindings; what they consist of is shared, so clone before changing. The namespaces kube-system and kube-public have to be there first. */
export function bootstrapRoles(): BootstrapRole[] {
  return [
    ...clusterRoles(),
    ...Object.entries(BINDINGS).map(([name, subjects]) => clusterRoleBinding(name, subjects)),
    ...Object.keys(CONTROLLER_ROLES).map((name) => clusterRoleBinding(CONTROLLER_PREFIX + name, accounts(name))),
    ...LOCAL_ROLES.flatMap(localObjects),
  ]
}
