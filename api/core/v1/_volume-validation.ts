/**
 * The volumes of a pod: one source each, names that do not clash, and the rules of the sources that live in the cluster.
 * Models ValidateVolumes of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { ConfigMapVolumeSource, DownwardAPIVolumeFile, EphemeralVolumeSource, ImageVolumeSource, KeyToPath, ObjectMeta, ProjectedVolumeSource, SecretVolumeSource, Volume, VolumeProjection, VolumeSource } from '../../../schemas/types.ts'
import { quantitySign } from '../../../src/apimachinery/quantity.ts'
import { validateAnnotations, validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { validateClaimSpec } from './_claim-spec-validation.ts'
import { validateFieldRef, validatePullPolicy, validateResourceFieldRef, VOLUME_FIELD_PATHS } from './_container-env-validation.ts'
import { need, validateFileMode, validateLocalNonReservedPath } from './_path-validation.ts'
import type { PodOptions } from './_pod-options.ts'
import * as sources from './_volume-source-validation.ts'

const SECOND_TYPE = 'may not specify more than 1 volume type'

interface VolumeContext {
  name: string
  podName: string
  options: PodOptions
}

interface SourceRule {
  key: keyof VolumeSource
  /** How upstream spells the field when it is the second one given. */
  second: string
  check(volume: Volume, path: string, ctx: VolumeContext): FieldError[]
}

function source<K extends keyof VolumeSource>(
  key: K, check: (given: NonNullable<Volume[K]>, path: string, ctx: VolumeContext) => FieldError[], names: { path?: string; second?: string } = {},
): SourceRule {
  return {
    key,
    second: names.second ?? key,
    check(volume, path, ctx) {
      const given = volume[key]
      return given === undefined || given === null ? [] : check(given, `${path}.${names.path ?? key}`, ctx)
    },
  }
}

/** In the order in which upstream looks for them; emptyDir comes before. */
const SOURCES: readonly SourceRule[] = [
  source('hostPath', sources.validateHostPath),
  source('gitRepo', sources.validateGitRepo),
  source('gcePersistentDisk', sources.validateGCEPersistentDisk, { path: 'persistentDisk' }),
  source('awsElasticBlockStore', sources.validateAWSElasticBlockStore),
  source('secret', validateSecret),
  source('nfs', sources.validateNFS),
  source('iscsi', (iscsi, path) => sources.validateISCSI(iscsi, path)),
  source('glusterfs', sources.validateGlusterfs),
  source('flocker', sources.validateFlocker),
  source('persistentVolumeClaim', (claim, path) => need(claim.claimName, `${path}.claimName`)),
  source('rbd', sources.validateRBD),
  source('cinder', sources.validateCinder),
  source('cephfs', sources.validateCephFS, { second: 'cephFS' }),
  source('quobyte', sources.validateQuobyte),
  source('downwardAPI', (api, path) => [
    ...validateFileMode(api.defaultMode, `${path}.defaultMode`),
    ...(api.items ?? []).flatMap((file) => validateDownwardAPIFile(file, path)),
  ], { second: 'downwarAPI' }),
  source('fc', sources.validateFC),
  source('flexVolume', sources.validateFlexVolume),
  source('configMap', validateConfigMap),
  source('azureFile', sources.validateAzureFile),
  source('vsphereVolume', (disk, path) => need(disk.volumePath, `${path}.volumePath`)),
  source('photonPersistentDisk', (disk, path) => need(disk.pdID, `${path}.pdID`)),
  source('portworxVolume', (disk, path) => need(disk.volumeID, `${path}.volumeID`)),
  source('azureDisk', sources.validateAzureDisk),
  source('storageos', sources.validateStorageOS),
  source('projected', validateProjected),
  source('scaleIO', sources.validateScaleIO),
  source('csi', sources.validateCSI),
  source('ephemeral', validateEphemeral),
  source('image', validateImage),
]

