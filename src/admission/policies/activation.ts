/** What the variables of an expression stand for in one request. Models activation.go and condition.go of k8s.io/apiserver/pkg/admission/plugin/cel. */
import type { Namespace } from '../../../schemas/types.ts'
import { authorizerValue, resourceCheckValue } from '../../apimachinery/cel/authorizer.ts'
import type { Activation } from '../../apimachinery/cel/frame.ts'
import { jsonValue } from '../../apimachinery/cel/json-values.ts'
import type { Value } from '../../apimachinery/cel/values.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { versioned } from '../versioned.ts'
import { admissionRequest } from '../webhooks/review.ts'
import type { CachingAuthorizer } from './authorizer.ts'

/** One request as one policy sees it. */
export interface RequestView {
  readonly attributes: AdmissionAttributes
  /** The version of the resource that was matched. */
  readonly kind: ServedKind
  /** What `request.resource` is, where it is not that version. */
  readonly resource?: ServedKind
  readonly params: KubeObject | undefined
  readonly namespace: Namespace | undefined
  readonly authorizer: CachingAuthorizer | undefined
}

type Make = () => Value

/** Each is made when first asked for. */
export function activationOf(view: RequestView): Activation {
  const { attributes, kind, params, namespace, authorizer } = view
  const { object, oldObject } = attributes
  const objectOf = (given: KubeObject | undefined): Value => (given ? jsonValue(versioned(given, attributes, kind)) : null)
  const makers: Readonly<Record<string, Make | undefined>> = {
    object: () => objectOf(object),
    oldObject: () => objectOf(oldObject),
    request: () => jsonValue(admissionRequest(kind, attributes, view.resource)),
    params: () => jsonValue(params),
    namespaceObject: () => (namespace ? jsonValue(visiblePart(namespace)) : null),
    ...(authorizer ? authorizerMakers(attributes, authorizer) : {}),
  }
  const made = new Map<string, Value>()
  return (name) => {
    const known = made.get(name)
    if (known !== undefined) return known
    const make = Object.hasOwn(makers, name) ? makers[name] : undefined
    if (!make) return undefined
    const value = make()
    made.set(name, value)
    return value
  }
}

function authorizerMakers({ kind, subresource, namespace, name }: AdmissionAttributes, { authorize }: CachingAuthorizer): Readonly<Record<string, Make>> {
  return {
    authorizer: () => authorizerValue(authorize),
    'authorizer.requestResource': () => resourceCheckValue(authorize, { group: kind.group, resource: kind.plural, subresource, namespace, name }),
  }
}

/** Who manages a namespace's fields and who owns it is not shown. */
function visiblePart({ metadata, spec, status }: Namespace): object {
  const { managedFields: _managers, ownerReferences: _owners, ...shown } = metadata
  return { metadata: shown, spec: spec ?? {}, status: status ?? {} }
}
