/** Volume mounts and devices of a container. Models ValidateVolumeMounts and ValidateVolumeDevices of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Container, Volume, VolumeDevice, VolumeMount } from '../../../schemas/types.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateLocalDescendingPath, validatePathNoBacksteps } from './_path-validation.ts'

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None']
const RECURSIVE_READ_ONLY = ['Disabled', 'Enabled', 'IfPossible']

export function validateVolumeMounts(container: Container, volumes: ReadonlyMap<string, Volume>, path: string): FieldError[] {
  const errors: FieldError[] = []
  const devices = container.volumeDevices ?? []
  const seen = new Set<string>()
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount
    const at = `${path}[${i}]`
    if (!name) errors.push(field.required(`${at}.name`))
    if (!volumes.has(name)) errors.push(field.notFound(`${at}.name`, name))
    if (!mountPath) errors.push(field.required(`${at}.mountPath`))
    if (seen.has(mountPath)) errors.push(field.invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    seen.add(mountPath)
    if (devices.some((d) => (d.name ?? '') === name)) errors.push(field.invalid(`${at}.name`, name, 'must not already exist in volumeDevices'))
    if (devices.some((d) => (d.devicePath ?? '') === mountPath)) errors.push(field.invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    if (subPath) errors.push(...validateLocalDescendingPath(subPath, `${path}.subPath`))
    if (subPathExpr) {
      if (subPath) errors.push(field.invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      errors.push(...validateLocalDescendingPath(subPathExpr, `${path}.subPathExpr`))
    }
    errors.push(...validatePropagation(mount, container, `${path}.mountPropagation`), ...validateRecursiveReadOnly(mount, `${path}.recursiveReadOnly`))
  }
  return errors
}

function validatePropagation({ mountPropagation }: VolumeMount, { securityContext }: Container, path: string): FieldError[] {
  if (mountPropagation === undefined) return []
  if (!PROPAGATIONS.includes(mountPropagation)) return [field.notSupported(path, mountPropagation, PROPAGATIONS)]
  if (mountPropagation !== 'Bidirectional' || securityContext?.privileged) return []
  return [field.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers')]
}

function validateRecursiveReadOnly({ recursiveReadOnly, readOnly, mountPropagation }: VolumeMount, path: string): FieldError[] {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return []
  if (!RECURSIVE_READ_ONLY.includes(recursiveReadOnly)) return [field.notSupported(path, recursiveReadOnly, RECURSIVE_READ_ONLY)]
  const errors: FieldError[] = []
  if (!readOnly) errors.push(field.forbidden(path, 'may only be specified when readOnly is true'))
  if (mountPropagation !== undefined && mountPropagation !== 'None') errors.push(field.forbidden(path, 'may only be specified when mountPropagation is None or not specified'))
  return errors
}

export function validateVolumeDevices(container: Container, volumes: ReadonlyMap<string, Volume>, path: string): FieldError[] {
  const errors: FieldError[] = []
  const mounts = container.volumeMounts ?? []
  const names = new Set<string>()
  const paths = new Set<string>()
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const { name = '', devicePath = '' } = device
    const at = `${path}[${i}]`
    const volume = volumes.get(name)
    if (!name) errors.push(field.required(`${at}.name`))
    if (names.has(name)) errors.push(field.invalid(`${at}.name`, name, 'must be unique'))
    if (!volume) errors.push(field.notFound(`${at}.name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) errors.push(field.invalid(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'))
    if (!devicePath) errors.push(field.required(`${at}.devicePath`))
    if (paths.has(devicePath)) errors.push(field.invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (validatePathNoBacksteps(devicePath, path).length) errors.push(field.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    else paths.add(devicePath)
    errors.push(...validateAgainstMounts(device, mounts, at))
    if (name) names.add(name)
  }
  return errors
}

function validateAgainstMounts({ name = '', devicePath = '' }: VolumeDevice, mounts: readonly VolumeMount[], at: string): FieldError[] {
  const errors: FieldError[] = []
  if (mounts.some((m) => (m.name ?? '') === name)) errors.push(field.invalid(`${at}.name`, name, 'must not already exist in volumeMounts'))
  if (mounts.some((m) => (m.mountPath ?? '') === devicePath)) errors.push(field.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
  return errors
}
