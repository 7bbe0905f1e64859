/** Warnings about files of a volume that hide one another. Models warningsForOverlappingVirtualPaths of k8s.io/kubernetes/pkg/api/pod/warnings.go. */
import type { ProjectedVolumeSource, Volume, VolumeProjection } from '../../../schemas/types.ts'
import { quote } from '../../../src/errors.ts'

interface Target {
  path: string
  source: string
}

export function overlappingPathWarnings(volumes: readonly Volume[]): string[] {
  const out: string[] = []
  for (const { name = '', configMap, secret, downwardAPI, projected } of volumes) {
    const warn = (what: string, items: readonly { path?: string }[] | undefined) => {
      for (const overlap of overlaps((items ?? []).map((i) => ({ path: i.path ?? '', source: '' })))) out.push(`volume ${quote(name)} (${what}): overlapping paths: ${overlap}`)
    }
    if (configMap) warn(`ConfigMap ${quote(configMap.name ?? '')}`, configMap.items)
    if (secret) warn(`Secret ${quote(secret.secretName ?? '')}`, secret.items)
    if (downwardAPI) warn('DownwardAPI', downwardAPI.items)
    if (projected) out.push(...projectedWarnings(name, projected))
  }
  return out
}

function projectedWarnings(name: string, { sources = [] }: ProjectedVolumeSource): string[] {
  const out: string[] = []
  const targets: Target[] = []
  for (const source of sources) {
    if (Object.keys(source).length === 0) out.push(`volume ${quote(name)} (Projected) has no sources provided`)
    else targets.push(...targetsOf(source))
  }
  return [...out, ...overlaps(targets).map((text) => `volume ${quote(name)} (Projected): overlapping paths: ${text}`)]
}

function targetsOf({ configMap, secret, downwardAPI, serviceAccountToken }: VolumeProjection): Target[] {
  const items = (list: readonly { path?: string }[], source: string) => list.map((i) => ({ path: i.path ?? '', source }))
  if (configMap?.items) return items(configMap.items, `ConfigMap ${quote(configMap.name ?? '')}`)
  if (secret?.items) return items(secret.items, `Secret ${quote(secret.name ?? '')}`)
  if (downwardAPI?.items) return items(downwardAPI.items, 'DownwardAPI')
  return serviceAccountToken ? [{ path: serviceAccountToken.path ?? '', source: 'ServiceAccountToken' }] : []
}

const shown = ({ path, source }: Target): string => (source ? `${quote(path)} (${source})` : quote(path))

function overlaps(targets: readonly Target[]): string[] {
  const out: string[] = []
  const before: Target[] = []
  for (const { path: given, source } of targets) {
    const target = { path: given.replace(/\/+$/, ''), source }
    for (const other of before) if (isOverlap(target.path, other.path)) out.push(`${shown(target)} with ${shown(other)}`)
    before.push(target)
  }
  return out
}

function isOverlap(a: string, b: string): boolean {
  return a !== '' && b !== '' && (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`))
}
