/** Tells of each FlowSchema whether the priority level it names exists. Models k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go. */
import { danglingCondition } from '../api/flowcontrol/v1/_dangling.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { defineController, keyOf } from '../src/controller/controller.ts'

const SCHEMA = 'flowcontrol.apiserver.k8s.io/v1/FlowSchema'
/** Upstream's name for who applies it. */
const MANAGER = 'api-priority-and-fairness-config-consumer-v1'
const LEVEL = 'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration'

export default defineController<FlowSchema>({
  name: 'flow-schema-status',
  user: 'system:apiserver',
  for: SCHEMA,
  watches: {
    [LEVEL]: (level, { informers }) =>
      informers
        .lister<FlowSchema>(SCHEMA)
        .list()
        .filter((schema) => schema.spec.priorityLevelConfiguration?.name === level.metadata.name)
        .map(keyOf),
  },
  async reconcile(schema, { client, clock, informers }) {
    const exists = informers.lister<PriorityLevelConfiguration>(LEVEL).get('', schema.spec.priorityLevelConfiguration?.name ?? '') !== undefined
    const wanted = danglingCondition(schema.spec, exists, formatTime(clock.now()))
    const current = schema.status?.conditions?.find((c) => c.type === wanted.type)
    if (current && current.status === wanted.status && current.reason === wanted.reason && current.message === wanted.message) return
    const { apiVersion, kind } = schema
    const { name = '' } = schema.metadata
    await client.patch(SCHEMA, { namespace: '', name }, { apiVersion, kind, metadata: { name }, status: { conditions: [wanted] } }, { type: 'apply', subresource: 'status', fieldManager: MANAGER, force: true })
  },
})
