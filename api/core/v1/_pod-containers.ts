/** All containers of a pod, in the order in which upstream visits them: init, regular, ephemeral. */
import type { Container, EphemeralContainer, PodSpec } from '../../../schemas/types.ts'

export type AnyContainer = Container | EphemeralContainer

export function allContainers(spec: PodSpec | undefined): AnyContainer[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])]
}

/** @param path of the spec */
export function containersWithPath(spec: PodSpec, path: string): { container: AnyContainer; path: string }[] {
  const prefix = path ? `${path}.` : ''
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((key) => (spec[key] ?? []).map((container, i) => ({ container, path: `${prefix}${key}[${i}]` })))
}
