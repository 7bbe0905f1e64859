/**
 * The sources of a volume that name something outside the cluster, each with its own few rules. PersistentVolumes share most.
 * Models validate*VolumeSource of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type * as types from '../../../schemas/types.ts'
import { inclusiveRangeError, isDNS1123Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { need, validateLocalDescendingPath, validatePathNoBacksteps } from './_path-validation.ts'

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

export function validateHostPath(source: types.HostPathVolumeSource, path: string): FieldError[] {
  if (!source.path) return [field.required(`${path}.path`)]
  const errors = validatePathNoBacksteps(source.path, `${path}.path`)
  if (source.type !== undefined && !HOST_PATH_TYPES.includes(source.type)) errors.push(field.notSupported(`${path}.type`, source.type, HOST_PATH_TYPES))
  return errors
}

export function validateGitRepo(source: types.GitRepoVolumeSource, path: string): FieldError[] {
  return [...need(source.repository, `${path}.repository`), ...validateLocalDescendingPath(source.directory ?? '', `${path}.directory`)]
}

const IQN = /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\t\n\f\r ]+)$/
const EUI = /^eui.[A-Za-z0-9]{16}$/
const NAA = /^naa.[A-Za-z0-9]{32}$/

const isInitiator = (name: string): boolean => /^(iqn|eui|naa)/.test(name)
const isFormedInitiator = (name: string): boolean => (name.startsWith('iqn') ? IQN : name.startsWith('eui') ? EUI : NAA).test(name)

export interface ISCSISource {
  targetPortal?: string
  iqn?: string
  lun?: number
  chapAuthDiscovery?: boolean
  chapAuthSession?: boolean
  secretRef?: { name?: string }
  initiatorName?: string
}

/** @param unknownPrefix what is said of a name that starts with none of iqn, eui and naa */
export function validateISCSI(source: ISCSISource, path: string, unknownPrefix = 'must be valid format starting with iqn, eui, or naa'): FieldError[] {
  const { iqn = '', lun = 0, initiatorName } = source
  const errors = [...need(source.targetPortal, `${path}.targetPortal`), ...need(iqn, `${path}.iqn`)]
  if (iqn && !isInitiator(iqn)) errors.push(field.invalid(`${path}.iqn`, iqn, unknownPrefix))
  else if (iqn && !isFormedInitiator(iqn)) errors.push(field.invalid(`${path}.iqn`, iqn, 'must be valid format'))
  if (lun < 0 || lun > 255) errors.push(field.invalid(`${path}.lun`, lun, inclusiveRangeError(0, 255)))
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) errors.push(field.required(`${path}.secretRef`))
  if (initiatorName === undefined) return errors
  if (!isInitiator(initiatorName)) errors.push(field.invalid(`${path}.initiatorname`, initiatorName, unknownPrefix))
  else if (!isFormedInitiator(initiatorName)) errors.push(field.invalid(`${path}.initiatorname`, initiatorName, 'must be valid format'))
  return errors
}

