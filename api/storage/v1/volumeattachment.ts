/** storage.k8s.io/v1 VolumeAttachment. Models k8s.io/kubernetes/pkg/registry/storage/volumeattachment and ValidateVolumeAttachment. */
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { byteLength, inclusiveRangeError } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { VolumeAttachment, VolumeAttachmentSource, VolumeAttachmentSpec, VolumeError } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateSubdomain } from '../../_field-errors.ts'
import { resetObjectMetaForStatus } from '../../_status-meta.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defaultVolumeSource } from '../../core/v1/_persistent-volume-defaults.ts'
import { validatePersistentVolumeSpec } from '../../core/v1/_persistent-volume-validation.ts'
import { toInternal } from '../../core/v1/_pod-internal.ts'
import { validateCSIDriverName } from '../../core/v1/_volume-source-validation.ts'
import { IMMUTABLE, STORAGE_GROUP } from './_parameters.ts'

const MAX_METADATA_BYTES = 256 * 1024
const MAX_ERROR_BYTES = 1024
const EXACTLY_ONE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'

function validateSource({ persistentVolumeName: name, inlineVolumeSpec: spec }: VolumeAttachmentSource, path: string): FieldError[] {
  if (!spec && name === undefined) return [field.required(path, EXACTLY_ONE)]
  if (spec && name !== undefined) return [field.forbidden(path, EXACTLY_ONE)]
  if (spec) return validatePersistentVolumeSpec(spec, `${path}.inlineVolumeSpec`, { name: '', inline: true })
  return name ? [] : [field.required(`${path}.persistentVolumeName`, 'must specify non empty persistentVolumeName')]
}

function validateError(error: VolumeError | undefined, path: string): FieldError[] {
  if (!error) return []
  const errors: FieldError[] = []
  if (byteLength(error.message ?? '') > MAX_ERROR_BYTES) errors.push(field.tooLong(`${path}.message`, MAX_METADATA_BYTES))
  if (error.errorCode !== undefined && error.errorCode < 0) errors.push(field.invalid(`${path}.errorCode`, error.errorCode, inclusiveRangeError(0, 2 ** 31 - 1)))
  return errors
}

function validateStatus({ status = {} }: VolumeAttachment): FieldError[] {
  const size = Object.entries(status.attachmentMetadata ?? {}).reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(value), 0)
  return [
    ...(size > MAX_METADATA_BYTES ? [field.tooLong('status.attachmentMetadata', MAX_METADATA_BYTES)] : []),
    ...validateError(status.attachError, 'status.attachError'),
    ...validateError(status.detachError, 'status.detachError'),
  ]
}

function validate(attachment: VolumeAttachment): FieldError[] {
  const { attacher = '', source = {}, nodeName = '' } = attachment.spec
  const { persistentVolumeName: name } = source
  return [
    ...validateCSIDriverName(attacher, 'spec.attacher'),
    ...validateSource(source, 'spec.source'),
    ...validateSubdomain('spec.nodeName', nodeName),
    ...validateStatus(attachment),
    ...(name === undefined ? [] : validateSubdomain('spec.source.persistentVolumeName', name)),
  ]
}

/** As upstream's internal type prints. */
function printed({ attacher = '', source = {}, nodeName = '' }: VolumeAttachmentSpec): unknown {
  const { persistentVolumeName: name = null, inlineVolumeSpec: spec } = source
  return { Attacher: attacher, Source: { PersistentVolumeName: name, InlineVolumeSpec: spec ? toInternal('PersistentVolumeSpec', spec) : null }, NodeName: nodeName }
}

function validateUpdate(attachment: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  const spec = printed(attachment.spec)
  return [
    ...validateMetadataOf(attachment, 'Cluster'),
    ...validate(attachment),
    ...(equalJSON(spec, printed(old.spec)) ? [] : [field.invalid('spec', spec, IMMUTABLE)]),
  ]
}

export default defineKind<VolumeAttachment>({
  group: STORAGE_GROUP,
  version: 'v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
  namespaced: false,
  repeatsMetadataUpdate: false,
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: { status: { repeatsMetadataUpdate: false, prepareForUpdate: (attachment, old) => resetObjectMetaForStatus(attachment.metadata, old.metadata), validateUpdate } },
  columns: [
    nameColumn,
    { name: 'Attacher', format: 'name', value: ({ spec }) => spec.attacher ?? '' },
    { name: 'PV', value: ({ spec }) => spec.source?.persistentVolumeName ?? '' },
    { name: 'Node', value: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Attached', type: 'boolean', value: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],
  default({ spec }) {
    if (spec.source?.inlineVolumeSpec) defaultVolumeSource(spec.source.inlineVolumeSpec)
  },
  validate,
  validateUpdate,
})
