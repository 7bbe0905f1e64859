/**
 * Role-based access control: who is allowed what by roles and bindings. Bindings are indexed by their subjects, so that a
 * request looks only at those of its user and groups. Models k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac.
 */
import { describeBinding, ruleAllows, serviceAccountUser, subjectOf, type Binding } from '../../api/rbac/v1/_rules.ts'
import { aggregateTexts, quote } from '../errors.ts'
import type { AuthorizationAttributes, Authorizer, RuleList, Verdict } from '../registry/authorization.ts'
import { isResourceAttributes } from '../registry/authorization.ts'
import type { KubeObject, UserInfo } from '../registry/kind.ts'
import { VerdictCache } from './verdict-cache.ts'
import type { ClusterRole, PolicyRule, Role } from '../../schemas/types.ts'

const API = 'rbac.authorization.k8s.io/v1'

/** Where roles and bindings come from: `add` for all that are there, then each change as it is committed. Informers fit. */
export interface ObjectFeeds {
  for<T extends KubeObject>(kind: string): { subscribe(handlers: { add(object: T): void; update(object: T, old: T): void; delete(object: T): void }): () => void }
}

interface Applicable {
  rules: readonly PolicyRule[]
  /** Who is bound by what, in words. */
  source(): string
}

export class RbacAuthorizer implements Authorizer {
  readonly #roles = new Map<string, Role>()
  readonly #clusterRoles = new Map<string, ClusterRole>()
  readonly #clusterBindings = new SubjectIndex()
  readonly #bindings = new Map<string, SubjectIndex>()
  readonly #verdicts = new VerdictCache()
  readonly #subscriptions: (() => void)[]

  constructor(feeds: ObjectFeeds) {
    const follow = <T extends KubeObject>(kind: string, set: (object: T) => void, remove: (object: T) => void): (() => void) =>
      feeds.for<T>(`${API}/${kind}`).subscribe({
        add: (object) => {
          this.#verdicts.clear()
          set(object)
        },
        update: (object, old) => {
          this.#verdicts.clear()
          remove(old)
          set(object)
        },
        delete: (object) => {
          this.#verdicts.clear()
          remove(object)
        },
      })
    this.#subscriptions = [
      follow<Role>('Role', (role) => this.#roles.set(keyOf(role), role), (role) => this.#roles.delete(keyOf(role))),
      follow<ClusterRole>('ClusterRole', (role) => this.#clusterRoles.set(keyOf(role), role), (role) => this.#clusterRoles.delete(keyOf(role))),
      follow<Binding>('ClusterRoleBinding', (binding) => this.#clusterBindings.add(binding), (binding) => this.#clusterBindings.remove(binding)),
      follow<Binding>('RoleBinding', (binding) => this.#indexOf(binding).add(binding), (binding) => this.#forget(binding)),
    ]
  }

  authorize(attributes: AuthorizationAttributes): Verdict {
    return this.#verdicts.of(attributes, this.#judge)
  }

  readonly #judge = (attributes: AuthorizationAttributes): Verdict => {
    const errors: string[] = []
    const namespace = isResourceAttributes(attributes) ? attributes.namespace : ''
    for (const { rules, source } of this.#applicable(attributes.user, namespace, errors)) {
      for (const rule of rules) if (ruleAllows(attributes, rule)) return { decision: 'Allow', reason: `RBAC: allowed by ${source()}` }
    }
    return { decision: 'NoOpinion', reason: errors.length ? `RBAC: ${aggregateTexts(errors)}` : '' }
  }

  rulesFor(user: UserInfo, namespace: string): RuleList {
    const errors: string[] = []
    const list: RuleList = { resourceRules: [], nonResourceRules: [], incomplete: false }
    for (const { rules } of this.#applicable(user, namespace, errors)) {
      for (const { verbs = [], apiGroups, resources, resourceNames, nonResourceURLs } of rules) {
        if (resources?.length) list.resourceRules.push({ verbs, resources, ...(apiGroups ? { apiGroups } : {}), ...(resourceNames ? { resourceNames } : {}) })
        if (nonResourceURLs?.length) list.nonResourceRules.push({ verbs, nonResourceURLs })
      }
    }
    return errors.length ? { ...list, error: aggregateTexts(errors) } : list
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe()
  }

  /** The rules that bindings give the user, cluster-wide ones first; what leads nowhere goes to `errors`. */
  *#applicable(user: UserInfo, namespace: string, errors: string[]): Generator<Applicable> {
    for (const binding of this.#clusterBindings.of(user)) yield* this.#resolve(binding, user, errors)
    const local = namespace ? this.#bindings.get(namespace) : undefined
    if (local) for (const binding of local.of(user)) yield* this.#resolve(binding, user, errors)
  }

  *#resolve(binding: Binding, user: UserInfo, errors: string[]): Generator<Applicable> {
    const { kind = '', name = '' } = binding.roleRef ?? {}
    const { namespace = '' } = binding.metadata
    const role = kind === 'ClusterRole' ? this.#clusterRoles.get(`/${name}`) : kind === 'Role' ? this.#roles.get(`${namespace}/${name}`) : undefined
    if (role) {
      yield { rules: role.rules ?? [], source: () => describeBinding(binding, subjectOf(user, binding.subjects, namespace) ?? {}) }
    } else if (kind === 'ClusterRole' || kind === 'Role') errors.push(`${kind.toLowerCase()}.rbac.authorization.k8s.io ${quote(name)} not found`)
    else errors.push(`unsupported role reference kind: ${quote(kind)}`)
  }

  #indexOf({ metadata: { namespace = '' } }: Binding): SubjectIndex {
    const index = this.#bindings.get(namespace) ?? new SubjectIndex()
    this.#bindings.set(namespace, index)
    return index
  }

