/**
 * Says of a claim that is to grow who it waits for: the resizer of its volume's driver, since no volume is grown from here.
 * Models k8s.io/kubernetes/pkg/controller/volume/expand.
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../schemas/types.ts'
import { compareQuantities, parseQuantity } from '../src/apimachinery/quantity.ts'
import { defineController, keyOf, type ControllerContext } from '../src/controller/controller.ts'
import { migratedFrom } from '../src/controller/csi-migration.ts'
import { refOf } from '../src/controller/owners.ts'
import { CLAIM, VOLUME } from './_volumes.ts'

const RESIZER = 'volume.kubernetes.io/storage-resizer'
const PRE_RESIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity'

export default defineController<PersistentVolumeClaim>({
  name: 'persistentvolume-expander',
  component: 'volume_expand',
  user: 'system:serviceaccount:kube-system:expand-controller',
  manager: 'kube-controller-manager',
  for: CLAIM,
  wakes: (claim, old) => claim.status?.phase === 'Bound' && (!old || requested(claim) !== requested(old) || old.status?.phase !== 'Bound'),
  reconcile,
})

const requested = (claim: PersistentVolumeClaim): string => claim.spec.resources?.requests?.storage ?? '0'

/** What is to be told of a claim's growth, and which resizer it is to name; undefined when it does not grow. */
export function plan(claim: PersistentVolumeClaim, volume: PersistentVolume): { message: string; resizer?: string } | undefined {
  const grows = compareQuantities(parseQuantity(requested(claim)), parseQuantity(claim.status?.capacity?.storage ?? '0')) > 0
  if (!grows && volume.metadata.annotations?.[PRE_RESIZE] === undefined) return undefined
  const migrated = migratedFrom(volume.spec)
  if (!migrated) return { message: 'waiting for an external controller to expand this PVC' }
  return { message: `CSI migration enabled for ${migrated.plugin}; waiting for external resizer to expand the pvc`, resizer: migrated.driver }
}

async function reconcile(claim: PersistentVolumeClaim, { client, events, informers }: ControllerContext): Promise<void> {
  const volume = informers.lister<PersistentVolume>(VOLUME).get('', claim.spec.volumeName ?? '')
  if (claim.status?.phase !== 'Bound' || !volume) return
  if (volume.spec.claimRef?.uid !== claim.metadata.uid) throw new Error(`persistent Volume is not bound to PVC being updated : ${keyOf(claim)}`)
  const wanted = plan(claim, volume)
  if (!wanted) return
  events.event(claim, 'Normal', 'ExternalExpanding', wanted.message)
  const { resizer } = wanted
  if (resizer && claim.metadata.annotations?.[RESIZER] !== resizer) await client.patch(CLAIM, refOf(claim), { metadata: { annotations: { [RESIZER]: resizer } } }, { type: 'strategic', subresource: 'status' })
}
