/** Policies that may refuse what is written. Models k8s.io/apiserver/pkg/admission/plugin/policy/validating (dispatcher.go). */
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../schemas/types.ts'
import { goJSON, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { CachingAuthorizer } from './policies/authorizer.ts'
import { evaluate } from './policies/evaluate.ts'
import { listHooks, namespaceFor, selectHooks, type Hook } from './policies/hooks.ts'
import { isBeyondPolicies } from './policies/match-policy.ts'
import { type AuditAnnotationResult, type Decision, validateByPolicy } from './policies/validate.ts'
import { refuse } from './refuse.ts'
import { prepareVersioned } from './versioned.ts'

type Policy = ValidatingAdmissionPolicy
type Binding = ValidatingAdmissionPolicyBinding

const FAILURE = 'validation.policy.admission.k8s.io/validation_failure'
const MAX_ANNOTATION_LENGTH = 10 * 1024
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 }

export const validatingAdmissionPolicy: AdmissionPlugin = {
  name: 'ValidatingAdmissionPolicy',
  validate(attributes) {
    if (isBeyondPolicies(attributes)) return undefined
    const hooks = listHooks<Policy, Binding>(attributes.ctx.system, 'ValidatingAdmissionPolicy')
    return hooks.length === 0 ? undefined : dispatch(hooks, attributes)
  },
}

interface Denial {
  policy: Policy
  binding: Binding | undefined
  message: string
  reason?: string | undefined
}

async function dispatch(hooks: readonly Hook<Policy, Binding>[], attributes: AdmissionAttributes): Promise<void> {
  const { groups, failures } = selectHooks(hooks, attributes)
  const denials: Denial[] = failures.filter(({ policy }) => policy.spec.failurePolicy !== 'Ignore')
  if (groups.length > 0) {
    const namespace = namespaceFor(attributes)
    const authorizer = new CachingAuthorizer(attributes.ctx.system.authorizer, attributes.ctx.user)
    const annotations = new AnnotationCollector()
    for (const { policy, binding, kind, params: all } of groups) {
      await prepareVersioned(attributes, kind)
      for (const params of all) {
        const { decisions, auditAnnotations } = await evaluate(() => validateByPolicy(policy, { attributes, kind, params, namespace, authorizer }))
        for (const [index, decision] of decisions.entries()) if (decision.denies) act(decision, index, { policy, binding, attributes, denials })
        for (const annotation of auditAnnotations) {
          if (annotation.error !== undefined) denials.push({ policy, binding, message: annotation.error })
          else annotations.add(policy.metadata.name ?? '', annotation)
        }
      }
    }
    annotations.publish(attributes)
  }
  const [first] = denials
  if (first) throw denied(first, attributes)
}

interface Place {
  policy: Policy
  binding: Binding
  attributes: AdmissionAttributes
  denials: Denial[]
}

/** Does what the binding wants to be done about a failed validation. */
function act({ message, reason }: Decision, expressionIndex: number, { policy, binding, attributes, denials }: Place): void {
  const { ctx } = attributes
  const { validationActions = [], policyName } = binding.spec
  for (const action of validationActions) {
    if (action === 'Deny') denials.push({ policy, binding, message, reason })
    if (action === 'Warn') ctx.warn(`Validation failed for ValidatingAdmissionPolicy '${policy.metadata.name}' with binding '${binding.metadata.name}': ${message}`)
    if (action === 'Audit') ctx.annotateAudit(FAILURE, goJSON([{ message, policy: policyName, binding: binding.metadata.name, expressionIndex, validationActions }]))
  }
}

function denied({ policy, binding, message: why, reason = 'Invalid' }: Denial, attributes: AdmissionAttributes): StatusError {
  const with_ = binding ? ` with binding '${binding.metadata.name}'` : ''
  const message = `ValidatingAdmissionPolicy '${policy.metadata.name}'${with_} denied request: ${why}`
  const { message: full, details } = refuse(attributes, message)
  return new StatusError({ code: CODES[reason] ?? 422, reason, message: full, details: { ...details, causes: [{ message }] } })
}

/** Each distinct value of a key once, in the order they came. */
class AnnotationCollector {
  readonly #values = new Map<string, Set<string>>()

  add(policy: string, { key, value }: AuditAnnotationResult): void {
    if (value === undefined) return
    const full = `${policy}/${key}`
    const known = this.#values.get(full) ?? new Set()
    this.#values.set(full, known.add(value.slice(0, MAX_ANNOTATION_LENGTH)))
  }

  publish({ ctx }: AdmissionAttributes): void {
    for (const [key, values] of this.#values) ctx.annotateAudit(key, [...values].join(', '))
  }
}
