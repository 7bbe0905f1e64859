/**
 * Nobody grants what they do not hold: the checks on writes of roles and bindings. Models
 * k8s.io/kubernetes/pkg/registry/rbac/escalation_check.go and the policybased storages beside it.
 */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { forbidden, isStatusError, notFound } from '../../../src/errors.ts'
import { isSuperuser } from '../../../src/registry/authorization.ts'
import { whyEscalation, subjectOf, type Binding } from './_rules.ts'
import { RBAC_GROUP } from './_validation.ts'
import type { KubeObject, WriteContext } from '../../../src/registry/kind.ts'
import type { ClusterRole, PolicyRule, Role, RoleRef } from '../../../schemas/types.ts'

const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** The rules of the role that is referred to. @throws StatusError when there is none */
function rulesOf(roleRef: RoleRef | undefined, namespace: string, ctx: WriteContext): PolicyRule[] {
  const { kind = '', name = '' } = roleRef ?? {}
  if (kind !== 'Role' && kind !== 'ClusterRole') throw new Error(`unsupported role reference kind: "${kind}"`)
  const role = ctx.system.get<Role>(`${RBAC_GROUP}/v1/${kind}`, kind === 'Role' ? namespace : '', name)
  if (!role) throw notFound({ group: RBAC_GROUP, resource: kind === 'Role' ? 'roles' : 'clusterroles' }, name)
  return role.rules ?? []
}

/** All that the writer holds in the namespace, and what could not be found out. */
function ownRules(ctx: WriteContext): { held: PolicyRule[]; errors: string[] } {
  const held: PolicyRule[] = []
  const errors: string[] = []
  const clusterWide = ctx.system.list<Binding>(`${RBAC_GROUP}/v1/ClusterRoleBinding`)
  const local = ctx.namespace ? ctx.system.list<Binding>(`${RBAC_GROUP}/v1/RoleBinding`, ctx.namespace) : []
  for (const binding of [...clusterWide, ...local]) {
    const namespace = binding.metadata.namespace ?? ''
    if (!subjectOf(ctx.user, binding.subjects, namespace)) continue
    try {
      held.push(...rulesOf(binding.roleRef, namespace, ctx))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
      errors.push(error.message)
    }
  }
  return { held, errors }
}

/** Whether nothing changed but what the garbage collector changes. */
function onlyChangesReferences(object: KubeObject, old: KubeObject | undefined): boolean {
  if (!old) return false
  const { ownerReferences, finalizers, managedFields } = old.metadata
  return equalJSON({ ...object, metadata: { ...object.metadata, ownerReferences, finalizers, managedFields } }, old)
}

async function mayAlways(verb: 'escalate' | 'bind', target: { resource: string; name: string; namespace: string }, ctx: WriteContext): Promise<boolean> {
  const verdict = await ctx.system.authorizer?.authorize({ user: ctx.user, verb, apiGroup: RBAC_GROUP, apiVersion: '*', subresource: '', ...target })
  return verdict?.decision === 'Allow'
}

export async function checkRoleAccess(resource: 'roles' | 'clusterroles', role: ClusterRole, old: ClusterRole | undefined, ctx: WriteContext): Promise<void> {
  if (!ctx.system.authorizer || isSuperuser(ctx.user)) return
  const name = role.metadata.name ?? ''
  if (await mayAlways('escalate', { resource, name: old ? name : '', namespace: ctx.namespace }, ctx)) return
  if (onlyChangesReferences(role, old)) return
  const own = ownRules(ctx)
  const why = whyEscalation(ctx.user, { ...own, wanted: role.rules ?? [] })
  if (why) throw forbidden({ group: RBAC_GROUP, resource }, name, why)
  const aggregates = [role, old].some((r) => r?.aggregationRule?.clusterRoleSelectors?.length)
  if (aggregates && whyEscalation(ctx.user, { ...own, wanted: FULL_AUTHORITY })) {
    throw forbidden({ group: RBAC_GROUP, resource }, name, 'must have cluster-admin privileges to use the aggregationRule')
  }
}

export async function checkBindingAccess(resource: 'rolebindings' | 'clusterrolebindings', binding: Binding, old: Binding | undefined, ctx: WriteContext): Promise<void> {
  if (!ctx.system.authorizer || isSuperuser(ctx.user) || onlyChangesReferences(binding, old)) return
  const { kind = '', name: roleName = '' } = binding.roleRef ?? {}
  const isRole = kind === 'Role' || kind === 'ClusterRole'
  if (isRole && (await mayAlways('bind', { resource: kind === 'Role' ? 'roles' : 'clusterroles', name: roleName, namespace: ctx.namespace }, ctx))) return
  const why = whyEscalation(ctx.user, { ...ownRules(ctx), wanted: rulesOf(binding.roleRef, ctx.namespace, ctx) })
  if (why) throw forbidden({ group: RBAC_GROUP, resource }, binding.metadata.name ?? '', why)
}
