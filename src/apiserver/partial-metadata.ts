/** An object reduced to its metadata. Models meta.k8s.io/v1 PartialObjectMetadata. */
import type { KubeObject } from '../registry/kind.ts'
import type { ObjectMeta } from '../../schemas/types.ts'

/** `hidden`: the kind's annotations that metadata alone does not show. */
export function partialMetadata({ metadata }: KubeObject, apiVersion: string, hidden: readonly string[] = []): { kind: 'PartialObjectMetadata'; apiVersion: string; metadata: ObjectMeta } {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: hidden.some((key) => metadata.annotations?.[key] !== undefined) ? withoutAnnotations(metadata, hidden) : metadata }
}

function withoutAnnotations(metadata: ObjectMeta, hidden: readonly string[]): ObjectMeta {
  const shown = Object.entries(metadata.annotations ?? {}).filter(([key]) => !hidden.includes(key))
  const { annotations: _, ...rest } = metadata
  return shown.length > 0 ? { ...metadata, annotations: Object.fromEntries(shown) } : rest
}