/** The errors, and the volumes that are right: mounts may refer to those only. */
export function validateVolumes(volumes: readonly Volume[], path: string, { podName = '', options }: { podName?: string; options: PodOptions }): { errors: FieldError[]; valid: Map<string, Volume> } {
  const errors: FieldError[] = []
  const valid = new Map<string, Volume>()
  const ownClaims = new Set(podName ? volumes.filter((v) => v.ephemeral).map((v) => `${podName}-${v.name ?? ''}`) : [])
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`
    const name = volume.name ?? ''
    const own = validateVolumeSource(volume, at, { name, podName, options })
    if (!name) own.push(field.required(`${at}.name`))
    else for (const m of isDNS1123Label(name)) own.push(field.invalid(`${at}.name`, name, m))
    if (valid.has(name)) own.push(field.duplicate(`${at}.name`, name))
    if (own.length === 0) valid.set(name, volume)
    errors.push(...own)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim && ownClaims.has(claim)) errors.push(field.invalid(`${at}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume'))
  }
  return { errors, valid }
}

function validateVolumeSource(volume: Volume, path: string, ctx: VolumeContext): FieldError[] {
  const errors: FieldError[] = []
  let isTaken = false
  if (volume.emptyDir) {
    isTaken = true
    const limit = volume.emptyDir.sizeLimit
    if (limit !== undefined && quantitySign(limit) < 0) errors.push(field.forbidden(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  }
  for (const rule of SOURCES) {
    if (!volume[rule.key]) continue
    if (isTaken) errors.push(field.forbidden(`${path}.${rule.second}`, SECOND_TYPE))
    else errors.push(...rule.check(volume, path, ctx))
    isTaken = true
    if (rule.key === 'iscsi' && volume.iscsi?.initiatorName !== undefined && Buffer.byteLength(`${ctx.name}:${volume.iscsi.targetPortal ?? ''}`) > 64) {
      errors.push(field.invalid(`${path}.name`, ctx.name, 'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'))
    }
  }
  if (!isTaken) errors.push(field.required(path, 'must specify a volume type'))
  return errors
}

function validateSecret(secret: SecretVolumeSource, path: string): FieldError[] {
  return [...need(secret.secretName, `${path}.secretName`), ...validateFileMode(secret.defaultMode, `${path}.defaultMode`), ...validateItems(secret.items, path)]
}

function validateConfigMap(map: ConfigMapVolumeSource, path: string): FieldError[] {
  return [...need(map.name, `${path}.name`), ...validateFileMode(map.defaultMode, `${path}.defaultMode`), ...validateItems(map.items, path)]
}

function validateItems(items: KeyToPath[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => validateKeyToPath(item, `${path}.items[${i}]`))
}

function validateKeyToPath(item: KeyToPath, path: string): FieldError[] {
  return [
    ...need(item.key, `${path}.key`),
    ...need(item.path, `${path}.path`),
    ...validateLocalNonReservedPath(item.path ?? '', `${path}.path`),
    ...validateFileMode(item.mode, `${path}.mode`),
  ]
}

function validateDownwardAPIFile(file: DownwardAPIVolumeFile, path: string): FieldError[] {
  const errors = [...need(file.path, `${path}.path`), ...validateLocalNonReservedPath(file.path ?? '', `${path}.path`)]
  if (file.fieldRef) {
    errors.push(...validateFieldRef(file.fieldRef, `${path}.fieldRef`, VOLUME_FIELD_PATHS))
    if (file.resourceFieldRef) errors.push(field.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
  } else if (file.resourceFieldRef) errors.push(...validateResourceFieldRef(file.resourceFieldRef, `${path}.resourceFieldRef`, { inVolume: true }))
  else errors.push(field.required(path, 'one of fieldRef and resourceFieldRef is required'))
  return [...errors, ...validateFileMode(file.mode, `${path}.mode`)]
}

function validateProjected(projected: ProjectedVolumeSource, path: string, { options }: VolumeContext): FieldError[] {
  const errors = validateFileMode(projected.defaultMode, `${path}.defaultMode`)
  const taken = new Set<string>()
  for (const [i, projection] of (projected.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`
    errors.push(...validateProjection(projection, at, { path, taken, options }))
    if (Object.values(projection).filter((given) => given !== undefined).length > 1) errors.push(field.forbidden(at, `${SECOND_TYPE} per source`))
  }
  return errors
}

function validateProjection(projection: VolumeProjection, at: string, { path, taken, options }: { path: string; taken: Set<string>; options: PodOptions }): FieldError[] {
  const errors: FieldError[] = []
  const claim = (target: string | undefined, shown: string) => {
    if (!target) return
    if (taken.has(target)) errors.push(field.invalid(path, shown, 'conflicting duplicate paths'))
    taken.add(target)
  }
  for (const key of ['secret', 'configMap'] as const) {
    const given = projection[key]
    if (!given) continue
    errors.push(...need(given.name, `${at}.${key}.name`))
    for (const [i, item] of (given.items ?? []).entries()) {
      errors.push(...validateKeyToPath(item, `${at}.${key}.items[${i}]`))
      claim(item.path, given.name ?? '')
    }
  }
  for (const file of projection.downwardAPI?.items ?? []) {
    errors.push(...validateDownwardAPIFile(file, `${at}.downwardAPI`))
    claim(file.path, file.path ?? '')
  }
  const token = projection.serviceAccountToken
  if (!token) return errors
  const seconds = token.expirationSeconds ?? 0
  if (seconds < 600) errors.push(field.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
  if (seconds > 2 ** 32) errors.push(field.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  if (!token.path) errors.push(field.required(`${path}.path`))
  else if (!options.allowNonLocalTokenPath) errors.push(...validateLocalNonReservedPath(token.path, `${path}.path`))
  return errors
}

/** Names of ObjectMeta as upstream prints the fields that a template may not have. */
const FORBIDDEN_META: readonly (readonly [keyof ObjectMeta, string])[] = [
  ['name', 'name'], ['generateName', 'generateName'], ['namespace', 'namespace'], ['selfLink', 'selfLink'], ['uid', 'uID'], ['resourceVersion', 'resourceVersion'],
  ['generation', 'generation'], ['creationTimestamp', 'creationTimestamp'], ['deletionTimestamp', 'deletionTimestamp'],
  ['deletionGracePeriodSeconds', 'deletionGracePeriodSeconds'], ['ownerReferences', 'ownerReferences'], ['finalizers', 'finalizers'], ['managedFields', 'managedFields'],
]

function validateEphemeral(ephemeral: EphemeralVolumeSource, path: string, { name, podName }: VolumeContext): FieldError[] {
  const errors: FieldError[] = []
  const template = ephemeral.volumeClaimTemplate
  const at = `${path}.volumeClaimTemplate`
  if (!template) errors.push(field.required(at))
  else {
    const meta = template.metadata ?? {}
    errors.push(...validateAnnotations(meta.annotations, `${at}.metadata.annotations`), ...validateLabels(meta.labels, `${at}.metadata.labels`))
    for (const [key, shown] of FORBIDDEN_META) if (meta[key] || (meta[key] === 0 && key !== 'generation')) errors.push(field.forbidden(`${at}.metadata.${shown}`, 'cannot be set'))
    errors.push(...validateClaimSpec(template.spec ?? {}, `${at}.spec`))
  }
  if (!podName || !name) return errors
  const claimName = `${podName}-${name}`
  for (const m of isDNS1123Subdomain(claimName)) errors.push(field.invalid(path.replace(/\.ephemeral$/, '.name'), name, `PVC name ${quote(claimName)}: ${m}`))
  return errors
}

function validateImage(image: ImageVolumeSource, path: string, { options }: VolumeContext): FieldError[] {
  return [...(options.isPod ? need(image.reference, `${path}.reference`) : []), ...validatePullPolicy(image.pullPolicy ?? '', `${path}.pullPolicy`)]
}
