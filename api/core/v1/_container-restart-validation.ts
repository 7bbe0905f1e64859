/** Restart policies and rules of single containers. Models validateContainerRestartPolicy of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Container, ContainerRestartRule } from '../../../schemas/types.ts'
import { field, type FieldError } from '../../../src/errors.ts'

const POLICIES = ['Always', 'Never', 'OnFailure']
const ACTIONS = ['Restart', 'RestartAllContainers']
const OPERATORS = ['In', 'NotIn']
const MAX_RULES = 20
const MAX_VALUES = 255

export function validateRestartPolicy({ restartPolicy: policy, restartPolicyRules: rules = [] }: Container, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (policy === undefined) {
    if (rules.length === 0) return errors
    errors.push(noPolicy(path))
  } else if (!POLICIES.includes(policy)) errors.push(field.notSupported(`${path}.restartPolicy`, policy, POLICIES))
  if (rules.length > MAX_RULES) errors.push(field.tooMany(`${path}.restartPolicyRules`, rules.length, MAX_RULES))
  return [...errors, ...rules.flatMap((rule, i) => validateRule(rule, `${path}.restartPolicyRules[${i}]`))]
}

/** Without a policy the rules of an init container are not looked at. */
export function validateInitRestartPolicy(container: Container, path: string): FieldError[] {
  if (container.restartPolicy !== undefined) return validateRestartPolicy(container, path)
  return container.restartPolicyRules?.length ? [noPolicy(path)] : []
}

const noPolicy = (path: string) => field.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used')

function validateRule({ action = '', exitCodes }: ContainerRestartRule, path: string): FieldError[] {
  const errors = ACTIONS.includes(action) ? [] : [field.notSupported(`${path}.action`, action, ACTIONS)]
  if (!exitCodes) return [...errors, field.required(`${path}.exitCodes`, 'must be specified')]
  const { operator = '', values = [] } = exitCodes
  if (!OPERATORS.includes(operator)) errors.push(field.notSupported(`${path}.exitCodes.operator`, operator, OPERATORS))
  if (values.length > MAX_VALUES) errors.push(field.tooMany(`${path}.exitCodes.values`, values.length, MAX_VALUES))
  return errors
}
