/** Deletes bootstrap tokens when they expire. Models tokencleaner.go of k8s.io/kubernetes/pkg/controller/bootstrap. */
import type { Secret } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'
import { isBootstrapToken, leftMs } from './_bootstrap-tokens.ts'

const KIND = 'v1/Secret'

export default defineController<Secret>({
  name: 'token-cleaner',
  user: 'system:serviceaccount:kube-system:token-cleaner',
  manager: 'kube-controller-manager',
  for: KIND,
  concurrency: 1,
  wakes: (secret) => isBootstrapToken(secret) && secret.metadata.namespace === 'kube-system',
  async reconcile(secret, { client, clock }) {
    if (!isBootstrapToken(secret)) return
    const left = leftMs(secret, clock.now())
    if (left > 0) return Number.isFinite(left) ? { requeueAfterMs: left } : undefined
    try {
      await client.delete(KIND, refOf(secret), { preconditions: { uid: secret.metadata.uid } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
    }
  },
})
