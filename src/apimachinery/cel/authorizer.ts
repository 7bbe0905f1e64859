/** The `authorizer` of admission expressions: who may do what is asked of a function given. Models k8s.io/apiserver/pkg/cel/library/authz.go. */
import { isDNS1123Label, isDNS1123Subdomain } from '../validation.ts'
import { structType } from './types.ts'
import { CelError, NO_SUCH_OVERLOAD, OpaqueValue, type Value } from './values.ts'

export interface AuthorizationAttributes {
  verb: string
  path?: string
  group?: string
  resource?: string
  subresource?: string
  namespace?: string
  name?: string
  fieldSelector?: string
  labelSelector?: string
  /** Another user than the one of the request. */
  serviceAccount?: { namespace: string; name: string }
}

export interface AuthorizationDecision {
  allowed: boolean
  reason?: string
  error?: string
}

export type Authorize = (attributes: AuthorizationAttributes) => AuthorizationDecision

const TYPES = {
  authorizer: structType('kubernetes.authorization.Authorizer'),
  path: structType('kubernetes.authorization.PathCheck'),
  group: structType('kubernetes.authorization.GroupCheck'),
  resource: structType('kubernetes.authorization.ResourceCheck'),
  decision: structType('kubernetes.authorization.Decision'),
}
export const AUTHORIZER_TYPE = TYPES.authorizer
export const RESOURCE_CHECK_TYPE = TYPES.resource

type Attributes = Omit<AuthorizationAttributes, 'verb'>

class Check extends OpaqueValue {
  readonly type
  readonly authorize: Authorize
  readonly attributes: Attributes
  constructor(kind: 'authorizer' | 'path' | 'group' | 'resource', authorize: Authorize, attributes: Attributes = {}) {
    super()
    this.type = TYPES[kind]
    this.authorize = authorize
    this.attributes = attributes
  }
  equals(other: Value): Value {
    return this === other
  }
  as(kind: 'authorizer' | 'path' | 'group' | 'resource', attributes: Attributes): Check {
    return new Check(kind, this.authorize, { ...this.attributes, ...attributes })
  }
}

class Decision extends OpaqueValue {
  readonly type = TYPES.decision
  readonly decision: AuthorizationDecision
  constructor(decision: AuthorizationDecision) {
    super()
    this.decision = decision
  }
  equals(other: Value): Value {
    return this === other
  }
}

export const authorizerValue = (authorize: Authorize): Value => new Check('authorizer', authorize)
/** What `authorizer.requestResource` is. */
export const resourceCheckValue = (authorize: Authorize, attributes: Attributes): Value => new Check('resource', authorize, attributes)

const onCheck = (run: (check: Check, ...args: string[]) => Value) => (check: Value = null, ...args: Value[]): Value =>
  check instanceof Check ? run(check, ...args.map(String)) : NO_SUCH_OVERLOAD
const onDecision = (run: (decision: AuthorizationDecision) => Value) => (value: Value = null): Value => (value instanceof Decision ? run(value.decision) : NO_SUCH_OVERLOAD)
const decide = onCheck((check, verb = '') => new Decision(check.authorize({ ...check.attributes, verb })))

export const AUTHORIZER: Readonly<Record<string, (...args: Value[]) => Value>> = {
  authorizer_path: onCheck((check, path = '') => (path.trim() === '' ? new CelError('path must not be empty') : check.as('path', { path }))),
  authorizer_group: onCheck((check, group = '') => check.as('group', { group })),
  authorizer_serviceaccount: onCheck((check, namespace = '', name = '') => {
    if (isDNS1123Subdomain(name).length > 0) return new CelError('Invalid service account name')
    if (isDNS1123Label(namespace).length > 0) return new CelError('Invalid service account namespace')
    return check.as('authorizer', { serviceAccount: { namespace, name } })
  }),
  groupcheck_resource: onCheck((check, resource = '') => (resource.trim() === '' ? new CelError('resource must not be empty') : check.as('resource', { resource }))),
  resourcecheck_subresource: onCheck((check, subresource = '') => check.as('resource', { subresource })),
  resourcecheck_namespace: onCheck((check, namespace = '') => check.as('resource', { namespace })),
  resourcecheck_name: onCheck((check, name = '') => check.as('resource', { name })),
  authorizer_fieldselector: onCheck((check, fieldSelector = '') => check.as('resource', { fieldSelector })),
  authorizer_labelselector: onCheck((check, labelSelector = '') => check.as('resource', { labelSelector })),
  pathcheck_check: decide,
  resourcecheck_check: decide,
  decision_allowed: onDecision(({ allowed }) => allowed),
  decision_errored: onDecision(({ error }) => error !== undefined),
  decision_error: onDecision(({ error = '' }) => error),
  decision_reason: onDecision(({ reason = '' }) => reason),
}
