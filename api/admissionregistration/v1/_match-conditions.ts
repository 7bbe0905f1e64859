/** matchConditions of webhooks and policies. Models validateMatchConditions of k8s.io/kubernetes/pkg/apis/admissionregistration/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { validateExpression } from './_cel.ts'
import type { MatchCondition } from '../../../schemas/types.ts'

const MAX_CONDITIONS = 64

export function validateMatchConditions(conditions: readonly MatchCondition[] | undefined, path: string, { hasParams }: { hasParams: boolean }): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  const list = conditions ?? []
  if (list.length > MAX_CONDITIONS) errors.push(field.tooMany(path, list.length, MAX_CONDITIONS))
  list.forEach((condition, i) => {
    const at = `${path}[${i}]`
    const expression = (condition.expression ?? '').trim()
    if (!expression) errors.push(field.required(`${at}.expression`))
    else errors.push(...validateExpression(expression, `${at}.expression`, { hasParams, hasAuthorizer: true, returns: 'bool' }))
    if (!condition.name) return errors.push(field.required(`${at}.name`))
    for (const message of isQualifiedName(condition.name)) errors.push(field.invalid(`${at}.name`, condition.name, message))
    if (names.has(condition.name)) errors.push(field.duplicate(`${at}.name`, condition.name))
    names.add(condition.name)
  })
  return errors
}
