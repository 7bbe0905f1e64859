/** storage.k8s.io/v1 VolumeAttributesClass. Models k8s.io/kubernetes/pkg/registry/storage/volumeattributesclass. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { VolumeAttributesClass } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { STORAGE_GROUP, validateParameters, validateProvisioner } from './_parameters.ts'

const validate = ({ driverName, parameters }: VolumeAttributesClass): FieldError[] => [...validateProvisioner(driverName, 'driverName'), ...validateParameters(parameters, false)]

export default defineKind<VolumeAttributesClass>({
  group: STORAGE_GROUP,
  version: 'v1',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  shortNames: ['vac'],
  namespaced: false,
  returnsDeletedObject: true,
  columns: [nameColumn, { name: 'DriverName', value: (vac) => vac.driverName ?? '' }, ageColumn],
  validate,
  validateUpdate(vac, old) {
    const errors: FieldError[] = []
    if (vac.driverName !== old.driverName) errors.push(field.forbidden('driverName', 'updates to driverName are forbidden.'))
    if (!equalJSON(vac.parameters ?? {}, old.parameters ?? {})) errors.push(field.forbidden('parameters', 'updates to parameters are forbidden.'))
    return [...errors, ...validateMetadataOf(vac, 'Cluster'), ...validate(vac)]
  },
})
