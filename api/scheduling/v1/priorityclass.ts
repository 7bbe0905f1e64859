/** scheduling.k8s.io/v1 PriorityClass. Models k8s.io/kubernetes/pkg/registry/scheduling/priorityclass and pkg/apis/scheduling/validation. */
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateImmutableField } from '../../../src/apimachinery/validate-meta.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import type { PriorityClass } from '../../../schemas/types.ts'

const SYSTEM_PREFIX = 'system-'
const HIGHEST_USER_PRIORITY = 1_000_000_000
const PREEMPTION_POLICIES = ['PreemptLowerPriority', 'Never']

/** The classes that every cluster has. */
export const SYSTEM_PRIORITY_CLASSES: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-node-critical' },
    value: 2 * HIGHEST_USER_PRIORITY + 1000,
    description: 'Used for system critical pods that must not be moved from their current node.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2 * HIGHEST_USER_PRIORITY,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
]

function validate(priorityClass: PriorityClass): FieldError[] {
  const errors: FieldError[] = []
  const { value = 0, preemptionPolicy } = priorityClass
  if (priorityClass.metadata.name?.startsWith(SYSTEM_PREFIX)) {
    const why = whyNotSystem(priorityClass)
    if (why) errors.push(field.forbidden('metadata.name', `priority class names with '${SYSTEM_PREFIX}' prefix are reserved for system use only. error: ${why}`))
  } else if (value > HIGHEST_USER_PRIORITY) {
    errors.push(field.forbidden('value', `maximum allowed value of a user defined priority is ${HIGHEST_USER_PRIORITY}`))
  }
  if (preemptionPolicy === '') errors.push(field.required('preemptionPolicy'))
  else if (preemptionPolicy !== undefined && !PREEMPTION_POLICIES.includes(preemptionPolicy)) errors.push(field.notSupported('preemptionPolicy', preemptionPolicy, PREEMPTION_POLICIES))
  return errors
}

function whyNotSystem({ metadata, value = 0, globalDefault = false }: PriorityClass): string | undefined {
  const known = SYSTEM_PRIORITY_CLASSES.find((c) => c.metadata.name === metadata.name)
  if (!known) return `${metadata.name} is not a known system priority class`
  if (known.value !== value) return `value of ${metadata.name} PriorityClass must be ${known.value}`
  return globalDefault ? `globalDefault of ${metadata.name} PriorityClass must be false` : undefined
}

function validateUpdate(priorityClass: PriorityClass, old: PriorityClass): FieldError[] {
  const errors: FieldError[] = []
  if ((priorityClass.value ?? 0) !== (old.value ?? 0)) errors.push(field.forbidden('value', 'may not be changed in an update.'))
  errors.push(...validateImmutableField(priorityClass.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'))
  return errors
}

export default defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', value: (c) => c.value ?? 0 },
    { name: 'Global-Default', type: 'boolean', value: (c) => c.globalDefault ?? false },
    ageColumn,
    { name: 'PreemptionPolicy', value: (c) => c.preemptionPolicy ?? '' },
  ],
  // set to 1 and never raised
  generation: () => false,
  default(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate,
  validateUpdate,
})
