/** apiextensions.k8s.io/v1 CustomResourceDefinition. Models k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition. */
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { unknownFormats } from '../../../src/apimachinery/structural-schema/formats.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { quote } from '../../../src/errors.ts'
import { internalSpec } from './_internal-spec.ts'
import { validateDefinition, validateDefinitionName, validateDefinitionUpdate, validateStatus } from './_validation.ts'
import type { CustomResourceDefinition } from '../../../schemas/types.ts'

/** The storage version joins the versions in which objects may be stored. */
function addStoredVersion(crd: CustomResourceDefinition): void {
  const version = crd.spec.versions?.find((v) => v.storage)
  const name = version && (version.name ?? '')
  const status = (crd.status ??= {})
  const stored = status.storedVersions ?? []
  if (name !== undefined && !stored.includes(name)) status.storedVersions = [...stored, name]
}

const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

function markForCleanup(crd: CustomResourceDefinition): void {
  const { metadata } = crd
  if (!metadata.finalizers?.includes(CLEANUP_FINALIZER)) metadata.finalizers = [...(metadata.finalizers ?? []), CLEANUP_FINALIZER]
  const condition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: metadata.deletionTimestamp,
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  }
  const others = crd.status?.conditions ?? []
  crd.status = { ...crd.status, conditions: [...others.filter(({ type }) => type !== 'Terminating'), condition] }
}

function unknownFormatsOf({ spec }: CustomResourceDefinition): string[] {
  const { shared, versions } = internalSpec(spec)
  return [shared.schema, ...versions.map((v) => v.schema)].flatMap((validation) => unknownFormats(validation?.openAPIV3Schema))
}

function warnings(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): string[] {
  const known = new Set(old && unknownFormatsOf(old))
  return unknownFormatsOf(crd).flatMap((format) => (known.has(format) ? [] : [`unrecognized format ${quote(format)}`]))
}

export default defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  encodedVersion: 'v1beta1',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  allowUnconditionalUpdate: false,
  takesAnyFinalizer: true,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: { status: { validateUpdate: validateStatus, noTable: true } },
  generation: true,
  default(crd) {
    const { spec } = crd
    const names = (spec.names ??= {})
    if (!names.singular) names.singular = (names.kind ?? '').toLowerCase()
    if (!names.listKind && names.kind) names.listKind = `${names.kind}List`
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
    if (!crd.status?.storedVersions?.length) addStoredVersion(crd)
  },
  validateName: validateDefinitionName,
  prepareForCreate(crd) {
    crd.status = {}
    addStoredVersion(crd)
  },
  prepareForUpdate: (crd) => {
    crd.status = { ...crd.status }
    addStoredVersion(crd)
  },
  // Upstream's storage marks it itself; the controller that empties it lets it go.
  holdsDelete: { holds: ({ metadata }) => !metadata.deletionTimestamp || (metadata.finalizers ?? []).includes(CLEANUP_FINALIZER), mark: markForCleanup },
  validate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  warnings,
})
