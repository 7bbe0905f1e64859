/** resource.k8s.io/v1 DeviceClass. Models k8s.io/kubernetes/pkg/registry/resource/deviceclass. */
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isLongName } from '../../../src/apimachinery/validation.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { isExtendedResource } from '../../core/v1/_resource-names.ts'
import { MAX_CONFIGS, validateConfiguration, validateSelectors } from './_claim-validation.ts'
import { validateSlice } from './_lists.ts'
import type { DeviceClass } from '../../../schemas/types.ts'

function validate({ spec }: DeviceClass): FieldError[] {
  const { extendedResourceName } = spec
  const errors = [...validateSelectors(spec.selectors, 'spec.selectors'), ...validateSlice(spec.config, 'spec.config', MAX_CONFIGS, validateConfiguration)]
  if (extendedResourceName !== undefined && !isExtendedResource(extendedResourceName)) {
    errors.push(field.invalid('spec.extendedResourceName', extendedResourceName, 'must be a valid extended resource name'))
  }
  return errors
}

export default defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  returnsDeletedObject: true,
  columns: [nameColumn, ageColumn],
  generation: true,
  // Upstream's declarative rules ask nothing of generateName.
  validateName: (name, prefix) => (prefix ? [] : isLongName(name)),
  validate,
})
