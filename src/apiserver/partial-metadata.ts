/** An object reduced to its metadata. Models meta.k8s.io/v1 PartialObjectMetadata. */
import type { KubeObject } from '../registry/kind.ts'
import type { ObjectMeta } from '../../schemas/types.ts'

export function partialMetadata(object: KubeObject, apiVersion: string): { kind: 'PartialObjectMetadata'; apiVersion: string; metadata: ObjectMeta } {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata }
}
