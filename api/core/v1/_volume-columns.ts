/** What the columns of volumes and claims share. Models k8s.io/kubernetes/pkg/apis/core/helper. */

/** The annotation that named a storage class before there was a field; it still comes first. */
export const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'

const SHORT_MODES = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }

/** "RWO,RWX", always in this order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.entries(SHORT_MODES).flatMap(([mode, short]) => (modes?.includes(mode) ? [short] : [])).join(',')
}
