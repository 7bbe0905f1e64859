/**
 * Security contexts of containers and pods: users, sysctls, seccomp, AppArmor, SELinux; Windows options are in a file of their own.
 * Models ValidateSecurityContext and validatePodSpecSecurityContext of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from '../../../schemas/types.ts'
import { isValidGroupID, isValidUserID } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateLocalDescendingPath } from './_path-validation.ts'
import { toInternal } from './_pod-internal.ts'
import type { PodOptions } from './_pod-options.ts'
import { validateWindowsOptions } from './_windows-validation.ts'

const PROC_MOUNTS = ['Default', 'Unmasked']
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined']
const FS_GROUP_CHANGE_POLICIES = ['Always', 'OnRootMismatch']
const SUPPLEMENTAL_GROUPS_POLICIES = ['Merge', 'Strict']
const SELINUX_CHANGE_POLICIES = ['MountOption', 'Recursive']
const MAX_PROFILE_LENGTH = 4095

interface ContextOptions {
  /** The pod shares the user namespace of the host. */
  hasHostUsers: boolean
  options: PodOptions
}

export function validateSecurityContext(context: SecurityContext | undefined, path: string, { hasHostUsers, options }: ContextOptions): FieldError[] {
  if (!context) return []
  const { procMount } = context
  const errors = context.privileged && !options.allowPrivileged ? [field.forbidden(`${path}.privileged`, 'disallowed by cluster policy')] : []
  errors.push(...validateIDs(context, path))
  if (procMount !== undefined) {
    if (!PROC_MOUNTS.includes(procMount)) errors.push(field.notSupported(`${path}.procMount`, procMount, PROC_MOUNTS))
    if (hasHostUsers && procMount === 'Unmasked') errors.push(field.invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'))
  }
  errors.push(...validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`))
  if (context.allowPrivilegeEscalation === false) {
    const shown = () => toInternal('SecurityContext', context)
    if (context.privileged) errors.push(field.invalid(path, shown(), 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
    for (const capability of context.capabilities?.add ?? []) {
      if (capability === 'CAP_SYS_ADMIN') errors.push(field.invalid(path, shown(), 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'))
    }
  }
  errors.push(...validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`), ...validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`))
  return errors
}

function validateIDs({ runAsUser, runAsGroup }: { runAsUser?: number; runAsGroup?: number }, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (runAsUser !== undefined) for (const m of isValidUserID(runAsUser)) errors.push(field.invalid(`${path}.runAsUser`, runAsUser, m))
  if (runAsGroup !== undefined) for (const m of isValidGroupID(runAsGroup)) errors.push(field.invalid(`${path}.runAsGroup`, runAsGroup, m))
  return errors
}

export function validatePodSecurityContext(spec: PodSpec, path: string, options: PodOptions): FieldError[] {
  const context = spec.securityContext
  if (!context) return []
  const errors: FieldError[] = []
  const { fsGroup, supplementalGroups = [], sysctls = [] } = context
  if (fsGroup !== undefined) for (const m of isValidGroupID(fsGroup)) errors.push(field.invalid(`${path}.fsGroup`, fsGroup, m))
  errors.push(...validateIDs(context, path))
  for (const [i, id] of supplementalGroups.entries()) for (const m of isValidGroupID(id)) errors.push(field.invalid(`${path}.supplementalGroups[${i}]`, id, m))
  if (spec.shareProcessNamespace && spec.hostPID) errors.push(field.invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  errors.push(...validateSysctls(sysctls, `${path}.sysctls`, { spec, options }), ...validatePolicies(context, path, options))
  return errors
}

function validatePolicies(context: PodSecurityContext, path: string, options: PodOptions): FieldError[] {
  const oneOf = (key: 'fsGroupChangePolicy' | 'supplementalGroupsPolicy' | 'seLinuxChangePolicy', supported: readonly string[]) => {
    const value = context[key]
    return value === undefined || supported.includes(value) ? [] : [field.notSupported(`${path}.${key}`, value, supported)]
  }
  return [
    ...oneOf('fsGroupChangePolicy', FS_GROUP_CHANGE_POLICIES),
    ...validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`),
    ...validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`),
    ...validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`),
    ...oneOf('supplementalGroupsPolicy', SUPPLEMENTAL_GROUPS_POLICIES),
    ...oneOf('seLinuxChangePolicy', options.allowSELinuxChangePolicies ? SELINUX_CHANGE_POLICIES : ['Recursive']),
  ]
}

