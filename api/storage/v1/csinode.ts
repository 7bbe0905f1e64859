/** storage.k8s.io/v1 CSINode. Models k8s.io/kubernetes/pkg/registry/storage/csinode and ValidateCSINode. */
import { validateNonnegativeField } from '../../../src/apimachinery/validate-meta.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { CSINode, CSINodeDriver } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateQualifiedName } from '../../_field-errors.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { validateCSIDriverName } from '../../core/v1/_volume-source-validation.ts'
import { IMMUTABLE, STORAGE_GROUP } from './_parameters.ts'

const MAX_NODE_ID = 256
const DRIVER = 'io.k8s.api.storage.v1.CSINodeDriver'

function validateDriver(driver: CSINodeDriver, path: string, names: Set<string>): FieldError[] {
  const { name = '', nodeID = '', allocatable } = driver
  const topologyKeys = driver.topologyKeys ?? []
  const errors = validateCSIDriverName(name, `${path}.name`)
  if (!nodeID) errors.push(field.required(`${path}.nodeID`))
  if (byteLength(nodeID) > MAX_NODE_ID) errors.push(field.invalid(`${path}.nodeID`, nodeID, `must be ${MAX_NODE_ID} characters or less`))
  if (allocatable?.count !== undefined) errors.push(...validateNonnegativeField(allocatable.count, `${path}.allocatable.count`))
  if (names.has(name)) errors.push(field.duplicate(`${path}.name`, name))
  names.add(name)
  topologyKeys.forEach((key, i) => {
    if (!key) errors.push(field.required(path))
    if (topologyKeys.indexOf(key) < i) errors.push(field.duplicate(path, key))
    errors.push(...validateQualifiedName(path, key))
  })
  return errors
}

function validate({ spec }: CSINode): FieldError[] {
  const names = new Set<string>()
  return (spec.drivers ?? []).flatMap((driver, i) => validateDriver(driver, `spec.drivers[${i}]`, names))
}

/** What may not change of a driver. */
const fixed = (driver: CSINodeDriver): unknown => ({ ...driver, allocatable: null })

export default defineKind<CSINode>({
  group: STORAGE_GROUP,
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  namespaced: false,
  repeatsMetadataUpdate: false,
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  columns: [nameColumn, { name: 'Drivers', type: 'integer', value: ({ spec }) => (spec.drivers ?? []).length }, ageColumn],
  validate,
  validateUpdate(node, old) {
    const errors = [...validateMetadataOf(node, 'Cluster'), ...validate(node)]
    for (const before of old.spec.drivers ?? []) {
      for (const driver of node.spec.drivers ?? []) {
        if (before.name !== driver.name || equalInternal(DRIVER, fixed(before), fixed(driver))) continue
        errors.push(field.invalid('spec.drivers', internalJSON(DRIVER, fixed(driver)), IMMUTABLE))
      }
    }
    return errors
  },
})
