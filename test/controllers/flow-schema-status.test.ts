import t from 'tap'
import flowSchemaStatus from '../../controllers/flow-schema-status.ts'
import type { FlowSchema } from '../../schemas/types.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const FLOW = 'flowcontrol.apiserver.k8s.io/v1'

t.test('whether the priority level of a flow schema is there', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, flowSchemaStatus)
  cluster.seed({ apiVersion: FLOW, kind: 'FlowSchema', metadata: { name: 'f' }, spec: { priorityLevelConfiguration: { name: 'l' } } } as FlowSchema)
  await run.settle()
  const conditions = () => cluster.read<FlowSchema>(`${FLOW}/FlowSchema`, 'f', '').status?.conditions
  const message = 'This FlowSchema references the PriorityLevelConfiguration object named "l"'
  t.same(conditions(), [{ type: 'Dangling', status: 'True', reason: 'NotFound', lastTransitionTime: '2026-01-01T00:00:00Z', message: `${message} but there is no such object` }])
  cluster.seed({ apiVersion: FLOW, kind: 'PriorityLevelConfiguration', metadata: { name: 'l' } })
  await run.step(1000)
  t.match(conditions()?.[0], { status: 'False', reason: 'Found', lastTransitionTime: '2026-01-01T00:00:01Z', message: `${message} and it exists` })
  await run.ctx.client.delete(`${FLOW}/PriorityLevelConfiguration`, { name: 'l' })
  await run.settle()
  t.match(conditions()?.[0], { status: 'True' })
  t.same(run.errors, [])
  run.close()
})