const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const SYSCTL = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`
const sysctl = new RegExp(SYSCTL)
const MAX_SYSCTL_LENGTH = 253

function validateSysctls(sysctls: readonly { name?: string }[], path: string, { spec, options }: { spec: PodSpec; options: PodOptions }): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { name = '' }] of sysctls.entries()) {
    const at = `${path}[${i}].name`
    if (!name) errors.push(field.required(at))
    else if (name.length > MAX_SYSCTL_LENGTH || !sysctl.test(name)) errors.push(field.invalid(at, name, `must have at most ${MAX_SYSCTL_LENGTH} characters and match regex ${SYSCTL}`))
    else if (seen.has(name)) errors.push(field.duplicate(at, name))
    const host = options.allowNamespacedSysctlsWithHost ? undefined : sharedNamespaceOf(name, spec)
    if (host) errors.push(field.invalid(at, name, `may not be specified when '${host}' is true`))
    seen.add(name)
  }
  return errors
}

const IPC_SYSCTLS = new Set([
  'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni', 'kernel.shm_rmid_forced', 'kernel.shm', 'kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.msg',
])

/** Which shared host namespace makes this sysctl one of the host, if any does. Models k8s.io/component-helpers/node/util/sysctl. */
export function sharedNamespaceOf(name: string, spec: PodSpec): 'hostNetwork' | 'hostIPC' | undefined {
  const [dotted = ''] = normalizeSysctl(name).split('*')
  if (spec.hostNetwork && dotted.startsWith('net.')) return 'hostNetwork'
  return spec.hostIPC && (IPC_SYSCTLS.has(dotted) || dotted.startsWith('fs.mqueue.')) ? 'hostIPC' : undefined
}

/** A name written with slashes means the same as one with dots; the first separator decides which it is. */
function normalizeSysctl(name: string): string {
  const first = /[./]/.exec(name)
  if (first?.[0] !== '/') return name
  return name.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'))
}

function validateSeccompProfile(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (!profile) return []
  const { type = '', localhostProfile } = profile
  const errors: FieldError[] = []
  if (!type) errors.push(field.required(`${path}.type`, 'type is required when seccompProfile is set'))
  else if (!PROFILE_TYPES.includes(type)) errors.push(field.notSupported(`${path}.type`, type, PROFILE_TYPES))
  if (type === 'Localhost') {
    if (localhostProfile === undefined) errors.push(field.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost'))
    else errors.push(...validateLocalDescendingPath(localhostProfile, `${path}.localhostProfile`))
  } else if (localhostProfile !== undefined) {
    errors.push(field.invalid(`${path}.localhostProfile`, toInternal('SeccompProfile', profile), 'can only be set when seccomp type is Localhost'))
  }
  return errors
}

export function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: string): FieldError[] {
  if (!profile) return []
  const { type = '', localhostProfile: local } = profile
  const at = `${path}.localhostProfile`
  if (!type) return [field.required(`${path}.type`, 'type is required when appArmorProfile is set')]
  if (!PROFILE_TYPES.includes(type)) return [field.notSupported(`${path}.type`, type, PROFILE_TYPES)]
  if (type !== 'Localhost') return local === undefined ? [] : [field.invalid(at, local, 'can only be set when AppArmor type is Localhost')]
  if (local === undefined || local === '') return [field.required(at, 'must be set when AppArmor type is Localhost')]
  const errors = local.trim() === local ? [] : [field.invalid(at, local, 'must not be padded with whitespace')]
  if (Buffer.byteLength(local) > MAX_PROFILE_LENGTH) errors.push(field.tooLong(at, MAX_PROFILE_LENGTH))
  return errors
}
