/** The match conditions of webhooks and policies. Models k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions. */
import { aggregateTexts } from '../../errors.ts'
import type { MatchCondition } from '../../../schemas/types.ts'
import { type AdmissionExpression, compileAdmissionExpression } from '../../apimachinery/cel/admission-expressions.ts'
import { admissionEnvironment } from '../../apimachinery/cel/admission-types.ts'
import type { Environment } from '../../apimachinery/cel/environment.ts'
import { MATCH_CONDITIONS_COST_BUDGET } from '../../apimachinery/cel/program.ts'
import type { MatchConditions } from '../webhooks/match-conditions.ts'
import type { RequestView } from './activation.ts'
import { CachingAuthorizer } from './authorizer.ts'
import { evaluate, evaluateAll, type Outcome, OutOfBudget, type Variables } from './evaluate.ts'

export interface MatchVerdict {
  matches: boolean
  /** Why it cannot be told, where that must not pass. */
  error?: string
}

export interface ConditionOptions {
  variables?: Variables
  failurePolicy: string | undefined
}

/** One condition that is false decides, even where another fails. @throws Pending */
export function matchConditions(conditions: readonly AdmissionExpression[], view: RequestView, { variables, failurePolicy }: ConditionOptions): MatchVerdict {
  const failed = (error: string): MatchVerdict => (failurePolicy === 'Ignore' ? { matches: false } : { matches: false, error })
  let outcomes: Outcome[]
  try {
    // Conditions see nothing of the namespace, and the resource as it was asked for.
    outcomes = evaluateAll(conditions, { ...view, namespace: undefined, resource: view.attributes.kind }, { variables, budget: MATCH_CONDITIONS_COST_BUDGET }).outcomes
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message)
    throw error
  }
  if (outcomes.some(({ value }) => value === false)) return { matches: false }
  const errors = outcomes.flatMap(({ error }) => (error === undefined ? [] : [error]))
  return errors.length > 0 ? failed(aggregateTexts(errors)) : { matches: true }
}

const compiled = new WeakMap<readonly MatchCondition[], AdmissionExpression[]>()
let environment: Environment | undefined

function compile(conditions: readonly MatchCondition[]): AdmissionExpression[] {
  environment ??= admissionEnvironment({ hasParams: false, hasAuthorizer: true })
  const env = environment
  const known = compiled.get(conditions) ?? conditions.map(({ expression = '' }) => compileAdmissionExpression(expression, env, 'bool'))
  compiled.set(conditions, known)
  return known
}

export const webhookMatchConditions: MatchConditions = ({ hook, kind }, attributes) => {
  const { matchConditions: conditions = [], failurePolicy } = hook.webhook
  const authorizer = new CachingAuthorizer(attributes.ctx.system.authorizer, attributes.ctx.user)
  const view = { attributes, kind, params: undefined, namespace: undefined, authorizer }
  return evaluate(() => matchConditions(compile(conditions), view, { failurePolicy }))
}
