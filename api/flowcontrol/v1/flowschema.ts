/** flowcontrol.apiserver.k8s.io/v1 FlowSchema. Models k8s.io/kubernetes/pkg/registry/flowcontrol/flowschema and pkg/apis/flowcontrol/validation. */
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import { keepMetadataForStatus } from '../../_status-meta.ts'
import { MANDATORY_FLOW_SCHEMAS } from './_bootstrap.ts'
import { validateRules, validateStatusConditions } from './_rules.ts'
import type { FlowSchema } from '../../../schemas/types.ts'

const DISTINGUISHER_METHODS = ['ByNamespace', 'ByUser']
const DEFAULT_PRECEDENCE = 1000
const MAX_PRECEDENCE = 10000
const SPEC_TYPE = 'io.k8s.api.flowcontrol.v1.FlowSchemaSpec'

function validate({ metadata: { name = '' }, spec, status }: FlowSchema): FieldError[] {
  const errors: FieldError[] = []
  const { matchingPrecedence = 0, distinguisherMethod } = spec
  const precedence = 'spec.matchingPrecedence'
  if (matchingPrecedence <= 0) errors.push(field.invalid(precedence, matchingPrecedence, 'must be a positive value'))
  if (matchingPrecedence > MAX_PRECEDENCE) errors.push(field.invalid(precedence, matchingPrecedence, `must not be greater than ${MAX_PRECEDENCE}`))
  if (matchingPrecedence === 1 && name !== 'exempt') errors.push(field.invalid(precedence, matchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
  if (distinguisherMethod && !DISTINGUISHER_METHODS.includes(distinguisherMethod.type ?? '')) {
    errors.push(field.notSupported('spec.distinguisherMethod.type', { Type: distinguisherMethod.type ?? '' }, DISTINGUISHER_METHODS))
  }
  const level = spec.priorityLevelConfiguration?.name
  if (!level) errors.push(field.required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
  else for (const message of isDNS1123Subdomain(level)) errors.push(field.invalid('spec.priorityLevelConfiguration.name', level, message))
  spec.rules?.forEach((rule, i) => errors.push(...validateRules(rule, `spec.rules[${i}]`)))
  const fixed = MANDATORY_FLOW_SCHEMAS[name]
  if (fixed && !equalInternal(SPEC_TYPE, spec, fixed)) {
    errors.push(field.invalid('spec', internalJSON(SPEC_TYPE, spec), `spec of '${name}' must equal the fixed value`))
  }
  errors.push(...validateStatusConditions(status?.conditions))
  return errors
}

function missingLevel({ status }: FlowSchema): string {
  const dangling = status?.conditions?.find((c) => c.type === 'Dangling')
  return dangling ? (dangling.status ?? '') : '?'
}

export default defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  namespaced: false,
  repeatsMetadataUpdate: false,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: {
    status: {
      prepareForUpdate: keepMetadataForStatus,
      validateUpdate: ({ status }) => validateStatusConditions(status?.conditions),
    },
  },
  /** As they are tried: a list comes by name, and sorting keeps that order among equals. */
  rowOrder: (a, b) => (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0),
  columns: [
    nameColumn,
    { name: 'PriorityLevel', value: ({ spec }) => spec.priorityLevelConfiguration?.name ?? '' },
    { name: 'MatchingPrecedence', value: ({ spec }) => spec.matchingPrecedence ?? 0 },
    { name: 'DistinguisherMethod', value: ({ spec }) => (spec.distinguisherMethod ? (spec.distinguisherMethod.type ?? '') : '<none>') },
    ageColumn,
    { name: 'MissingPL', value: missingLevel },
  ],
  generation: true,
  default({ spec }) {
    spec.matchingPrecedence ||= DEFAULT_PRECEDENCE
  },
  validate,
})
