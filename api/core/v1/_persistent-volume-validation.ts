/** The rules of a PersistentVolume. Models ValidatePersistentVolumeSpec and ValidatePersistentVolumeUpdate of k8s.io/kubernetes/pkg/apis/core/validation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { quantitySign, quantityText, quantityValue } from '../../../src/apimachinery/quantity.ts'
import { jsonDiff } from '../../../src/apimachinery/unified-diff.ts'
import { byteLength, isDNS1123Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type * as types from '../../../schemas/types.ts'
import { invalids, validateLabelName, validateSubdomain } from '../../_field-errors.ts'
import { ACCESS_MODES, VOLUME_MODES } from './_claim-spec-validation.ts'
import { STABLE_LABELS } from './_node-labels.ts'
import { hasInvalidLabelValue, validateNodeSelector } from './_node-selector-validation.ts'
import { need, validatePathNoBacksteps } from './_path-validation.ts'
import { toInternal } from './_pod-internal.ts'
import { sortedEntries } from './_resource-names.ts'
import * as source from './_volume-source-validation.ts'

const RECLAIM_POLICIES = ['Delete', 'Recycle', 'Retain']
const ONLY_ONE = 'may not specify more than 1 volume type'
const MOUNT_OPTIONS = 'volume.beta.kubernetes.io/mount-options'
const MAX_ISCSI_NAME = 64

interface SpecOptions {
  name: string
  /** The spec stands in another object (a VolumeAttachment), where only CSI volumes may. */
  inline?: boolean
  allowInvalidLabelValue?: boolean
}

type Sources = { [M in keyof types.PersistentVolumeSource]-?: NonNullable<types.PersistentVolumeSource[M]> }
interface SourceRule<M extends keyof Sources = keyof Sources> {
  member: M
  /** The path of its errors, and that of a second source, where they are not the member's name. */
  path?: string
  surplusPath?: string
  validate(value: Sources[M], path: string, name: string): FieldError[]
}
const rule = <M extends keyof Sources>(member: M, validate: SourceRule<M>['validate'], paths: { path?: string; surplusPath?: string } = {}): SourceRule<M> => ({ member, validate, ...paths })

function validateSecretRef(ref: { name?: string; namespace?: string } | undefined, path: string): FieldError[] {
  return ref ? [...need(ref.name, `${path}.name`), ...need(ref.namespace, `${path}.namespace`)] : []
}

function validateCheckedSecretRef(ref: types.SecretReference | undefined, path: string): FieldError[] {
  if (!ref) return []
  return [
    ...(ref.name ? validateSubdomain(`${path}.name`, ref.name) : [field.required(`${path}.name`)]),
    ...(ref.namespace ? validateLabelName(`${path}.namespace`, ref.namespace) : [field.required(`${path}.namespace`)]),
  ]
}

function validateISCSI(iscsi: types.ISCSIPersistentVolumeSource, path: string, name: string): FieldError[] {
  const errors = source.validateISCSI(iscsi, path, 'must be valid format')
  const { targetPortal = '', initiatorName, secretRef } = iscsi
  if (initiatorName !== undefined && byteLength(`${name}:${targetPortal}`) > MAX_ISCSI_NAME) {
    const why = 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
    errors.splice(targetPortal ? 0 : 1, 0, field.invalid(`${path}.targetportal`, targetPortal, why))
  }
  if (secretRef && !secretRef.name) {
    const at = errors.findIndex((e) => e.field === `${path}.initiatorname`)
    errors.splice(at < 0 ? errors.length : at, 0, field.required(`${path}.secretRef.name`))
  }
  return errors
}

function validateGlusterfs(glusterfs: types.GlusterfsPersistentVolumeSource, path: string): FieldError[] {
  const errors = source.validateGlusterfs(glusterfs, path)
  const { endpointsNamespace: namespace } = glusterfs
  if (namespace === undefined) return errors
  const at = `${path}.endpointsNamespace`
  return [...errors, ...invalids(at, namespace, namespace ? isDNS1123Label(namespace) : ['if the endpointnamespace is set, it must be a valid namespace name'])]
}