export function validateFC(source: types.FCVolumeSource, path: string): FieldError[] {
  const { targetWWNs = [], wwids = [], lun } = source
  const errors: FieldError[] = []
  if (targetWWNs.length < 1 && wwids.length < 1) errors.push(field.required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'))
  if (targetWWNs.length && wwids.length) errors.push(field.invalid(`${path}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'))
  if (!targetWWNs.length) return errors
  if (lun === undefined) errors.push(field.required(`${path}.lun`, 'lun is required if targetWWNs is specified'))
  else if (lun < 0 || lun > 255) errors.push(field.invalid(`${path}.lun`, lun, inclusiveRangeError(0, 255)))
  return errors
}

function validatePartition(partition: number, path: string): FieldError[] {
  return partition < 0 || partition > 255 ? [field.invalid(path, partition, inclusiveRangeError(1, 255))] : []
}

export function validateGCEPersistentDisk(source: types.GCEPersistentDiskVolumeSource, path: string): FieldError[] {
  return [...need(source.pdName, `${path}.pdName`), ...validatePartition(source.partition ?? 0, `${path}.partition`)]
}

export function validateAWSElasticBlockStore(source: types.AWSElasticBlockStoreVolumeSource, path: string): FieldError[] {
  return [...need(source.volumeID, `${path}.volumeID`), ...validatePartition(source.partition ?? 0, `${path}.partition`)]
}

export function validateNFS(source: types.NFSVolumeSource, path: string): FieldError[] {
  const target = source.path ?? ''
  const errors = [...need(source.server, `${path}.server`), ...need(target, `${path}.path`)]
  if (!target.startsWith('/')) errors.push(field.invalid(`${path}.path`, target, 'must be an absolute path'))
  return errors
}

const HOST_PORT = /^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/
const REGISTRY_MESSAGE = 'must be a host:port pair or multiple pairs separated by commas'

export function validateQuobyte(source: types.QuobyteVolumeSource, path: string): FieldError[] {
  const { registry = '', tenant = '' } = source
  const errors = need(registry, `${path}.registry`, REGISTRY_MESSAGE)
  if (registry && Buffer.byteLength(tenant) >= 65) errors.push(field.required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
  else if (registry) for (const pair of registry.split(',')) if (!HOST_PORT.test(pair)) errors.push(field.invalid(`${path}.registry`, registry, REGISTRY_MESSAGE))
  return [...errors, ...need(source.volume, `${path}.volume`)]
}

export function validateGlusterfs(source: types.GlusterfsVolumeSource, path: string): FieldError[] {
  return [...need(source.endpoints, `${path}.endpoints`), ...need(source.path, `${path}.path`)]
}

export function validateFlocker(source: types.FlockerVolumeSource, path: string): FieldError[] {
  const { datasetName = '', datasetUUID = '' } = source
  const errors: FieldError[] = []
  if (!datasetName && !datasetUUID) errors.push(field.required(path, 'one of datasetName and datasetUUID is required'))
  if (datasetName && datasetUUID) errors.push(field.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
  if (datasetName.includes('/')) errors.push(field.invalid(`${path}.datasetName`, datasetName, "must not contain '/'"))
  return errors
}

export function validateRBD(source: { monitors?: string[]; image?: string }, path: string): FieldError[] {
  return [...need(source.monitors, `${path}.monitors`), ...need(source.image, `${path}.image`)]
}

export function validateCinder(source: types.CinderVolumeSource, path: string): FieldError[] {
  return [...need(source.volumeID, `${path}.volumeID`), ...(source.secretRef ? need(source.secretRef.name, `${path}.secretRef.name`) : [])]
}

export function validateCephFS(source: { monitors?: string[] }, path: string): FieldError[] {
  return need(source.monitors, `${path}.monitors`)
}

export function validateFlexVolume(source: { driver?: string; options?: Record<string, string> }, path: string): FieldError[] {
  const errors = need(source.driver, `${path}.driver`)
  for (const key of Object.keys(source.options ?? {}).sort()) {
    if (/\.(kubernetes|k8s)\.io$/.test(`.${(key.split('/')[0] ?? '').toLowerCase()}`)) {
      errors.push(field.invalid(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
    }
  }
  return errors
}

export function validateAzureFile(source: { secretName?: string; shareName?: string }, path: string): FieldError[] {
  return [...need(source.secretName, `${path}.secretName`), ...need(source.shareName, `${path}.shareName`)]
}

const CACHING_MODES = ['None', 'ReadOnly', 'ReadWrite']
const DISK_KINDS = ['Dedicated', 'Managed', 'Shared']
const MANAGED_URI = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const BLOB_URI = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'

export function validateAzureDisk(source: types.AzureDiskVolumeSource, path: string): FieldError[] {
  const { diskURI = '', cachingMode, kind } = source
  const errors = [...need(source.diskName, `${path}.diskName`), ...need(diskURI, `${path}.diskURI`)]
  if (cachingMode !== undefined && !CACHING_MODES.includes(cachingMode)) errors.push(field.notSupported(`${path}.cachingMode`, cachingMode, CACHING_MODES))
  if (kind === undefined) return errors
  if (!DISK_KINDS.includes(kind)) errors.push(field.notSupported(`${path}.kind`, kind, DISK_KINDS))
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) errors.push(field.notSupported(`${path}.diskURI`, diskURI, [MANAGED_URI]))
  if (kind !== 'Managed' && !diskURI.startsWith('https://')) errors.push(field.notSupported(`${path}.diskURI`, diskURI, [BLOB_URI]))
  return errors
}

export function validateScaleIO(source: { gateway?: string; system?: string; volumeName?: string }, path: string): FieldError[] {
  return [...need(source.gateway, `${path}.gateway`), ...need(source.system, `${path}.system`), ...need(source.volumeName, `${path}.volumeName`)]
}

export function validateStorageOS(source: types.StorageOSVolumeSource, path: string): FieldError[] {
  const { volumeName = '', volumeNamespace = '' } = source
  const errors = need(volumeName, `${path}.volumeName`)
  if (volumeName) for (const m of isDNS1123Label(volumeName)) errors.push(field.invalid(`${path}.volumeName`, volumeName, m))
  if (volumeNamespace) for (const m of isDNS1123Label(volumeNamespace)) errors.push(field.invalid(`${path}.volumeNamespace`, volumeNamespace, m))
  if (source.secretRef) errors.push(...need(source.secretRef.name, `${path}.secretRef.name`))
  return errors
}

export function validateCSIDriverName(driver: string, path: string): FieldError[] {
  if (!driver) return [field.required(path)]
  const errors = Buffer.byteLength(driver) > 63 ? [field.tooLong(path, 63)] : []
  for (const m of isDNS1123Subdomain(driver.toLowerCase())) errors.push(field.invalid(path, driver, m))
  return errors
}

export function validateCSI(source: types.CSIVolumeSource, path: string): FieldError[] {
  const errors = validateCSIDriverName(source.driver ?? '', `${path}.driver`)
  if (!source.nodePublishSecretRef) return errors
  const name = source.nodePublishSecretRef.name ?? ''
  errors.push(...need(name, `${path}.nodePublishSecretRef.name`))
  if (name) for (const m of isDNS1123Subdomain(name)) errors.push(field.invalid(`${path}.name`, name, m))
  return errors
}