  #forget(binding: Binding): void {
    const index = this.#indexOf(binding)
    index.remove(binding)
    if (index.isEmpty) this.#bindings.delete(binding.metadata.namespace ?? '')
  }
}

const keyOf = ({ metadata: { namespace = '', name = '' } }: KubeObject): string => `${namespace}/${name}`

/** Bindings by the users and groups they name; service accounts count as the users they are. */
class SubjectIndex {
  readonly #byUser = new Map<string, Map<string, Binding>>()
  readonly #byGroup = new Map<string, Map<string, Binding>>()

  get isEmpty(): boolean {
    return this.#byUser.size === 0 && this.#byGroup.size === 0
  }

  add(binding: Binding): void {
    this.#eachSubject(binding, (map, key) => {
      const known = map.get(key)
      if (known) known.set(keyOf(binding), binding)
      else map.set(key, new Map([[keyOf(binding), binding]]))
    })
  }

  remove(binding: Binding): void {
    this.#eachSubject(binding, (map, key) => {
      const known = map.get(key)
      if (known?.delete(keyOf(binding)) && known.size === 0) map.delete(key)
    })
  }

  /** Each binding that names the user or a group of theirs, once. */
  of(user: UserInfo): Iterable<Binding> {
    const found = new Map(this.#byUser.get(user.name))
    for (const group of user.groups) for (const [key, binding] of this.#byGroup.get(group) ?? []) found.set(key, binding)
    return found.values()
  }

  #eachSubject(binding: Binding, visit: (map: Map<string, Map<string, Binding>>, key: string) => void): void {
    for (const { kind, name = '', namespace } of binding.subjects ?? []) {
      const home = namespace || (binding.metadata.namespace ?? '')
      if (kind === 'User') visit(this.#byUser, name)
      else if (kind === 'Group') visit(this.#byGroup, name)
      else if (kind === 'ServiceAccount' && home) visit(this.#byUser, serviceAccountUser(home, name))
    }
  }
}
