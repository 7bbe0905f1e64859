/** Evaluates one validating policy for one request and parameter. Models validator.go and plugin.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating. */
import type { ValidatingAdmissionPolicy, Validation } from '../../../schemas/types.ts'
import { type AdmissionExpression, PolicyCompiler } from '../../apimachinery/cel/admission-expressions.ts'
import { RUNTIME_COST_BUDGET } from '../../apimachinery/cel/program.ts'
import { typeOfValue, type Value } from '../../apimachinery/cel/values.ts'
import type { RequestView } from './activation.ts'
import { evaluateAll, type Outcome, OutOfBudget, type Variables } from './evaluate.ts'
import { matchConditions } from './match-conditions.ts'

export interface Decision {
  denies: boolean
  message: string
  reason?: string | undefined
}

export interface AuditAnnotationResult {
  key: string
  /** undefined: nothing is noted. */
  value?: string
  /** Refuses the request. */
  error?: string
}

export interface Verdict {
  decisions: Decision[]
  auditAnnotations: AuditAnnotationResult[]
}

interface Compiled {
  variables: Variables
  conditions: AdmissionExpression[]
  validations: AdmissionExpression[]
  messages: (AdmissionExpression | undefined)[]
  annotations: AdmissionExpression[]
}

const MAX_MESSAGE_BYTES = 5 * 1024

/** Policies are immutable versions, so what is made of one lasts as long as it does. */
const known = new WeakMap<ValidatingAdmissionPolicy, Compiled>()

function compile(policy: ValidatingAdmissionPolicy): Compiled {
  const found = known.get(policy)
  if (found) return found
  const { paramKind, variables = [], matchConditions: conditions = [], validations = [], auditAnnotations = [] } = policy.spec
  const options = { hasParams: paramKind !== undefined, hasAuthorizer: true }
  const forMessages = { ...options, hasAuthorizer: false }
  const compiler = new PolicyCompiler()
  for (const { name = '', expression = '' } of variables) compiler.addVariable(name, expression, options)
  const compiled: Compiled = {
    variables: compiler.variables,
    conditions: conditions.map(({ expression = '' }) => compiler.compile(expression, options, 'bool')),
    validations: validations.map(({ expression = '' }) => compiler.compile(expression, options, 'bool')),
    messages: validations.map(({ messageExpression }) => (messageExpression ? compiler.compile(messageExpression, forMessages, 'string') : undefined)),
    annotations: auditAnnotations.map(({ valueExpression = '' }) => compiler.compile(valueExpression, options, 'string or null')),
  }
  known.set(policy, compiled)
  return compiled
}

/** @throws Pending */
export function validateByPolicy(policy: ValidatingAdmissionPolicy, view: RequestView): Verdict {
  const { failurePolicy, validations = [] } = policy.spec
  const fails = failurePolicy !== 'Ignore'
  const { variables, conditions, ...expressions } = compile(policy)
  const failed = (message: string): Verdict => ({ decisions: [{ denies: fails, message }], auditAnnotations: [] })
  if (conditions.length > 0) {
    const { matches, error } = matchConditions(conditions, view, { variables, failurePolicy })
    if (error !== undefined) return failed(error)
    if (!matches) return { decisions: [], auditAnnotations: [] }
  }
  try {
    const { outcomes, remaining } = evaluateAll(expressions.validations, view, { variables, budget: RUNTIME_COST_BUDGET })
    const plain = { ...view, authorizer: undefined }
    const messages = evaluateMessages(expressions.messages, plain, { variables, budget: remaining })
    const decisions = outcomes.map((outcome, i) => decide(outcome, { validation: validations[i] ?? {}, messages, index: i, fails }))
    const { outcomes: annotated } = evaluateAll(expressions.annotations, plain, { variables, budget: RUNTIME_COST_BUDGET })
    return { decisions, auditAnnotations: annotated.map((outcome, i) => annotation(policy.spec.auditAnnotations?.[i]?.key ?? '', outcome, fails)) }
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message)
    throw error
  }
}

type Messages = Outcome[] | OutOfBudget

function evaluateMessages(expressions: Compiled['messages'], view: RequestView, options: { variables: Variables; budget: number }): Messages {
  try {
    return evaluateAll(expressions, view, options).outcomes
  } catch (error) {
    if (error instanceof OutOfBudget) return error
    throw error
  }
}

function decide({ value, error }: Outcome, { validation, messages, index, fails }: { validation: Validation; messages: Messages; index: number; fails: boolean }): Decision {
  if (error !== undefined) return { denies: fails, message: error }
  if (messages instanceof OutOfBudget) return { denies: fails, message: `failed messageExpression: ${messages.message}` }
  if (value === true) return { denies: false, message: '' }
  const { message = '', expression = '', reason = 'Invalid' } = validation
  return { denies: true, reason, message: usableMessage(messages[index]?.value) || message.trim() || `failed expression: ${expression.trim()}` }
}

/** One line that is not too long, else nothing. */
function usableMessage(value: Value | undefined): string {
  const text = typeof value === 'string' ? value.trim() : ''
  return text.includes('\n') || Buffer.byteLength(text) > MAX_MESSAGE_BYTES ? '' : text
}

function annotation(key: string, { value, error }: Outcome, fails: boolean): AuditAnnotationResult {
  if (error !== undefined) return fails ? { key, error } : { key }
  if (value === null || value === undefined) return { key }
  if (typeof value !== 'string') return { key, error: `valueExpression resulted in unsupported return type: ${typeOfValue(value).name}. Return type must be either string or null.` }
  const text = value.trim()
  return text ? { key, value: text } : { key }
}
