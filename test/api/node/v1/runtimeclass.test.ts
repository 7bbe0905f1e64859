import t from 'tap'
import runtimeClass from '../../../../api/node/v1/runtimeclass.ts'
import { checkRefusals, checkUpdateRefusals } from '../../../helpers/refusals.ts'
import { ADMIN, startApi } from '../../../helpers/in-process-api.ts'

const CLASS = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', handler: 'runsc', scheduling: { tolerations: [{ key: 'a', operator: 'Exists' }] } }

t.test('what is refused', (t) =>
  checkRefusals(t, CLASS, [
    ['no handler', { handler: '' }, 'handler: Required value'],
    ['a handler with dots', { handler: 'a.b' }, 'handler: Invalid value: "a.b": must not contain dots'],
    ['an overhead below nothing', { overhead: { podFixed: { cpu: '-1' } } }, 'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ['a toleration twice', { 'scheduling.tolerations[1]': { key: 'a', operator: 'Exists' } }, 'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"","TolerationSeconds":null}'],
    ['a toleration of a value and of any', { 'scheduling.tolerations[0].value': 'v' }, 'scheduling.tolerations[0].operator: Invalid value: "v": value must be empty when `operator` is \'Exists\''],
  ]))

t.test('the handler stays', (t) => checkUpdateRefusals(t, CLASS, [['another one', { handler: 'kata' }, 'handler: Invalid value: "kata": field is immutable']]))

t.test('old labels are warned of', async (t) => {
  const { api } = await startApi(t)
  const ctx = api.context({ user: ADMIN, namespace: '', dryRun: true, fieldManager: 'test', fieldValidation: 'Warn' })
  const warnings = (nodeSelector: Record<string, string>) => runtimeClass.warnings?.({ metadata: {}, handler: 'x', scheduling: { nodeSelector } }, undefined, ctx)
  t.same(warnings({ 'beta.kubernetes.io/os': 'linux' }), ['scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead'])
  t.same(warnings({ 'kubernetes.io/os': 'linux' }), [])
})
