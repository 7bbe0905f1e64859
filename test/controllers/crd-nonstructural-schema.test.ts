import t from 'tap'
import nonStructural, { planCondition } from '../../controllers/crd-nonstructural-schema.ts'
import type { CustomResourceDefinition } from '../../schemas/types.ts'
import { conditionsOf, definition, specOf, version } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const ROOT = 'spec.versions[0].schema.openAPIV3Schema'

t.test('what is told', (t) => {
  const cases: [name: string, schema: unknown, message: string | undefined][] = [
    ['structural', specOf({ a: { type: 'string' } }), undefined],
    ['no type', { properties: { spec: { type: 'object' } } }, `${ROOT}.type: Required value: must not be empty at the root`],
    ['two', specOf({ a: {}, b: { type: 'array' } }), `[${ROOT}.properties[spec].properties[a].type: Required value: must not be empty for specified object fields, ${ROOT}.properties[spec].properties[b].items: Required value: must be specified]`],
  ]
  for (const [name, schema, message] of cases) t.equal(planCondition(definition('Widget', [version('v1', schema)]))?.message, message, name)
  t.equal(planCondition(definition('Widget', [{ name: 'v1', served: true, storage: true }])), undefined, 'no schema')
  t.end()
})

t.test('told of one that keeps unknown fields, and withdrawn', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, nonStructural)
  cluster.seed(definition('Widget', [version('v1', specOf({}))], { preserveUnknownFields: true }), definition('Gadget', [version('v1', specOf({}))]))
  const shown = (name: string) => conditionsOf(cluster.read<CustomResourceDefinition>(CRD, name))
  await run.settle()
  t.same(shown('widgets.example.com'), ['NonStructuralSchema=True Violations: spec.preserveUnknownFields: Invalid value: true: must be false'])
  t.same(shown('gadgets.example.com'), [])
  cluster.edit<CustomResourceDefinition>(CRD, 'widgets.example.com', (copy) => void (copy.spec.preserveUnknownFields = false))
  await run.settle()
  t.same(shown('widgets.example.com'), [])
  t.equal(cluster.writes.length, 2)
})
