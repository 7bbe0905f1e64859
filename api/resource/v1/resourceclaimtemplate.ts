/** resource.k8s.io/v1 ResourceClaimTemplate. Models k8s.io/kubernetes/pkg/registry/resource/resourceclaimtemplate. */
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { FIELD_IMMUTABLE, validateAnnotations, validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defaultClaimSpec, validateAdminRequests, validateClaimSpec } from './_claim-validation.ts'
import type { ResourceClaimTemplate } from '../../../schemas/types.ts'

const SPEC_TYPE = 'io.k8s.api.resource.v1.ResourceClaimTemplateSpec'
/** The members of a template's metadata that are copied to the claims made from it; others are refused. */
const TEMPLATE_METADATA = ['labels', 'annotations']

function validate({ spec }: ResourceClaimTemplate): FieldError[] {
  const { metadata = {} } = spec
  const errors = [...validateAnnotations(metadata.annotations, 'spec.metadata.annotations'), ...validateLabels(metadata.labels, 'spec.metadata.labels')]
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined && !TEMPLATE_METADATA.includes(key)) errors.push(field.forbidden(`spec.metadata.${key === 'uid' ? 'uID' : key}`, 'cannot be set'))
  }
  return [...errors, ...validateClaimSpec(spec.spec, 'spec.spec')]
}

export default defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  namespaced: true,
  repeatsMetadataUpdate: 'last',
  returnsDeletedObject: true,
  columns: [nameColumn, ageColumn],
  default: (template) => defaultClaimSpec(template.spec.spec),
  validate: (template, ctx) => [...validateAdminRequests(template.spec.spec, template.metadata.namespace ?? '', ctx), ...validate(template)],
  validateUpdate(template, old) {
    const { spec } = template
    const errors = [...validateMetadataOf(template, 'Namespaced'), ...validate(template)]
    if (!equalInternal(SPEC_TYPE, spec, old.spec)) errors.push(field.invalid('spec', internalJSON(SPEC_TYPE, spec), FIELD_IMMUTABLE))
    return errors
  },
})
