/** Whether an API service can be asked. Models k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper. */
import type { APIServiceCondition } from '../../../schemas/types.ts'

/** The condition of services that this server answers itself. */
export const localAvailable = (now: string): APIServiceCondition => ({
  type: 'Available',
  status: 'True',
  lastTransitionTime: now,
  reason: 'Local',
  message: 'Local APIServices are always available',
})
