/** The API objects that a pod refers to. Models VisitPodSecretNames, VisitPodConfigmapNames and HasAPIObjectReference of k8s.io/kubernetes/pkg/api/pod/util.go. */
import type { EnvFromSource, EnvVar, Pod, PodSpec, Volume } from '../../schemas/types.ts'
import { quote } from '../errors.ts'

type WithEnv = { env?: EnvVar[]; envFrom?: EnvFromSource[] }

export function allContainers({ initContainers = [], containers = [], ephemeralContainers = [] }: PodSpec) {
  return [...initContainers, ...containers, ...ephemeralContainers]
}

export function secretNames({ spec }: Pod): string[] {
  const names = (spec.imagePullSecrets ?? []).map(({ name }) => name)
  for (const { envFrom = [], env = [] } of allContainers(spec) as WithEnv[]) {
    names.push(...envFrom.map((e) => e.secretRef?.name), ...env.map((e) => e.valueFrom?.secretKeyRef?.name))
  }
  for (const volume of spec.volumes ?? []) names.push(...secretsOfVolume(volume))
  return names.filter((name) => name !== undefined && name !== '') as string[]
}

function secretsOfVolume(v: Volume): (string | undefined)[] {
  const withRef = v.cephfs ?? v.cinder ?? v.flexVolume ?? v.rbd ?? v.scaleIO ?? v.iscsi ?? v.storageos
  return [v.azureFile?.secretName, v.secret?.secretName, withRef?.secretRef?.name, v.csi?.nodePublishSecretRef?.name, ...(v.projected?.sources ?? []).map((s) => s.secret?.name)]
}

export function configMapNames({ spec }: Pod): string[] {
  const names: (string | undefined)[] = []
  for (const { envFrom = [], env = [] } of allContainers(spec) as WithEnv[]) {
    names.push(...envFrom.map((e) => e.configMapRef?.name), ...env.map((e) => e.valueFrom?.configMapKeyRef?.name))
  }
  for (const volume of spec.volumes ?? []) names.push(volume.configMap?.name, ...(volume.projected?.sources ?? []).map((s) => s.configMap?.name))
  return names.filter((name) => name !== undefined && name !== '') as string[]
}

/** Which kinds of volumes refer to which objects; the others to none. */
const VOLUMES: Readonly<Record<string, string>> = {
  configMap: 'configmaps (via configmap volumes)',
  secret: 'secrets (via secret volumes)',
  csi: 'csidrivers (via CSI volumes)',
  glusterfs: 'endpoints (via glusterFS volumes)',
  persistentVolumeClaim: 'persistentvolumeclaims',
  ephemeral: 'persistentvolumeclaims (via ephemeral volumes)',
  azureFile: 'secrets (via azureFile volumes)',
}

const PROJECTED: Readonly<Record<string, string>> = {
  configMap: 'configmaps (via projected volumes)',
  secret: 'secrets (via projected volumes)',
  serviceAccountToken: 'serviceaccounts (via projected volumes)',
  clusterTrustBundle: 'clustertrustbundles',
  podCertificate: 'podcertificates',
}

/** What the pod refers to first, in upstream's words. `unknown` is the reason where that cannot be told. */
export function apiReference(pod: Pod): { resource?: string; unknown?: string } {
  const { spec } = pod
  if (spec.serviceAccountName) return { resource: 'serviceaccounts' }
  if (secretNames(pod).length > 0) return { resource: 'secrets' }
  if (configMapNames(pod).length > 0) return { resource: 'configmaps' }
  if (spec.resourceClaims?.length) return { resource: 'resourceclaims' }
  for (const volume of spec.volumes ?? []) {
    const found = referenceOfVolume(volume)
    if (found) return found
  }
  return {}
}

function referenceOfVolume({ name = '', ...source }: Volume): { resource?: string; unknown?: string } | undefined {
  const kinds = Object.keys(source)
  if (kinds.length === 0) return { unknown: `unknown volume type for volume  ${quote(name)}` }
  const direct = kinds.find((kind) => VOLUMES[kind])
  if (direct) return { resource: VOLUMES[direct] ?? '' }
  for (const projection of source.projected?.sources ?? []) {
    const projected = Object.keys(projection)
    const kind = projected.find((k) => PROJECTED[k])
    if (kind) return { resource: PROJECTED[kind] ?? '' }
    if (!projected.includes('downwardAPI')) return { unknown: `unknown source for projected volume ${quote(name)}` }
  }
  return undefined
}
