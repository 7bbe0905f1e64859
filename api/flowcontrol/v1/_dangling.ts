/** Whether a FlowSchema's priority level exists, as its condition tells. Models k8s.io/apiserver/pkg/util/flowcontrol (presyncFlowSchemaStatus). */
import { quote } from '../../../src/errors.ts'
import type { FlowSchemaCondition, FlowSchemaSpec } from '../../../schemas/types.ts'

export function danglingCondition({ priorityLevelConfiguration }: FlowSchemaSpec, exists: boolean, now: string): FlowSchemaCondition {
  const names = `This FlowSchema references the PriorityLevelConfiguration object named ${quote(priorityLevelConfiguration?.name ?? '')}`
  return {
    type: 'Dangling',
    status: exists ? 'False' : 'True',
    lastTransitionTime: now,
    reason: exists ? 'Found' : 'NotFound',
    message: exists ? `${names} and it exists` : `${names} but there is no such object`,
  }
}
