/**
 * Defaults of a pod template, shared by every kind that holds one, and the few that only a Pod gets. Conversions through
 * upstream's internal types that change what is stored are done here too, since they happen at the same moment.
 * Models SetDefaults_* and Convert_v1_Pod* of k8s.io/kubernetes/pkg/apis/core/v1/{defaults,conversion}.go.
 */
import type {
  Container, DownwardAPIVolumeFile, EphemeralContainer, Lifecycle, PersistentVolumeClaimSpec, Pod, PodSpec, PodTemplateSpec, Probe, ProjectedVolumeSource, ResourceRequirements, Volume,
} from '../../../schemas/types.ts'
import { defaultPullPolicy } from './_pod-image.ts'
import { aggregateContainerResources, isPodLevelResource } from './_pod-resources.ts'
import { isHugePageResource, isOvercommitAllowed, roundUpResources } from './_resource-names.ts'

type ResourceList = Record<string, string>

export function defaultPodTemplate(template: PodTemplateSpec): void {
  dropInitContainerAnnotations(template)
  template.spec ??= { containers: [] }
  defaultPodSpec(template.spec)
}

/** Defaults of a Pod: those of any template after the ones a template does not get. */
export function defaultPod(pod: Pod): void {
  const spec = (pod.spec ??= { containers: [] })
  dropInitContainerAnnotations(pod)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1
  for (const c of spec.containers ?? []) defaultRequestsToLimits(c)
  for (const c of spec.initContainers ?? []) defaultRequestsToLimits(c)
  defaultHugePagesLimits(spec)
  defaultPodLevelRequests(spec)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork) {
    for (const c of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
      for (const port of c.ports ?? []) port.hostPort ||= port.containerPort
    }
  }
  defaultPodSpec(spec)
  syncPodIPs(pod)
}

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  const account = spec.serviceAccountName || spec.serviceAccount
  if (account) spec.serviceAccountName = spec.serviceAccount = account
  for (const v of spec.volumes ?? []) defaultVolume(v)
  for (const c of spec.initContainers ?? []) defaultContainer(c)
  for (const c of spec.containers ?? []) defaultContainer(c)
  for (const c of spec.ephemeralContainers ?? []) defaultContainer(c)
  roundUpResources(spec.overhead)
  roundRequirements(spec.resources)
}

function defaultContainer(c: Container | EphemeralContainer): void {
  c.resources ??= {}
  c.imagePullPolicy ||= defaultPullPolicy(c.image ?? '')
  c.terminationMessagePath ||= '/dev/termination-log'
  c.terminationMessagePolicy ||= 'File'
  for (const port of c.ports ?? []) port.protocol ||= 'TCP'
  for (const env of c.env ?? []) {
    const from = env.valueFrom
    if (from?.fieldRef) from.fieldRef.apiVersion ||= 'v1'
    if (from?.fileKeyRef) from.fileKeyRef.optional ??= false
    if (from?.resourceFieldRef) from.resourceFieldRef.divisor ??= '0'
  }
  roundRequirements(c.resources)
  defaultProbe(c.livenessProbe)
  defaultProbe(c.readinessProbe)
  defaultProbe(c.startupProbe)
  defaultLifecycle(c.lifecycle)
}

