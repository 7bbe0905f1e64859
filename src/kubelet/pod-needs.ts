/**
 * What a pod refers to that is not there: volumes that cannot be set up, variables that cannot be filled in. Pure.
 * Models the volume plugins' SetUp and makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go, in their words.
 */
import type { ConfigMap, Container, EnvVarSource, HostPathVolumeSource, KeyToPath, Node, PersistentVolumeClaim, Pod, Secret, Volume } from '../../schemas/types.ts'

export interface References {
  configMap(namespace: string, name: string): ConfigMap | undefined
  secret(namespace: string, name: string): Secret | undefined
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined
  /** What a RuntimeClass calls the runtime of its pods. */
  runtimeHandler?(runtimeClass: string): string | undefined
  /** Why a node cannot give a path of its disk. */
  hostPathProblem?(nodeName: string, source: HostPathVolumeSource): string | undefined
}

export interface Need {
  /** `ConfigMap/namespace/name`: what would help. */
  key: string
  message: string
  /** Of the event; FailedMount when absent. */
  reason?: string
}

type Kind = 'ConfigMap' | 'Secret' | 'PersistentVolumeClaim' | 'Node'

export function referenceKey(kind: Kind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`
}

/** A runtime that the node has not: its pod has no place to begin in. */
export function unmetRuntime({ spec }: Pod, { metadata, status }: Node, refs: References): Need | undefined {
  const handler = spec.runtimeClassName && refs.runtimeHandler?.(spec.runtimeClassName)
  const known = status?.runtimeHandlers ?? []
  if (!handler || known.length === 0 || known.some(({ name }) => name === handler)) return undefined
  return { key: referenceKey('Node', '', metadata.name ?? ''), reason: 'FailedCreatePodSandBox', message: `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "${handler}" is configured` }
}

/** The first volume that cannot be set up, with the whole text of the FailedMount event. */
export function unmetVolume(pod: Pod, refs: References): Need | undefined {
  const namespace = pod.metadata.namespace ?? ''
  for (const volume of pod.spec.volumes ?? []) {
    const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined)
    if (claim !== undefined) {
      const key = referenceKey('PersistentVolumeClaim', namespace, claim)
      const problem = claimProblem(namespace, claim, refs)
      if (problem) return { key, message: unattached(volume.name ?? '', problem) }
      if (refs.claim(namespace, claim)?.spec.volumeMode === 'Block') return { key, reason: 'FailedMapVolume', message: `MapVolume.SetUp failed for volume "${refs.claim(namespace, claim)?.spec.volumeName}" : Orrery's nodes have no block devices: volumeMode Block is not supported` }
      continue
    }
    const refused = volume.hostPath && refs.hostPathProblem?.(pod.spec.nodeName ?? '', volume.hostPath)
    if (refused) return { key: referenceKey('Node', '', pod.spec.nodeName ?? ''), message: `MountVolume.SetUp failed for volume "${volume.name}" : ${refused}` }
    const unmet = contentNeeds(volume, namespace, refs)
    if (unmet) return { ...unmet, message: `MountVolume.SetUp failed for volume "${volume.name}" : ${unmet.message}` }
  }
  return undefined
}

function claimProblem(namespace: string, name: string, refs: References): string | undefined {
  const claim = refs.claim(namespace, name)
  if (!claim) return `error processing PVC ${namespace}/${name}: failed to fetch PVC from API server: persistentvolumeclaims "${name}" not found`
  if (claim.status?.phase !== 'Bound' || !claim.spec.volumeName) return `error processing PVC ${namespace}/${name}: PVC is not bound`
  return undefined
}

function unattached(volume: string, problem: string): string {
  return `Unable to attach or mount volumes: unmounted volumes=[${volume}], unattached volumes=[], failed to process volumes=[${volume}]: ${problem}`
}

function contentNeeds({ configMap, secret, projected }: Volume, namespace: string, refs: References): Need | undefined {
  if (configMap) return configMapNeed(refs, { ...configMap, namespace, name: configMap.name ?? '' })
  if (secret) return secretNeed(refs, { ...secret, namespace, name: secret.secretName ?? '' })
  for (const source of projected?.sources ?? []) {
    const unmet =
      (source.configMap && configMapNeed(refs, { ...source.configMap, namespace, name: source.configMap.name ?? '' })) ??
      (source.secret && secretNeed(refs, { ...source.secret, namespace, name: source.secret.name ?? '' }))
    if (unmet) return unmet
  }
  return undefined
}

interface Source {
  namespace: string
  name: string
  optional?: boolean
  items?: readonly KeyToPath[]
}

function configMapNeed(refs: References, { namespace, name, optional, items = [] }: Source): Need | undefined {
  if (optional) return undefined
  const key = referenceKey('ConfigMap', namespace, name)
  const found = refs.configMap(namespace, name)
  if (!found) return { key, message: `configmap "${name}" not found` }
  const missing = items.find((i) => found.data?.[i.key ?? ''] === undefined && found.binaryData?.[i.key ?? ''] === undefined)
  return missing ? { key, message: `configmap references non-existent config key: ${missing.key}` } : undefined
}

function secretNeed(refs: References, { namespace, name, optional, items = [] }: Source): Need | undefined {
  if (optional) return undefined
  const key = referenceKey('Secret', namespace, name)
  const found = refs.secret(namespace, name)
  if (!found) return { key, message: `secret "${name}" not found` }
  const missing = items.find((i) => found.data?.[i.key ?? ''] === undefined)
  return missing ? { key, message: `references non-existent secret key: ${missing.key}` } : undefined
}

/** The first variable of a container that cannot be filled in. */
export function unmetEnvironment(pod: Pod, container: Container, refs: References): Need | undefined {
  const namespace = pod.metadata.namespace ?? ''
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    const unmet =
      (configMapRef && configMapNeed(refs, { ...configMapRef, namespace, name: configMapRef.name ?? '' })) ??
      (secretRef && secretNeed(refs, { ...secretRef, namespace, name: secretRef.name ?? '' }))
    if (unmet) return unmet
  }
  for (const { valueFrom } of container.env ?? []) {
    const unmet = variableNeed(refs, namespace, valueFrom ?? {})
    if (unmet) return unmet
  }
  return undefined
}

function variableNeed(refs: References, namespace: string, { configMapKeyRef, secretKeyRef }: EnvVarSource): Need | undefined {
  if (configMapKeyRef && !configMapKeyRef.optional) {
    const { name = '', key = '' } = configMapKeyRef
    const unmet = configMapNeed(refs, { namespace, name })
    if (unmet) return unmet
    if (refs.configMap(namespace, name)?.data?.[key] === undefined) return keyNeed('ConfigMap', namespace, { name, key })
  }
  if (secretKeyRef && !secretKeyRef.optional) {
    const { name = '', key = '' } = secretKeyRef
    const unmet = secretNeed(refs, { namespace, name })
    if (unmet) return unmet
    if (refs.secret(namespace, name)?.data?.[key] === undefined) return keyNeed('Secret', namespace, { name, key })
  }
  return undefined
}

function keyNeed(kind: Kind, namespace: string, { name, key }: { name: string; key: string }): Need {
  return { key: referenceKey(kind, namespace, name), message: `couldn't find key ${key} in ${kind} ${namespace}/${name}` }
}
