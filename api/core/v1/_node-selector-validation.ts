/** The terms of a node selector, of node affinity and of volumes alike. Models ValidateNodeSelector of k8s.io/kubernetes/pkg/apis/core/validation. */
import { isDNS1123Subdomain, isQualifiedName, isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../../../schemas/types.ts'
import { invalids } from '../../_field-errors.ts'

interface SelectorOptions {
  /** For objects that were stored before label values were checked. */
  allowInvalidLabelValue?: boolean
}

const WRONG_OPERATOR = 'not a valid selector operator'

export function validateNodeSelector(selector: NodeSelector, path: string, options: SelectorOptions = {}): FieldError[] {
  const at = `${path}.nodeSelectorTerms`
  const terms = selector.nodeSelectorTerms ?? []
  if (terms.length === 0) return [field.required(at, 'must have at least one node selector term')]
  return terms.flatMap((term, i) => validateNodeSelectorTerm(term, `${at}[${i}]`, options))
}

export function validateNodeSelectorTerm(term: NodeSelectorTerm, path: string, options: SelectorOptions = {}): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, i) => validateExpression(requirement, `${path}.matchExpressions[${i}]`, options)),
    ...(term.matchFields ?? []).flatMap((requirement, i) => validateFieldRequirement(requirement, `${path}.matchFields[${i}]`)),
  ]
}

function validateOperator(operator: string, count: number, path: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return count === 0 ? [field.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : []
    case 'Exists':
    case 'DoesNotExist':
      return count > 0 ? [field.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : []
    case 'Gt':
    case 'Lt':
      return count !== 1 ? [field.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")] : []
    default:
      return [field.invalid(`${path}.operator`, operator, WRONG_OPERATOR)]
  }
}

function validateExpression({ key = '', operator = '', values = [] }: NodeSelectorRequirement, path: string, options: SelectorOptions): FieldError[] {
  const errors = [...validateOperator(operator, values.length, path), ...invalids(`${path}.key`, key, isQualifiedName(key))]
  if (options.allowInvalidLabelValue) return errors
  return [...errors, ...values.flatMap((value, i) => invalids(`${path}.values[${i}]`, value, isValidLabelValue(value)))]
}

function validateFieldRequirement({ key = '', operator = '', values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn') errors.push(field.invalid(`${path}.operator`, operator, WRONG_OPERATOR))
  else if (values.length !== 1) errors.push(field.required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
  if (key !== 'metadata.name') return [...errors, field.invalid(`${path}.key`, key, 'not a valid field selector key')]
  return [...errors, ...values.flatMap((value, i) => invalids(`${path}.values[${i}]`, value, isDNS1123Subdomain(value)))]
}

export function hasInvalidLabelValue(terms: readonly NodeSelectorTerm[] | undefined): boolean {
  return (terms ?? []).some((term) => term.matchExpressions?.some((e) => e.values?.some((value) => isValidLabelValue(value).length > 0)))
}
