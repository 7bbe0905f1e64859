/**
 * APIServices without a Service are answered by this server itself, hence available. Those with one are the aggregator's
 * to probe. Models k8s.io/kube-aggregator/pkg/controllers/status/local.
 */
import { localAvailable } from '../api/apiregistration/v1/_availability.ts'
import type { APIService } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { defineController } from '../src/controller/controller.ts'

export default defineController<APIService>({
  name: 'local-apiservice-availability',
  user: 'system:apiserver',
  for: 'apiregistration.k8s.io/v1/APIService',
  async reconcile(service, { client, clock }) {
    if (service.spec.service) return
    const wanted = localAvailable(formatTime(clock.now()))
    const conditions = service.status?.conditions ?? []
    const current = conditions.find((c) => c.type === wanted.type)
    if (current && current.status === wanted.status && current.reason === wanted.reason && current.message === wanted.message) return
    await client.updateStatus<APIService>({ ...service, status: { ...service.status, conditions: [...conditions.filter((c) => c !== current), wanted] } })
  },
})
