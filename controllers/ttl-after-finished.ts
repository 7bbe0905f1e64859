/**
 * Deletes finished Jobs when their time to live is over. Models k8s.io/kubernetes/pkg/controller/ttlafterfinished.
 */
import type { Job } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'

const KIND = 'batch/v1/Job'

export default defineController<Job>({
  name: 'ttl-after-finished',
  for: KIND,
  wakes: (job) => expiresAtMs(job) !== undefined,
  async reconcile(job, { client, clock }) {
    const expiresMs = expiresAtMs(job)
    if (expiresMs === undefined) return
    const leftMs = expiresMs - clock.now()
    if (leftMs > 0) return { requeueAfterMs: leftMs }
    const { uid, resourceVersion } = job.metadata
    try {
      await client.delete(KIND, refOf(job), { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  },
})

/** When a Job may go; undefined while it runs, or has no time to live. */
export function expiresAtMs(job: Job): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec
  if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp) return undefined
  const end = job.status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True')
  return end?.lastTransitionTime ? Date.parse(end.lastTransitionTime) + ttlSecondsAfterFinished * 1000 : undefined
}
