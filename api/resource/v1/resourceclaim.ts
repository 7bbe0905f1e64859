/** resource.k8s.io/v1 ResourceClaim. Models k8s.io/kubernetes/pkg/registry/resource/resourceclaim. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field } from '../../../src/errors.ts'
import { FIELD_IMMUTABLE } from '../../../src/apimachinery/validate-meta.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import { resetObjectMetaForStatus } from '../../_status-meta.ts'
import { defaultClaimSpec, validateAdminRequests, validateClaimSpec } from './_claim-validation.ts'
import { deviceKey, validateClaimStatus } from './_claim-status-validation.ts'
import type { ResourceClaim } from '../../../schemas/types.ts'

const SPEC_TYPE = 'io.k8s.api.resource.v1.ResourceClaimSpec'

function state({ metadata, status }: ResourceClaim): string {
  const isDeleted = metadata.deletionTimestamp !== undefined
  const states = isDeleted ? ['deleted'] : []
  if (status?.allocation) states.push('allocated', ...(status.reservedFor?.length ? ['reserved'] : []))
  else if (!isDeleted) states.push('pending')
  return states.join(',')
}

/** Devices that are no longer allocated lose their status. */
function dropDeallocatedDevices(claim: ResourceClaim, old: ResourceClaim): void {
  const { status } = claim
  if (!status?.devices) return
  const gone = new Set((old.status?.allocation?.devices?.results ?? []).map(deviceKey))
  for (const result of status.allocation?.devices?.results ?? []) gone.delete(deviceKey(result))
  status.devices = status.devices.filter((device) => !gone.has(deviceKey(device)))
  if (status.devices.length === 0) delete status.devices
}

export default defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  namespaced: true,
  repeatsMetadataUpdate: 'last',
  returnsDeletedObject: true,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: {
    status: {
      prepareForUpdate(claim, old) {
        resetObjectMetaForStatus(claim.metadata, old.metadata)
        dropDeallocatedDevices(claim, old)
      },
      validateUpdate: validateClaimStatus,
      noTable: true,
    },
  },
  columns: [nameColumn, { name: 'State', value: state }, ageColumn],
  default(claim) {
    defaultClaimSpec(claim.spec)
    for (const result of claim.status?.allocation?.devices?.results ?? []) {
      for (const toleration of result.tolerations ?? []) toleration.operator ||= 'Equal'
    }
  },
  validate: (claim, ctx) => [...validateAdminRequests(claim.spec, claim.metadata.namespace ?? '', ctx), ...validateClaimSpec(claim.spec, 'spec')],
  validateUpdate: (claim, old) => [
    ...validateMetadataOf(claim, 'Namespaced'),
    ...(equalInternal(SPEC_TYPE, claim.spec, old.spec) ? [] : [field.invalid('spec', internalJSON(SPEC_TYPE, claim.spec), FIELD_IMMUTABLE)]),
  ],
})
