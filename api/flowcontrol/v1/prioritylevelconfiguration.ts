/**
 * flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration. Models
 * k8s.io/kubernetes/pkg/registry/flowcontrol/prioritylevelconfiguration and pkg/apis/flowcontrol/validation.
 */
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import { keepMetadataForStatus } from '../../_status-meta.ts'
import { MANDATORY_PRIORITY_LEVELS } from './_bootstrap.ts'
import { validateStatusConditions } from './_rules.ts'
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, PriorityLevelConfigurationSpec, QueuingConfiguration } from '../../../schemas/types.ts'

const TYPES = ['Exempt', 'Limited']
const RESPONSE_TYPES = ['Queue', 'Reject']
const ROUND_TRIP_ANNOTATION = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares'
const MAX_QUEUES = 10_000_000
const MAX_HASH_BITS = 60
const SPEC_TYPE = 'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec'

function defaultSpec({ limited, exempt }: PriorityLevelConfigurationSpec): void {
  if (exempt) {
    exempt.nominalConcurrencyShares ??= 0
    exempt.lendablePercent ??= 0
  }
  if (!limited) return
  limited.nominalConcurrencyShares ??= 30
  limited.lendablePercent ??= 0
  const queuing = limited.limitResponse?.queuing
  if (!queuing) return
  queuing.handSize ||= 8
  queuing.queues ||= 64
  queuing.queueLengthLimit ||= 50
}

function validate({ metadata: { name = '', annotations }, spec, status }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = []
  if (annotations && ROUND_TRIP_ANNOTATION in annotations) errors.push(field.forbidden('metadata.annotations', `annotation '${ROUND_TRIP_ANNOTATION}' is forbidden`))
  errors.push(...validateSpec(spec, name))
  const fixed = MANDATORY_PRIORITY_LEVELS[name]
  if (fixed) {
    const isExempt = name === 'exempt'
    const compared = isExempt ? { ...spec, exempt: fixed.exempt } : spec
    if (!equalInternal(SPEC_TYPE, compared, fixed)) {
      errors.push(field.invalid('spec', internalJSON(SPEC_TYPE, spec), `spec of '${name}'${isExempt ? " except the 'spec.exempt' field" : ''} must equal the fixed value`))
    }
  }
  errors.push(...validateStatusConditions(status?.conditions))
  return errors
}

function validateSpec(spec: PriorityLevelConfigurationSpec, name: string): FieldError[] {
  const errors: FieldError[] = []
  const { type = '', limited, exempt } = spec
  if ((name === 'exempt') !== (type === 'Exempt')) errors.push(field.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'"))
  if (type === 'Exempt') {
    if (limited) errors.push(field.forbidden('spec.limited', 'must be nil if the type is not Limited'))
    if (exempt?.nominalConcurrencyShares !== undefined && exempt.nominalConcurrencyShares < 0) {
      errors.push(field.invalid('spec.exempt.nominalConcurrencyShares', exempt.nominalConcurrencyShares, 'must be a non-negative integer'))
    }
    if (exempt) errors.push(...validateLendable(exempt.lendablePercent, 'spec.exempt'))
  } else if (type === 'Limited') {
    if (exempt) errors.push(field.forbidden('spec.exempt', 'must be nil if the type is Limited'))
    if (!limited) errors.push(field.required('spec.limited', 'must not be empty when type is Limited'))
    else errors.push(...validateLimited(limited, 'spec.limited'))
  } else if (!type) errors.push(field.required('spec.type'))
  else errors.push(field.notSupported('spec.type', type, TYPES))
  return errors
}

function validateLendable(lendablePercent: number | undefined, path: string): FieldError[] {
  if (lendablePercent === undefined || (lendablePercent >= 0 && lendablePercent <= 100)) return []
  return [field.invalid(`${path}.lendablePercent`, lendablePercent, 'must be between 0 and 100, inclusive')]
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { nominalConcurrencyShares = 0, borrowingLimitPercent } = limited
  if (nominalConcurrencyShares < 0) errors.push(field.invalid(`${path}.nominalConcurrencyShares`, nominalConcurrencyShares, 'must be a non-negative integer'))
  errors.push(...validateLimitResponse(limited.limitResponse ?? {}, `${path}.limitResponse`))
  errors.push(...validateLendable(limited.lendablePercent, path))
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    errors.push(field.invalid(`${path}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer'))
  }
  return errors
}

function validateLimitResponse({ type, queuing }: LimitResponse, path: string): FieldError[] {
  if (!type) return [field.required(`${path}.type`)]
  if (!RESPONSE_TYPES.includes(type)) return [field.notSupported(`${path}.type`, type, RESPONSE_TYPES)]
  if (type === 'Reject') return queuing ? [field.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')] : []
  return queuing ? validateQueuing(queuing, `${path}.queuing`) : [field.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')]
}

function validateQueuing({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (queueLengthLimit <= 0) errors.push(field.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) errors.push(field.invalid(`${path}.queues`, queues, 'must be positive'))
  else if (queues > MAX_QUEUES) errors.push(field.invalid(`${path}.queues`, queues, `must not be greater than ${MAX_QUEUES}`))
  if (handSize <= 0) errors.push(field.invalid(`${path}.handSize`, handSize, 'must be positive'))
  else if (handSize > queues) errors.push(field.invalid(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`))
  else if (Math.ceil(Math.log2(queues) * handSize) > MAX_HASH_BITS) {
    errors.push(field.invalid(`${path}.handSize`, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`))
  }
  return errors
}

const queuingCell = (level: PriorityLevelConfiguration, name: keyof QueuingConfiguration): number | string => {
  const queuing = level.spec.limited?.limitResponse?.queuing
  return queuing ? (queuing[name] ?? 0) : '<none>'
}

export default defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  namespaced: false,
  repeatsMetadataUpdate: false,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: {
    status: {
      prepareForUpdate: keepMetadataForStatus,
      validateUpdate: ({ status }) => validateStatusConditions(status?.conditions),
    },
  },
  columns: [
    nameColumn,
    { name: 'Type', value: ({ spec }) => spec.type ?? '' },
    { name: 'NominalConcurrencyShares', value: ({ spec }) => (spec.limited ? (spec.limited.nominalConcurrencyShares ?? 0) : '<none>') },
    { name: 'Queues', value: (level) => queuingCell(level, 'queues') },
    { name: 'HandSize', value: (level) => queuingCell(level, 'handSize') },
    { name: 'QueueLengthLimit', value: (level) => queuingCell(level, 'queueLengthLimit') },
    ageColumn,
  ],
  generation: true,
  default: ({ spec }) => defaultSpec(spec),
  validate,
})
