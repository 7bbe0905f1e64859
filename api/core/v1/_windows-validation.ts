/**
 * Windows options of security contexts, and what a pod of one operating system may not set.
 * Models validateWindowsSecurityContextOptions, validateWindowsHostProcessPod, validateLinux and validateWindows of
 * k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { PodSecurityContext, PodSpec, SecurityContext, WindowsSecurityContextOptions } from '../../../schemas/types.ts'
import { byteLength, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { containersWithPath } from './_pod-containers.ts'
import type { PodOptions } from './_pod-options.ts'

const MAX_CREDENTIAL_SPEC_KIB = 64
const MAX_DOMAIN_LENGTH = 256
const MAX_USER_LENGTH = 104
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/
const DNS = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

export function validateWindowsOptions(options: WindowsSecurityContextOptions | undefined, path: string): FieldError[] {
  if (!options) return []
  const errors: FieldError[] = []
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options
  if (name !== undefined) for (const m of isDNS1123Subdomain(name)) errors.push(field.invalid(`${path}.gmsaCredentialSpecName`, name, m))
  if (spec === '') errors.push(field.invalid(`${path}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string'))
  else if (spec !== undefined && byteLength(spec) > MAX_CREDENTIAL_SPEC_KIB * 1024) {
    errors.push(field.invalid(`${path}.gmsaCredentialSpec`, spec, `gmsaCredentialSpec size must be under ${MAX_CREDENTIAL_SPEC_KIB} KiB`))
  }
  if (user !== undefined) for (const m of isWindowsUserName(user)) errors.push(field.invalid(`${path}.runAsUserName`, user, m))
  return errors
}

function isWindowsUserName(name: string): string[] {
  if (!name) return ['runAsUserName cannot be an empty string']
  if (/[\u0000-\u001f\u007f]/.test(name)) return ['runAsUserName cannot contain control characters']
  const parts = name.split('\\')
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash']
  const user = parts.at(-1) ?? ''
  const domain = parts.length === 2 ? (parts[0] ?? '') : undefined
  const messages: string[] = []
  if (domain !== undefined && byteLength(domain) >= MAX_DOMAIN_LENGTH) messages.push(`runAsUserName's Domain length must be under ${MAX_DOMAIN_LENGTH} characters`)
  if (domain !== undefined && !NETBIOS.test(domain) && !DNS.test(domain)) messages.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format")
  if (!user) messages.push("runAsUserName's User cannot be empty")
  else if (byteLength(user) > MAX_USER_LENGTH) messages.push(`runAsUserName's User length must not be longer than ${MAX_USER_LENGTH} characters`)
  if (/^[. ]+$/.test(user)) messages.push("runAsUserName's User cannot contain only periods or spaces")
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) messages.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]')
  return messages
}

export function validateHostProcess(spec: PodSpec, path: string, options: PodOptions): FieldError[] {
  const errors: FieldError[] = []
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  const all = containersWithPath(spec, path)
  let hostProcesses = 0
  for (const { container, path: at } of all) {
    const own = container.securityContext?.windowsOptions?.hostProcess
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      errors.push(field.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, `pod hostProcess value must be identical if both are specified, was ${ofPod}`))
    }
    if (own ?? ofPod) hostProcesses++
  }
  if (hostProcesses === 0) return errors
  if (hostProcesses !== all.length) errors.push(field.invalid(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers'))
  if (!spec.hostNetwork) errors.push(field.invalid(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers'))
  if (!options.allowPrivileged) errors.push(field.forbidden(path, 'hostProcess containers are disallowed by cluster policy'))
  return errors
}

const OPERATING_SYSTEMS = ['linux', 'windows']

/** Nothing to say of a pod that does not name its operating system. */
export function validateOS(spec: PodSpec, path: string): FieldError[] {
  if (!spec.os) return []
  const name = spec.os.name ?? ''
  if (!name) return [field.required(`${path}.os.name`)]
  if (!OPERATING_SYSTEMS.includes(name)) return [field.notSupported(`${path}.os`, name, OPERATING_SYSTEMS)]
  return name === 'linux' ? validateLinux(spec, path) : validateWindows(spec, path)
}

function validateLinux(spec: PodSpec, path: string): FieldError[] {
  const refuse = (at: string) => field.forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod')
  const errors = spec.securityContext?.windowsOptions ? [refuse(path)] : []
  for (const { container, path: at } of containersWithPath(spec, path)) if (container.securityContext?.windowsOptions) errors.push(refuse(at))
  return errors
}

type PodField = keyof PodSecurityContext | 'hostUsers' | 'hostPID' | 'hostIPC' | 'shareProcessNamespace'

/** In upstream's order; those of the spec itself are where they stand among them. */
const LINUX_ONLY: readonly PodField[] = [
  'appArmorProfile', 'seLinuxOptions', 'hostUsers', 'hostPID', 'hostIPC', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'shareProcessNamespace',
  'runAsUser', 'runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy', 'seLinuxChangePolicy',
]
const LINUX_ONLY_OF_CONTAINERS: readonly (keyof SecurityContext)[] = [
  'appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup',
]

function validateWindows(spec: PodSpec, path: string): FieldError[] {
  const refuse = (at: string) => field.forbidden(at, 'cannot be set for a windows pod')
  const errors: FieldError[] = []
  for (const key of LINUX_ONLY) {
    if (key === 'hostPID' || key === 'hostIPC') {
      if (spec[key]) errors.push(refuse(`${path}.${key}`))
    } else if (key === 'hostUsers' || key === 'shareProcessNamespace') {
      if (spec[key] !== undefined) errors.push(refuse(`${path}.${key}`))
    } else if (spec.securityContext?.[key] !== undefined) errors.push(refuse(`${path}.securityContext.${key}`))
  }
  for (const { container, path: at } of containersWithPath(spec, path)) {
    for (const key of LINUX_ONLY_OF_CONTAINERS) if (container.securityContext?.[key] !== undefined) errors.push(refuse(`${at}.securityContext.${key}`))
  }
  return errors
}