function validateCSI(csi: types.CSIPersistentVolumeSource, path: string): FieldError[] {
  const refs = ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const
  return [
    ...source.validateCSIDriverName(csi.driver ?? '', `${path}.driver`),
    ...need(csi.volumeHandle, `${path}.volumeHandle`),
    ...refs.flatMap((ref) => validateCheckedSecretRef(csi[ref], `${path}.${ref}`)),
  ]
}

const azureFile = (azure: types.AzureFilePersistentVolumeSource, path: string): FieldError[] => [
  ...source.validateAzureFile(azure, path),
  ...(azure.secretNamespace === '' ? [field.required(`${path}.secretNamespace`)] : []),
]
const storageOS = (storageos: types.StorageOSPersistentVolumeSource, path: string): FieldError[] => [
  ...source.validateStorageOS({ ...storageos, secretRef: undefined }, path),
  ...validateSecretRef(storageos.secretRef, `${path}.secretRef`),
]

/** In the order in which upstream looks for them. */
const SOURCES: readonly SourceRule[] = [
  rule('hostPath', source.validateHostPath),
  rule('gcePersistentDisk', source.validateGCEPersistentDisk, { path: 'persistentDisk' }),
  rule('awsElasticBlockStore', source.validateAWSElasticBlockStore),
  rule('glusterfs', validateGlusterfs),
  rule('flocker', source.validateFlocker),
  rule('nfs', source.validateNFS),
  rule('rbd', source.validateRBD),
  rule('quobyte', source.validateQuobyte),
  rule('cephfs', source.validateCephFS, { surplusPath: 'cephFS' }),
  rule('iscsi', validateISCSI),
  rule('cinder', (cinder, path) => [...need(cinder.volumeID, `${path}.volumeID`), ...validateSecretRef(cinder.secretRef, `${path}.secretRef`)]),
  rule('fc', source.validateFC),
  rule('flexVolume', source.validateFlexVolume),
  rule('azureFile', azureFile),
  rule('vsphereVolume', (vsphere, path) => need(vsphere.volumePath, `${path}.volumePath`)),
  rule('photonPersistentDisk', (photon, path) => need(photon.pdID, `${path}.pdID`)),
  rule('portworxVolume', (portworx, path) => need(portworx.volumeID, `${path}.volumeID`)),
  rule('azureDisk', source.validateAzureDisk),
  rule('scaleIO', source.validateScaleIO),
  rule('local', (local, path) => (local.path ? validatePathNoBacksteps(local.path, `${path}.path`) : [field.required(`${path}.path`)])),
  rule('storageos', storageOS),
  rule('csi', validateCSI),
] as readonly SourceRule[]

function validateSources(spec: types.PersistentVolumeSpec, path: string, name: string): FieldError[] {
  const errors: FieldError[] = []
  let count = 0
  for (const { member, path: own = member, surplusPath = member, validate } of SOURCES) {
    const value = spec[member]
    if (value === undefined) continue
    // A flexVolume is looked at whatever else is there.
    if (count > 0 && member !== 'flexVolume') {
      errors.push(field.forbidden(`${path}.${surplusPath}`, ONLY_ONE))
      continue
    }
    count++
    errors.push(...validate(value, `${path}.${own}`, name))
    if (member === 'local' && !spec.nodeAffinity) errors.push(field.required(`${path}.nodeAffinity`, 'Local volume requires node affinity'))
  }
  if (count === 0) errors.push(field.required(path, 'must specify a volume type'))
  return errors
}

function validateAccessModes(modes: readonly string[] | undefined, path: string): FieldError[] {
  const errors = need(modes, path)
  for (const mode of modes ?? []) if (!ACCESS_MODES.includes(mode)) errors.push(field.notSupported(path, mode, ACCESS_MODES))
  const hasOthers = modes?.some((mode) => mode !== 'ReadWriteOncePod' && ACCESS_MODES.includes(mode))
  if (hasOthers && modes?.includes('ReadWriteOncePod')) errors.push(field.forbidden(path, 'may not use ReadWriteOncePod with other access modes'))
  return errors
}

