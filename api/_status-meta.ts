/** What a write of status may not change of metadata. Models metav1.ResetObjectMetaForStatus of k8s.io/apimachinery/pkg/apis/meta/v1/meta.go. */
import type { ObjectMeta } from '../schemas/types.ts'

/** The same for kinds that put back all but managedFields. In place. */
export function keepMetadataForStatus(object: { metadata: ObjectMeta }, old: { metadata: ObjectMeta }): void {
  object.metadata = { ...old.metadata, managedFields: object.metadata.managedFields }
}

const KEPT = ['deletionTimestamp', 'generation', 'selfLink', 'labels', 'annotations', 'finalizers', 'ownerReferences'] as const

/** Puts back from `old` all that clients can set, but managedFields. In place. */
export function resetObjectMetaForStatus(metadata: ObjectMeta, old: ObjectMeta): void {
  for (const name of KEPT) {
    delete metadata[name]
    if (old[name] !== undefined) Object.assign(metadata, { [name]: old[name] })
  }
}
