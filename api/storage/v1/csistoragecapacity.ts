/** storage.k8s.io/v1 CSIStorageCapacity. Models k8s.io/kubernetes/pkg/registry/storage/csistoragecapacity. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { CSIStorageCapacity } from '../../../schemas/types.ts'
import { validateSubdomain } from '../../_field-errors.ts'
import { metaJSON } from '../../_internal-json.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { labelSelectorNodeWarnings } from '../../core/v1/_node-labels.ts'
import { validateNonnegativeQuantity } from '../../core/v1/_resource-names.ts'
import { IMMUTABLE, STORAGE_GROUP } from './_parameters.ts'

const LABEL_SELECTOR = 'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector'

function validate({ nodeTopology, storageClassName = '', capacity }: CSIStorageCapacity, allowInvalidLabelValueInSelector = false): FieldError[] {
  return [
    ...validateLabelSelector(nodeTopology, 'nodeTopology', { allowInvalidLabelValueInSelector }),
    ...validateSubdomain('storageClassName', storageClassName),
    ...(capacity === undefined ? [] : validateNonnegativeQuantity(capacity, 'capacity')),
  ]
}

export default defineKind<CSIStorageCapacity>({
  group: STORAGE_GROUP,
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  namespaced: true,
  repeatsMetadataUpdate: 'last',
  allowUnconditionalUpdate: false,
  validate: (capacity) => validate(capacity),
  validateUpdate(capacity, old) {
    const errors = [...validateMetadataOf(capacity, 'Namespaced'), ...validate(capacity, validateLabelSelector(old.nodeTopology, '').length > 0)]
    const topology = metaJSON(LABEL_SELECTOR, capacity.nodeTopology)
    if (!equalJSON(topology, metaJSON(LABEL_SELECTOR, old.nodeTopology))) errors.push(field.invalid('nodeTopology', topology, IMMUTABLE))
    if (capacity.storageClassName !== old.storageClassName) errors.push(field.invalid('storageClassName', capacity.storageClassName ?? '', IMMUTABLE))
    return errors
  },
  warnings: ({ nodeTopology }) => labelSelectorNodeWarnings(nodeTopology, 'nodeTopology'),
})