function validateCapacity(capacity: Record<string, string> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  const entries = sortedEntries(capacity)
  if (entries.length === 0) errors.push(field.required(path))
  if (capacity?.storage === undefined || entries.length > 1) errors.push(field.notSupported(path, capacity && Object.fromEntries(entries), ['storage']))
  for (const [name, quantity] of entries) {
    const at = `${path}[${name}]`
    if (quantityValue(quantity) < 0) errors.push(field.invalid(at, quantityValue(quantity), 'must be a valid resource quantity'))
    if (quantitySign(quantity) <= 0) errors.push(field.invalid(at, quantityText(quantity), 'must be greater than zero'))
  }
  return errors
}

const NOT_INLINE = 'may not be specified in the context of inline volumes'

function validateInline(spec: types.PersistentVolumeSpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (spec.claimRef) errors.push(field.forbidden(`${path}.claimRef`, NOT_INLINE))
  if (Object.keys(spec.capacity ?? {}).length > 0) errors.push(field.forbidden(`${path}.capacity`, NOT_INLINE))
  if (!spec.csi) errors.push(field.required(`${path}.csi`, 'has to be specified in the context of inline volumes'))
  return errors
}

function validateReclaimPolicy(policy: string | undefined, path: string, isInline: boolean): FieldError[] {
  if (!policy) return []
  if (isInline) return policy === 'Retain' ? [] : [field.forbidden(path, 'may only be Retain in the context of inline volumes')]
  return RECLAIM_POLICIES.includes(policy) ? [] : [field.notSupported(path, policy, RECLAIM_POLICIES)]
}

function validateAffinity({ nodeAffinity }: types.PersistentVolumeSpec, path: string, options: SpecOptions): FieldError[] {
  if (!nodeAffinity) return []
  if (options.inline) return [field.forbidden(path, NOT_INLINE)]
  if (!nodeAffinity.required) return [field.required(`${path}.required`, 'must specify required node constraints')]
  return validateNodeSelector(nodeAffinity.required, `${path}.required`, { allowInvalidLabelValue: options.allowInvalidLabelValue ?? false })
}

