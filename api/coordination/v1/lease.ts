/**
 * coordination.k8s.io/v1 Lease. Models k8s.io/kubernetes/pkg/registry/coordination/lease and pkg/apis/coordination/validation.
 * Coordinated leader election is off by default, so that strategy and preferredHolder are dropped.
 */
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import type { Lease } from '../../../schemas/types.ts'

function validate({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = []
  const { leaseDurationSeconds, leaseTransitions } = spec
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) errors.push(field.invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'))
  if (leaseTransitions !== undefined && leaseTransitions < 0) errors.push(field.invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'))
  return errors
}

function dropDisabledFields({ spec }: Lease): void {
  delete spec.strategy
  delete spec.preferredHolder
}

export default defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
  takesAnyFinalizer: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, { name: 'Holder', value: (lease) => lease.spec.holderIdentity ?? '' }, ageColumn],
  prepareForCreate: dropDisabledFields,
  prepareForUpdate: dropDisabledFields,
  validate,
  validateUpdate: validate,
})
