/** Whether a webhook is called for a request, and in which version it wants the object. Models ShouldCallHook of k8s.io/apiserver/pkg/admission/plugin/webhook/generic. */
import { forbidden } from '../../errors.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { matchesNamespace, matchesObject, matchingKind } from '../match-resources.ts'
import { prepareVersioned } from '../versioned.ts'
import type { Hook } from './hook.ts'
import type { MatchConditions } from './match-conditions.ts'

/** A webhook that is to be called. */
export interface Invocation {
  hook: Hook
  /** The version of the resource that its rule names. */
  kind: ServedKind
}

/** @throws StatusError 404 for a namespace that is not there, 403 when a condition cannot be evaluated, 500 when the object cannot be converted */
export async function invocationOf(hook: Hook, attributes: AdmissionAttributes, conditions: MatchConditions): Promise<Invocation | undefined> {
  const kind = matchingKind(hook.webhook, attributes)
  if (!kind || !matchesObject(hook.objectSelector, attributes) || !matchesNamespace(hook.namespaceSelector, attributes)) return undefined
  await prepareVersioned(attributes, kind)
  const invocation = { hook, kind }
  if (!hook.webhook.matchConditions?.length) return invocation
  const { matches, error } = await conditions(invocation, attributes)
  if (error !== undefined) throw forbidden(attributes.kind.groupResource, attributes.name, error)
  return matches ? invocation : undefined
}

