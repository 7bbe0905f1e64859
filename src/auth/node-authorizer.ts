/**
 * What nodes may do: only what concerns themselves and the pods bound to them. Models
 * k8s.io/kubernetes/plugin/pkg/auth/authorizer/node.
 */
import { ruleAllows } from '../../api/rbac/v1/_rules.ts'
import { quote } from '../errors.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Authorizer, type ResourceAttributes, type RuleList, type Verdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'
import { NODE_RULES } from './bootstrap-cluster-roles.ts'
import { NodeReferences, type IndexedFeeds, type Related } from './node-references.ts'

const USER = 'system:node:'
const GROUP = 'system:nodes'
const LEASES = 'kube-node-lease'
const ALLOW: Verdict = { decision: 'Allow', reason: '' }
const OWN_VERBS = ['get', 'create', 'update', 'patch', 'delete']

const no = (reason = ''): Verdict => ({ decision: 'NoOpinion', reason })

type Judge = (node: string, attributes: ResourceAttributes) => Verdict

/** The node's name for a user that is one. */
function nodeOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(USER) && groups.includes(GROUP) ? name.slice(USER.length) : undefined
}

export class NodeAuthorizer implements Authorizer {
  readonly #references: NodeReferences
  /** By group and resource; the others go by the rules that all nodes share. */
  readonly #judges: Readonly<Record<string, Judge>> = {
    '/secrets': (node, a) => this.#read(node, 'Secret', a),
    '/configmaps': (node, a) => this.#read(node, 'ConfigMap', a),
    '/persistentvolumeclaims': (node, a) => (a.subresource === 'status' ? this.#writeStatus(node, a) : this.#get(node, 'PersistentVolumeClaim', a)),
    '/persistentvolumes': (node, a) => this.#get(node, 'PersistentVolume', a),
    'resource.k8s.io/resourceclaims': (node, a) => this.#get(node, 'ResourceClaim', a),
    'storage.k8s.io/volumeattachments': (node, a) => this.#get(node, 'VolumeAttachment', a),
    '/serviceaccounts': (node, a) => this.#serviceAccount(node, a),
    'coordination.k8s.io/leases': lease,
    'storage.k8s.io/csinodes': csiNode,
    'resource.k8s.io/resourceslices': (node, a) => this.#slice(node, a),
    '/nodes': node,
    '/pods': (name, a) => this.#pod(name, a),
    'certificates.k8s.io/podcertificaterequests': () => no(),
  }

  constructor(feeds: IndexedFeeds) {
    this.#references = new NodeReferences(feeds)
  }

  authorize(attributes: AuthorizationAttributes): Verdict {
    const name = nodeOf(attributes.user)
    if (name === undefined) return no()
    if (name === '') return no(`unknown node for user ${quote(attributes.user.name)}`)
    const judge = isResourceAttributes(attributes) ? this.#judges[`${attributes.apiGroup}/${attributes.resource}`] : undefined
    if (judge && isResourceAttributes(attributes)) return judge(name, attributes)
    return NODE_RULES.some((rule) => ruleAllows(attributes, rule)) ? ALLOW : no()
  }

  rulesFor(user: UserInfo): RuleList {
    const none = { resourceRules: [], nonResourceRules: [] }
    return nodeOf(user) === undefined ? { ...none, incomplete: false } : { ...none, incomplete: true, error: 'node authorizer does not support user rule resolution' }
  }

  #related(node: string, kind: Related, { namespace, name }: ResourceAttributes): Verdict {
    if (!name) return no('No Object name found')
    return this.#references.has(node, kind, { namespace, name }) ? ALLOW : no(`no relationship found between node '${node}' and this object`)
  }

  #read(node: string, kind: Related, attributes: ResourceAttributes): Verdict {
    if (!['get', 'list', 'watch'].includes(attributes.verb)) return no('can only read resources of this type')
    if (attributes.subresource) return no('cannot read subresource')
    if (!attributes.namespace) return no('can only read namespaced object of this type')
    return this.#related(node, kind, attributes)
  }

  #get(node: string, kind: Related, attributes: ResourceAttributes): Verdict {
    if (attributes.verb !== 'get') return no('can only get individual resources of this type')
    return attributes.subresource ? no('cannot get subresource') : this.#related(node, kind, attributes)
  }

  #writeStatus(node: string, attributes: ResourceAttributes): Verdict {
    if (attributes.verb !== 'update' && attributes.verb !== 'patch') return no('can only get/update/patch this type')
    return this.#related(node, 'PersistentVolumeClaim', attributes)
  }

  #serviceAccount(node: string, attributes: ResourceAttributes): Verdict {
    const { verb, subresource, name } = attributes
    if (verb === 'get' && !subresource) return this.#read(node, 'ServiceAccount', attributes)
    if (verb !== 'create' || !name) return no('can only create tokens for individual service accounts')
    return subresource === 'token' ? this.#related(node, 'ServiceAccount', attributes) : no('can only create token subresource of serviceaccount')
  }

  #slice(node: string, attributes: ResourceAttributes): Verdict {
    const { verb, subresource } = attributes
    if (subresource) return no('cannot authorize ResourceSlice subresources')
    if (verb === 'create') return ALLOW
    if (OWN_VERBS.includes(verb)) return this.#related(node, 'ResourceSlice', attributes)
    if (!['watch', 'list', 'deletecollection'].includes(verb)) return no('only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection')
    return selects(attributes, node) ? ALLOW : no('can only list/watch/deletecollection resourceslices with nodeName field selector')
  }

  #pod(node: string, attributes: ResourceAttributes): Verdict {
    const { verb, subresource, name } = attributes
    if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOW : no()
    if (subresource === 'eviction') return verb === 'create' ? ALLOW : no()
    if (subresource) return no()
    if (verb === 'create' || verb === 'delete') return ALLOW
    if (verb === 'get') return this.#get(node, 'Pod', attributes)
    if (verb !== 'list' && verb !== 'watch') return no()
    if (selects(attributes, node)) return ALLOW
    return name ? this.#related(node, 'Pod', attributes) : no('can only list/watch pods with spec.nodeName field selector')
  }
}

/** Whether only what is on the node is asked for. */
const selects = ({ fieldSelector }: ResourceAttributes, node: string): boolean =>
  (fieldSelector ?? []).some(({ key, operator, values }) => key === 'spec.nodeName' && operator === '=' && values[0] === node)

function lease(node: string, { verb, namespace, name }: ResourceAttributes): Verdict {
  if (!OWN_VERBS.includes(verb)) return no('can only get, create, update, patch, or delete a node lease')
  if (namespace !== LEASES) return no(`can only access leases in the ${quote(LEASES)} system namespace`)
  return verb === 'create' || name === node ? ALLOW : no('can only access node lease with the same name as the requesting node')
}

function csiNode(node: string, { verb, subresource, name }: ResourceAttributes): Verdict {
  if (!OWN_VERBS.includes(verb)) return no('can only get, create, update, patch, or delete a CSINode')
  if (subresource) return no('cannot authorize CSINode subresources')
  return verb === 'create' || name === node ? ALLOW : no('can only access CSINode with the same name as the requesting node')
}

/** That nodes write to themselves only is seen to by admission (NodeRestriction). */
function node(own: string, { verb, subresource, name }: ResourceAttributes): Verdict {
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOW : no()
  if (subresource) return no()
  if (verb === 'create' || verb === 'update' || verb === 'patch') return ALLOW
  if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return no()
  if (name === own) return ALLOW
  return no(name ? `node '${own}' cannot read '${name}', only its own Node object` : `node '${own}' cannot read all nodes, only its own Node object`)
}
