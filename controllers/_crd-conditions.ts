/** Conditions of CustomResourceDefinitions. Models k8s.io/apiextensions-apiserver/pkg/apihelpers. */
import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf } from '../src/controller/conditions.ts'

export const DEFINITION = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
/** Upstream these controllers are part of the server. */
export const SERVER = { user: 'system:apiserver', manager: 'kube-apiserver' } as const

/** A condition before anybody says since when. */
export type ConditionDraft = Required<Pick<CustomResourceDefinitionCondition, 'type' | 'status' | 'reason' | 'message'>>

/** The definition with the condition in the place of the one of its type; since when changes with the status alone. */
export function withCRDCondition(crd: CustomResourceDefinition, draft: ConditionDraft, nowMs: number): CustomResourceDefinition {
  const conditions = crd.status?.conditions ?? []
  const current = conditionOf(conditions, draft.type)
  const lastTransitionTime = current?.status === draft.status && current.lastTransitionTime ? current.lastTransitionTime : formatTime(nowMs)
  const condition = { type: draft.type, status: draft.status, lastTransitionTime, reason: draft.reason, message: draft.message }
  const changed = current ? conditions.map((c) => (c === current ? condition : c)) : [...conditions, condition]
  return { ...crd, status: { ...crd.status, conditions: changed } }
}

export function saysTheSame(condition: CustomResourceDefinitionCondition | undefined, draft: ConditionDraft): boolean {
  return condition?.status === draft.status && condition.reason === draft.reason && condition.message === draft.message
}
