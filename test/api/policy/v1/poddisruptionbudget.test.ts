import t from 'tap'
import budgets from '../../../../api/policy/v1/poddisruptionbudget.ts'
import { cells } from '../../../helpers/cells.ts'
import { checkRefusals, checkUpdateRefusals } from '../../../helpers/refusals.ts'

const metadata = { name: 'a', namespace: 'ns' }
const BUDGET = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } } }

t.test('what is refused', async (t) => {
  const both = '{"MinAvailable":1,"Selector":{"matchLabels":{"a":"1","app":"web"},"matchExpressions":[{"key":"k","operator":"Exists"}]},"MaxUnavailable":"50%","UnhealthyPodEvictionPolicy":null}'
  await checkRefusals(t, BUDGET, [
    ['both counts', { 'spec.maxUnavailable': '50%', 'spec.selector.matchLabels.a': '1', 'spec.selector.matchExpressions': [{ key: 'k', operator: 'Exists' }] }, `spec: Invalid value: ${both}: minAvailable and maxUnavailable cannot be both set`],
    ['fewer than none', { 'spec.minAvailable': -1 }, 'spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
    ['more than all', { 'spec.minAvailable': '101%' }, 'spec.minAvailable: Invalid value: "101%": must not be greater than 100%'],
    ['some', { 'spec.minAvailable': 'some' }, "spec.minAvailable: Invalid value: \"some\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"],
    ['an unknown policy', { 'spec.unhealthyPodEvictionPolicy': 'Some' }, 'spec.unhealthyPodEvictionPolicy: Unsupported value: "Some": supported values: "AlwaysAllow", "IfHealthyBudget"'],
    ['a selector of nothing', { 'spec.selector.matchExpressions': [{ key: 'a', operator: 'In' }] }, "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
  ])
  await checkUpdateRefusals(t, BUDGET, [['fewer disruptions than none', { 'status.disruptionsAllowed': -1 }, 'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0']], { subresource: 'status' })
})

t.test('what tables show', async (t) => {
  t.match(cells(budgets, { metadata, spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 2 } }), { 'Min Available': '50%', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 2 })
  t.match(cells(budgets, { metadata, spec: { maxUnavailable: 0 } }), { 'Min Available': 'N/A', 'Max Unavailable': '0', 'Allowed Disruptions': 0 })
})
