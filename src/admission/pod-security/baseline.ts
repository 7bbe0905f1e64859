/** The checks of the level baseline. Models the check_*.go files of k8s.io/pod-security-admission/policy. */
import type { LifecycleHandler, Probe } from '../../../schemas/types.ts'
import { containersText, hasUserNamespace, namesWhere, plural, quoted, settersText, sorted, type Check, type CheckPod, type Subject } from './check.ts'
import { allContainers } from '../pod-references.ts'
import { appArmorProfile, seLinuxOptions } from './baseline-profiles.ts'
import { seccompAnnotations, seccompFields } from './seccomp.ts'

const DEFAULT_CAPABILITIES = new Set(['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'])

const SYSCTLS = ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start']
const SYSCTLS_27 = [...SYSCTLS, 'net.ipv4.ip_local_reserved_ports']
const SYSCTLS_29 = [...SYSCTLS_27, 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes']
const SYSCTLS_32 = [...SYSCTLS_29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [{ since: 0, check: appArmorProfile }] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [{ since: 0, check: capabilities }] },
  { id: 'hostNamespaces', level: 'baseline', versions: [{ since: 0, check: hostNamespaces }] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [{ since: 0, check: hostPathVolumes }] },
  { id: 'hostPorts', level: 'baseline', versions: [{ since: 0, check: hostPorts }] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [{ since: 34, check: probeHosts }] },
  { id: 'privileged', level: 'baseline', versions: [{ since: 0, check: privileged }] },
  { id: 'procMount', level: 'baseline', versions: [{ since: 0, check: procMount }, { since: 35, check: (pod) => (hasUserNamespace(pod) ? undefined : procMount(pod)) }] },
  { id: 'seLinuxOptions', level: 'baseline', versions: [{ since: 0, check: seLinuxOptions([]) }, { since: 31, check: seLinuxOptions(['container_engine_t']) }] },
  { id: 'seccompProfile_baseline', level: 'baseline', versions: [{ since: 0, check: seccompAnnotations }, { since: 19, check: (pod) => seccompFields(pod, { isRequired: false }) }] },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [{ since: 0, check: sysctls(SYSCTLS) }, { since: 27, check: sysctls(SYSCTLS_27) }, { since: 29, check: sysctls(SYSCTLS_29) }, { since: 32, check: sysctls(SYSCTLS_32) }],
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: [{ since: 0, check: hostProcess }] },
]

function capabilities(pod: Subject) {
  const added = allContainers(pod.spec).flatMap((c) => c.securityContext?.capabilities?.add ?? [])
  const bad = namesWhere(pod, (c) => c.securityContext?.capabilities?.add?.some((name) => !DEFAULT_CAPABILITIES.has(name)) ?? false)
  if (bad.length === 0) return undefined
  const forbidden = sorted(added.filter((name) => !DEFAULT_CAPABILITIES.has(name)))
  return { reason: 'non-default capabilities', detail: `${containersText(bad)} must not include ${quoted(forbidden)} in securityContext.capabilities.add` }
}

function hostNamespaces({ spec }: Subject) {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name]).map((name) => `${name}=true`)
  return used.length > 0 ? { reason: 'host namespaces', detail: used.join(', ') } : undefined
}

function hostPathVolumes({ spec }: Subject) {
  const names = (spec.volumes ?? []).filter((v) => v.hostPath).map(({ name = '' }) => name)
  return names.length > 0 ? { reason: 'hostPath volumes', detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)}` } : undefined
}

function hostPorts(pod: Subject) {
  const bad = namesWhere(pod, (c) => c.ports?.some((p) => p.hostPort) ?? false)
  if (bad.length === 0) return undefined
  const ports = sorted(allContainers(pod.spec).flatMap((c) => c.ports ?? []).filter((p) => p.hostPort).map((p) => String(p.hostPort)))
  return { reason: 'hostPort', detail: `${containersText(bad)} ${plural('uses', 'use', bad.length)} ${plural('hostPort', 'hostPorts', ports.length)} ${ports.join(', ')}` }
}

function probeHosts({ spec }: Subject) {
  const bad = new Set<string>()
  const hosts = new Set<string>()
  for (const { name = '', livenessProbe, readinessProbe, startupProbe, lifecycle } of allContainers(spec)) {
    for (const host of [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsOf)) {
      bad.add(name)
      hosts.add(host)
    }
  }
  if (bad.size === 0) return undefined
  const what = plural('probe or lifecycle host', 'probe or lifecycle hosts', hosts.size)
  return { reason: 'probe or lifecycle host', detail: `${containersText(sorted(bad))} ${plural('uses', 'use', bad.size)} ${what} ${quoted(sorted(hosts))}` }
}

function hostsOf(handler: Probe | LifecycleHandler | undefined): string[] {
  return [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host) => host !== undefined && host !== '') as string[]
}

function privileged(pod: Subject) {
  const bad = namesWhere(pod, (c) => c.securityContext?.privileged === true)
  return bad.length > 0 ? { reason: 'privileged', detail: `${containersText(bad)} must not set securityContext.privileged=true` } : undefined
}

export function procMount(pod: Subject) {
  const mountOf = (c: { securityContext?: { procMount?: string } }) => c.securityContext?.procMount
  const isBad = (mount: string | undefined): mount is string => mount !== undefined && mount !== 'Default'
  const bad = namesWhere(pod, (c) => isBad(mountOf(c)))
  if (bad.length === 0) return undefined
  const types = sorted(allContainers(pod.spec).map(mountOf).filter(isBad))
  return { reason: 'procMount', detail: `${containersText(bad)} must not set securityContext.procMount to ${quoted(types)}` }
}

function sysctls(allowed: readonly string[]): CheckPod {
  return ({ spec }) => {
    const forbidden = (spec.securityContext?.sysctls ?? []).map(({ name = '' }) => name).filter((name) => !allowed.includes(name))
    return forbidden.length > 0 ? { reason: 'forbidden sysctls', detail: forbidden.join(', ') } : undefined
  }
}

function hostProcess(pod: Subject) {
  const isPod = pod.spec.securityContext?.windowsOptions?.hostProcess === true
  const bad = namesWhere(pod, (c) => c.securityContext?.windowsOptions?.hostProcess === true)
  if (!isPod && bad.length === 0) return undefined
  return { reason: 'hostProcess', detail: `${settersText(isPod, bad)} must not set securityContext.windowsOptions.hostProcess=true` }
}