function validateClasses(spec: types.PersistentVolumeSpec, path: string, isInline: boolean): FieldError[] {
  const errors: FieldError[] = []
  const { storageClassName, volumeMode, volumeAttributesClassName } = spec
  if (storageClassName) {
    const at = `${path}.storageClassName`
    errors.push(...(isInline ? [field.forbidden(at, NOT_INLINE)] : validateSubdomain(at, storageClassName)))
  }
  const mode = `${path}.volumeMode`
  if (volumeMode !== undefined && isInline) {
    if (volumeMode !== 'Filesystem') errors.push(field.forbidden(mode, 'may not specify volumeMode other than Filesystem in the context of inline volumes'))
  } else if (volumeMode !== undefined && !VOLUME_MODES.includes(volumeMode)) errors.push(field.notSupported(mode, volumeMode, VOLUME_MODES))
  if (volumeAttributesClassName === undefined || isInline) return errors
  const at = `${path}.volumeAttributesClassName`
  if (volumeAttributesClassName) errors.push(...invalids(at, volumeAttributesClassName, isDNS1123Subdomain(volumeAttributesClassName)))
  else errors.push(field.required(at, 'an empty string is disallowed'))
  if (!spec.csi) errors.push(field.required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName'))
  return errors
}

/** As path.Clean: whether the path names the root. */
const isRoot = (path: string): boolean => path.startsWith('/') && path.split('/').every((part) => part === '' || part === '.' || part === '..')

export function validatePersistentVolumeSpec(spec: types.PersistentVolumeSpec, path: string, options: SpecOptions): FieldError[] {
  const isInline = options.inline ?? false
  const isRecycledRoot = spec.hostPath?.path !== undefined && isRoot(spec.hostPath.path) && spec.persistentVolumeReclaimPolicy === 'Recycle'
  return [
    ...(isInline ? validateInline(spec, path) : []),
    ...validateAccessModes(spec.accessModes, `${path}.accessModes`),
    ...(isInline ? [] : validateCapacity(spec.capacity, `${path}.capacity`)),
    ...validateReclaimPolicy(spec.persistentVolumeReclaimPolicy, `${path}.persistentVolumeReclaimPolicy`, isInline),
    ...validateAffinity(spec, `${path}.nodeAffinity`, options),
    ...validateSources(spec, path, options.name),
    ...(isRecycledRoot ? [field.forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'")] : []),
    ...validateClasses(spec, path, isInline),
  ]
}

const MOUNTABLE = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'cinder',
  'cephfs',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
] as const

export function validateMountOptions({ metadata, spec }: types.PersistentVolume): FieldError[] {
  if (metadata.annotations?.[MOUNT_OPTIONS] === undefined || MOUNTABLE.some((member) => spec[member])) return []
  return [field.forbidden(`metadata.annotations.${MOUNT_OPTIONS}`, 'may not specify mount options for this volume type')]
}

export function validatePersistentVolume(volume: types.PersistentVolume, old?: types.PersistentVolume): FieldError[] {
  const allowInvalidLabelValue = hasInvalidLabelValue(old?.spec.nodeAffinity?.required?.nodeSelectorTerms)
  return validatePersistentVolumeSpec(volume.spec, 'spec', { name: volume.metadata.name ?? '', allowInvalidLabelValue })
}

/** What may not change once it is set. */
export function validatePersistentVolumeChange(volume: types.PersistentVolume, old: types.PersistentVolume): FieldError[] {
  const errors: FieldError[] = []
  const csi = volume.spec.csi
  const gainsExpandSecret = old.spec.csi && !old.spec.csi.controllerExpandSecretRef && csi?.controllerExpandSecretRef
  const compared = gainsExpandSecret ? { ...volume.spec, csi: { ...csi, controllerExpandSecretRef: undefined } } : volume.spec
  const [before, after] = [toInternal('PersistentVolumeSource', old.spec), toInternal('PersistentVolumeSource', compared)]
  if (!equalJSON(before, after)) {
    errors.push(field.forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${jsonDiff(before, after)}`))
  }
  const { volumeMode, volumeAttributesClassName } = volume.spec
  if (volumeMode !== old.spec.volumeMode) errors.push(field.invalid('volumeMode', volumeMode ?? null, 'field is immutable'))
  errors.push(...validateAffinityChange(volume.spec.nodeAffinity, old.spec.nodeAffinity))
  if (old.spec.volumeAttributesClassName !== undefined && volumeAttributesClassName === undefined) {
    errors.push(field.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'))
  }
  return errors
}

function validateAffinityChange(affinity: types.VolumeNodeAffinity | undefined, old: types.VolumeNodeAffinity | undefined): FieldError[] {
  if (!old) return []
  const printed = (a: types.VolumeNodeAffinity | undefined): unknown => (a ? toInternal('VolumeNodeAffinity', a) : null)
  if (equalJSON(printed(affinity), printed(old)) || equalJSON(printed(affinity), printed(renamedLike(old, affinity)))) return []
  return [field.invalid('nodeAffinity', printed(affinity), 'field is immutable, except for updating from beta label to GA')]
}

/** The old affinity with its beta labels renamed where the new one has the stable names. */
function renamedLike(old: types.VolumeNodeAffinity, affinity: types.VolumeNodeAffinity | undefined): types.VolumeNodeAffinity {
  const terms = old.required?.nodeSelectorTerms?.map((term, i) => {
    const rename = (list: 'matchExpressions' | 'matchFields') =>
      term[list]?.map((requirement, j) => {
        const key = affinity?.required?.nodeSelectorTerms?.[i]?.[list]?.[j]?.key
        const { key: was = '' } = requirement
        // What has no stable name may go to none at all: upstream looks it up in a map.
        const stable = Object.hasOwn(STABLE_LABELS, was) ? STABLE_LABELS[was] : ''
        return key === stable ? { ...requirement, key } : requirement
      })
    return { ...term, matchExpressions: rename('matchExpressions'), matchFields: rename('matchFields') }
  })
  return { required: old.required && { nodeSelectorTerms: terms } }
}
