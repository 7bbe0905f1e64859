/**
 * What is in the files of volumes that are made from objects. Pure. Models the MakePayload and collectData of the volume
 * plugins configmap, secret, downwardapi and projected of pkg/volume.
 */
import type { ConfigMap, KeyToPath, Pod, Secret, ServiceAccountTokenProjection, Volume, VolumeProjection, DownwardAPIVolumeFile } from '../../schemas/types.ts'
import { fieldValue, resourceValue, type Itself } from './downward.ts'
import type { References } from './pod-needs.ts'

export interface FileContent {
  data: Buffer
  mode: number
  /** Whose it is; root's unless told. */
  uid?: number
  /** Asked for when it is read. */
  token?: ServiceAccountTokenProjection
}

/** By path inside the volume. */
export type Payload = Map<string, FileContent>

export function decodeBase64(text: string): Buffer {
  return Buffer.from(text, 'base64')
}

export function isMadeFromObjects({ configMap, secret, downwardAPI, projected }: Volume): boolean {
  return Boolean(configMap ?? secret ?? downwardAPI ?? projected)
}

/** Undefined for a volume that is not made from objects. */
export function payloadOf(volume: Volume, itself: Itself, refs: References): Payload | undefined {
  const { configMap, secret, downwardAPI, projected } = volume
  const namespace = itself.pod.metadata.namespace ?? ''
  const payload: Payload = new Map()
  if (configMap) addConfigMap(payload, refs.configMap(namespace, configMap.name ?? ''), { items: configMap.items, mode: configMap.defaultMode ?? 0o644 })
  else if (secret) addSecret(payload, refs.secret(namespace, secret.secretName ?? ''), { items: secret.items, mode: secret.defaultMode ?? 0o644 })
  else if (downwardAPI) addDownward(payload, downwardAPI.items, { itself, mode: downwardAPI.defaultMode ?? 0o644 })
  else if (projected) for (const source of projected.sources ?? []) addSource(payload, source, { itself, refs, mode: projected.defaultMode ?? 0o644 })
  else return undefined
  return payload
}

function addSource(payload: Payload, { configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection, { itself, refs, mode }: { itself: Itself; refs: References; mode: number }): void {
  const namespace = itself.pod.metadata.namespace ?? ''
  if (configMap) addConfigMap(payload, refs.configMap(namespace, configMap.name ?? ''), { items: configMap.items, mode })
  if (secret) addSecret(payload, refs.secret(namespace, secret.name ?? ''), { items: secret.items, mode })
  if (downwardAPI) addDownward(payload, downwardAPI.items, { itself, mode })
  if (serviceAccountToken) payload.set(serviceAccountToken.path ?? 'token', { data: Buffer.alloc(0), ...tokenOwner(itself.pod, mode), token: serviceAccountToken })
}

/** A token is for who runs in the pod alone, where that is one user or the volumes have a group. */
export function tokenOwner({ spec }: Pod, mode: number): { mode: number; uid?: number } {
  const uid = onlyUser(spec)
  return { mode: spec.securityContext?.fsGroup === undefined && uid === undefined ? mode : 0o600, ...(uid === undefined ? {} : { uid }) }
}

/** The user as which all containers run; undefined where they differ, or one does not say. */
function onlyUser({ securityContext, initContainers = [], containers = [], ephemeralContainers = [] }: Pod['spec']): number | undefined {
  const users = new Set([...initContainers, ...containers, ...ephemeralContainers].map((c) => c.securityContext?.runAsUser ?? securityContext?.runAsUser))
  return users.size === 1 ? [...users][0] : undefined
}

interface Chosen {
  items: readonly KeyToPath[] | undefined
  mode: number
}

function addConfigMap(payload: Payload, found: ConfigMap | undefined, chosen: Chosen): void {
  const all = new Map<string, Buffer>()
  for (const [key, text] of Object.entries(found?.data ?? {})) all.set(key, Buffer.from(text))
  for (const [key, text] of Object.entries(found?.binaryData ?? {})) all.set(key, decodeBase64(text))
  addChosen(payload, all, chosen)
}

function addSecret(payload: Payload, found: Secret | undefined, chosen: Chosen): void {
  addChosen(payload, new Map(Object.entries(found?.data ?? {}).map(([key, text]) => [key, decodeBase64(text)])), chosen)
}

function addChosen(payload: Payload, all: ReadonlyMap<string, Buffer>, { items, mode }: Chosen): void {
  if (!items?.length) for (const [key, data] of all) payload.set(key, { data, mode })
  for (const { key = '', path = '', mode: own } of items ?? []) {
    const data = all.get(key)
    if (data) payload.set(path, { data, mode: own ?? mode })
  }
}

function addDownward(payload: Payload, items: readonly DownwardAPIVolumeFile[] | undefined, { itself, mode }: { itself: Itself; mode: number }): void {
  for (const { path = '', fieldRef, resourceFieldRef, mode: own } of items ?? []) {
    const text = fieldRef ? fieldValue(fieldRef, itself) : resourceFieldRef ? resourceValue(resourceFieldRef, itself) : ''
    payload.set(path, { data: Buffer.from(text), mode: own ?? mode })
  }
}