function defaultProbe(probe: Probe | undefined): void {
  if (!probe) return
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  defaultHTTPGet(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

function defaultLifecycle(lifecycle: Lifecycle | undefined): void {
  if (!lifecycle) return
  defaultHTTPGet(lifecycle.postStart?.httpGet)
  defaultHTTPGet(lifecycle.preStop?.httpGet)
}

function defaultHTTPGet(action: { path?: string; scheme?: string } | undefined): void {
  if (!action) return
  action.path ||= '/'
  action.scheme ||= 'HTTP'
}

function defaultVolume(v: Volume): void {
  let isBare = true
  for (const key in v) if (key !== 'name' && v[key as keyof Volume] !== undefined) isBare = false
  if (isBare) v.emptyDir = {}
  if (v.image) v.image.pullPolicy ||= defaultPullPolicy(v.image.reference ?? '')
  if (v.hostPath) v.hostPath.type ??= ''
  if (v.secret) v.secret.defaultMode ??= 0o644
  if (v.configMap) v.configMap.defaultMode ??= 0o644
  if (v.downwardAPI) {
    v.downwardAPI.defaultMode ??= 0o644
    for (const item of v.downwardAPI.items ?? []) defaultDownwardAPIFile(item)
  }
  if (v.projected) defaultProjected(v.projected)
  if (v.iscsi) v.iscsi.iscsiInterface ||= 'default'
  if (v.rbd) {
    v.rbd.pool ||= 'rbd'
    v.rbd.user ||= 'admin'
    v.rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (v.azureDisk) {
    v.azureDisk.cachingMode ??= 'ReadWrite'
    v.azureDisk.fsType ??= 'ext4'
    v.azureDisk.readOnly ??= false
    v.azureDisk.kind ??= 'Shared'
  }
  if (v.scaleIO) {
    v.scaleIO.storageMode ||= 'ThinProvisioned'
    v.scaleIO.fsType ||= 'xfs'
  }
  if (v.ephemeral?.volumeClaimTemplate) defaultClaimSpec(v.ephemeral.volumeClaimTemplate.spec)
}

function defaultProjected(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= 0o644
  for (const source of projected.sources ?? []) {
    for (const item of source.downwardAPI?.items ?? []) defaultDownwardAPIFile(item)
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= 3600
  }
}

function defaultDownwardAPIFile({ fieldRef, resourceFieldRef }: DownwardAPIVolumeFile): void {
  if (fieldRef) fieldRef.apiVersion ||= 'v1'
  if (resourceFieldRef) resourceFieldRef.divisor ??= '0'
}

/** What the spec of a PersistentVolumeClaim gets, alone and as a template. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec | undefined): void {
  if (!spec) return
  spec.volumeMode ??= 'Filesystem'
  roundRequirements(spec.resources)
}

function roundRequirements(resources: { limits?: ResourceList; requests?: ResourceList } | undefined): void {
  roundUpResources(resources?.limits)
  roundUpResources(resources?.requests)
}

function defaultRequestsToLimits(c: Container): void {
  const limits = c.resources?.limits
  if (!c.resources || !limits) return
  const requests = (c.resources.requests ??= {})
  for (const name in limits) requests[name] ??= limits[name] ?? '0'
}

/** Huge pages that containers limit are limited for the pod too, where the pod states resources of its own. */
function defaultHugePagesLimits(spec: PodSpec): void {
  const own = spec.resources
  if (!own || (isEmpty(own.limits) && isEmpty(own.requests))) return
  const limits = own.limits ?? {}
  const total = aggregateContainerResources(spec, 'limits')
  for (const name in total) {
    if (isHugePageResource(name) && own.requests?.[name] === undefined) limits[name] ??= total[name] ?? '0'
  }
  if (!isEmpty(limits)) own.limits = limits
}

/** A pod with limits of its own requests what its containers do together, and else what it is limited to. */
function defaultPodLevelRequests(spec: PodSpec): void {
  const own: ResourceRequirements | undefined = spec.resources
  if (!own || isEmpty(own.limits)) return
  const requests = own.requests ?? {}
  const total = aggregateContainerResources(spec, 'requests')
  for (const name in total) {
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= total[name] ?? '0'
  }
  for (const name in own.limits) if (isPodLevelResource(name)) requests[name] ??= own.limits[name] ?? '0'
  if (!isEmpty(requests)) own.requests = requests
}

function isEmpty(map: object | undefined): boolean {
  for (const _ in map) return false
  return true
}

/** podIP and the first of podIPs are one value; podIP wins. */
function syncPodIPs(pod: Pod): void {
  const status = pod.status
  if (!status) return
  if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
  else if (status.podIPs?.[0]?.ip) status.podIP = status.podIPs[0].ip
}

const INIT_CONTAINER_ANNOTATIONS = [
  'pod.beta.kubernetes.io/init-containers', 'pod.alpha.kubernetes.io/init-containers', 'pod.beta.kubernetes.io/init-container-statuses', 'pod.alpha.kubernetes.io/init-container-statuses',
]

function dropInitContainerAnnotations(object: { metadata?: { annotations?: Record<string, string> } }): void {
  const annotations = object.metadata?.annotations
  if (!annotations) return
  for (const key of INIT_CONTAINER_ANNOTATIONS) delete annotations[key]
}
