/** The checks that the level restricted adds. Models the check_*.go files of k8s.io/pod-security-admission/policy. */
import { procMount } from './baseline.ts'
import { allContainers } from '../pod-references.ts'
import { containersText, hasUserNamespace, isWindows, namesWhere, plural, quoted, settersText, sorted, type Check, type CheckPod, type Subject } from './check.ts'
import { seccompFields } from './seccomp.ts'

const VOLUMES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'])
/** Others are called unknown. */
const RESTRICTED_VOLUMES = new Set(
  ('hostPath gcePersistentDisk awsElasticBlockStore gitRepo nfs iscsi glusterfs rbd flexVolume cinder cephfs flocker fc azureFile vsphereVolume quobyte azureDisk photonPersistentDisk ' +
    'portworxVolume scaleIO storageos').split(' '),
)

/** From 1.25 on, Windows pods need not say what means nothing there. */
const exceptWindows = (check: CheckPod): CheckPod => (pod) => (isWindows(pod) ? undefined : check(pod))
const exceptUserNamespaces = (check: CheckPod): CheckPod => (pod) => (hasUserNamespace(pod) ? undefined : check(pod))
const requireSeccomp: CheckPod = (pod) => seccompFields(pod, { isRequired: true })

export const restrictedChecks: readonly Check[] = [
  { id: 'allowPrivilegeEscalation', level: 'restricted', versions: [{ since: 8, check: privilegeEscalation }, { since: 25, check: exceptWindows(privilegeEscalation) }] },
  { id: 'capabilities_restricted', level: 'restricted', replaces: 'capabilities_baseline', versions: [{ since: 22, check: capabilities }, { since: 25, check: exceptWindows(capabilities) }] },
  { id: 'procMount_restricted', level: 'restricted', replaces: 'procMount', versions: [{ since: 35, check: procMount }] },
  { id: 'restrictedVolumes', level: 'restricted', replaces: 'hostPathVolumes', versions: [{ since: 0, check: volumes }] },
  { id: 'runAsNonRoot', level: 'restricted', versions: [{ since: 0, check: runAsNonRoot }, { since: 35, check: exceptUserNamespaces(runAsNonRoot) }] },
  { id: 'runAsUser', level: 'restricted', versions: [{ since: 23, check: runAsUser }, { since: 35, check: exceptUserNamespaces(runAsUser) }] },
  { id: 'seccompProfile_restricted', level: 'restricted', replaces: 'seccompProfile_baseline', versions: [{ since: 19, check: requireSeccomp }, { since: 25, check: exceptWindows(requireSeccomp) }] },
]

function privilegeEscalation(pod: Subject) {
  const bad = namesWhere(pod, (c) => c.securityContext?.allowPrivilegeEscalation !== false)
  return bad.length > 0 ? { reason: 'allowPrivilegeEscalation != false', detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false` } : undefined
}

function capabilities(pod: Subject) {
  const isForbidden = (name: string) => name !== 'NET_BIND_SERVICE'
  const details: string[] = []
  const keeping = namesWhere(pod, (c) => !c.securityContext?.capabilities?.drop?.includes('ALL'))
  if (keeping.length > 0) details.push(`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`)
  const adding = namesWhere(pod, (c) => c.securityContext?.capabilities?.add?.some(isForbidden) ?? false)
  if (adding.length > 0) {
    const forbidden = sorted(allContainers(pod.spec).flatMap((c) => c.securityContext?.capabilities?.add ?? []).filter(isForbidden))
    details.push(`${containersText(adding)} must not include ${quoted(forbidden)} in securityContext.capabilities.add`)
  }
  return details.length > 0 ? { reason: 'unrestricted capabilities', detail: details.join('; ') } : undefined
}

function volumes({ spec }: Subject) {
  const bad = (spec.volumes ?? []).filter((volume) => !Object.keys(volume).some((kind) => VOLUMES.has(kind)))
  if (bad.length === 0) return undefined
  const names = bad.map(({ name = '' }) => name)
  const types = sorted(bad.map((volume) => Object.keys(volume).find((kind) => RESTRICTED_VOLUMES.has(kind)) ?? 'unknown'))
  const what = plural('restricted volume type', 'restricted volume types', types.length)
  return { reason: 'restricted volume types', detail: `${plural('volume', 'volumes', names.length)} ${quoted(names)} ${plural('uses', 'use', names.length)} ${what} ${quoted(types)}` }
}

function runAsNonRoot(pod: Subject) {
  const own = pod.spec.securityContext?.runAsNonRoot
  const bad = namesWhere(pod, (c) => c.securityContext?.runAsNonRoot === false)
  if (own === false || bad.length > 0) return { reason: 'runAsNonRoot != true', detail: `${settersText(own === false, bad)} must not set securityContext.runAsNonRoot=false` }
  if (own) return undefined
  const silent = namesWhere(pod, (c) => c.securityContext?.runAsNonRoot === undefined)
  return silent.length > 0 ? { reason: 'runAsNonRoot != true', detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` } : undefined
}

function runAsUser(pod: Subject) {
  const isPod = pod.spec.securityContext?.runAsUser === 0
  const bad = namesWhere(pod, (c) => c.securityContext?.runAsUser === 0)
  return isPod || bad.length > 0 ? { reason: 'runAsUser=0', detail: `${settersText(isPod, bad)} must not set runAsUser=0` } : undefined
}
