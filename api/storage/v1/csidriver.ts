/** storage.k8s.io/v1 CSIDriver. Models k8s.io/kubernetes/pkg/registry/storage/csidriver and ValidateCSIDriver. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { CSIDriver, StorageV1TokenRequest } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { equalInternal } from '../../_internal-json.ts'
import { IMMUTABLE, STORAGE_GROUP } from './_parameters.ts'

const SPEC = 'io.k8s.api.storage.v1.CSIDriverSpec'
const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType']
const LIFECYCLE_MODES = ['Persistent', 'Ephemeral']
const TOKENS_IN_SECRETS =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'
const MIN_TOKEN_SECONDS = 600
const MAX_TOKEN_SECONDS = 2 ** 32
const MIN_UPDATE_SECONDS = 10

function validateTokenRequests(requests: readonly StorageV1TokenRequest[] | undefined): FieldError[] {
  const audiences = new Set<string>()
  return (requests ?? []).flatMap(({ audience = '', expirationSeconds: seconds }, i) => {
    const path = `spec.tokenRequests[${i}]`
    if (audiences.has(audience)) return [field.duplicate(`${path}.audience`, audience)]
    audiences.add(audience)
    if (seconds === undefined) return []
    const at = `${path}.expirationSeconds`
    if (seconds < MIN_TOKEN_SECONDS) return [field.invalid(at, seconds, 'may not specify a duration less than 10 minutes')]
    return seconds > MAX_TOKEN_SECONDS ? [field.invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds')] : []
  })
}

function validate({ spec }: CSIDriver): FieldError[] {
  const errors: FieldError[] = []
  // Upstream's path of attachRequired has a slip of the pen.
  if (spec.attachRequired === undefined) errors.push(field.required('spec.attachedRequired'))
  if (spec.podInfoOnMount === undefined) errors.push(field.required('spec.podInfoOnMount'))
  if (spec.storageCapacity === undefined) errors.push(field.required('spec.storageCapacity'))
  const { fsGroupPolicy, volumeLifecycleModes = [], nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets: inSecrets } = spec
  if (fsGroupPolicy !== undefined && !FS_GROUP_POLICIES.includes(fsGroupPolicy)) errors.push(field.notSupported('spec.fsGroupPolicy', fsGroupPolicy, FS_GROUP_POLICIES))
  errors.push(...validateTokenRequests(spec.tokenRequests))
  for (const mode of volumeLifecycleModes) if (!LIFECYCLE_MODES.includes(mode)) errors.push(field.notSupported('spec.volumeLifecycleModes', mode, LIFECYCLE_MODES))
  if (spec.seLinuxMount === undefined) errors.push(field.required('spec.seLinuxMount'))
  if (period !== undefined && period < MIN_UPDATE_SECONDS) {
    errors.push(field.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, `must be greater than or equal to ${MIN_UPDATE_SECONDS} seconds`))
  }
  if (inSecrets !== undefined && !spec.tokenRequests?.length) {
    errors.push(field.invalid('spec.serviceAccountTokenInSecrets', inSecrets, 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'))
  }
  return errors
}

export default defineKind<CSIDriver>({
  group: STORAGE_GROUP,
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  namespaced: false,
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'AttachRequired', type: 'boolean', value: ({ spec }) => spec.attachRequired ?? true },
    { name: 'PodInfoOnMount', type: 'boolean', value: ({ spec }) => spec.podInfoOnMount ?? false },
    { name: 'StorageCapacity', type: 'boolean', value: ({ spec }) => spec.storageCapacity ?? false },
    { name: 'TokenRequests', value: ({ spec }) => spec.tokenRequests?.map(({ audience = '' }) => audience).join(',') ?? '<unset>' },
    { name: 'RequiresRepublish', type: 'boolean', value: ({ spec }) => spec.requiresRepublish ?? false },
    { name: 'Modes', value: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>' },
    ageColumn,
  ],
  default({ spec }) {
    if (!spec) return
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepareForCreate({ spec }) {
    delete spec.preventPodSchedulingIfMissing
  },
  prepareForUpdate(driver, old) {
    if (old.spec.preventPodSchedulingIfMissing === undefined) delete driver.spec.preventPodSchedulingIfMissing
    // The generation is absent at first, unlike other kinds', and counts the changes.
    if (!equalInternal(SPEC, driver.spec, old.spec)) driver.metadata.generation = (old.metadata.generation ?? 0) + 1
  },
  validate,
  validateUpdate(driver, old) {
    const errors = validate(driver)
    const { attachRequired, volumeLifecycleModes: modes } = driver.spec
    if (attachRequired !== old.spec.attachRequired) errors.push(field.invalid('spec.attachedRequired', attachRequired ?? null, IMMUTABLE))
    if (!equalJSON(modes ?? [], old.spec.volumeLifecycleModes ?? [])) errors.push(field.invalid('spec.volumeLifecycleModes', modes ?? null, IMMUTABLE))
    return errors
  },
  warnings({ spec }, old) {
    const isNew = !old || !equalInternal(SPEC, { tokenRequests: old.spec.tokenRequests }, { tokenRequests: spec.tokenRequests })
    return isNew && spec.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined ? [TOKENS_IN_SECRETS] : []
  },
})
