import t from 'tap'
import resourceQuotas from '../../../../api/core/v1/resourcequota.ts'
import type { ResourceQuota } from '../../../../schemas/types.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const metadata = { name: 'a', namespace: 'ns' }
const RANGE = { apiVersion: 'v1', kind: 'LimitRange', metadata, spec: { limits: [{ type: 'Container', max: { cpu: '4' }, min: { cpu: '1' } }] } }
const QUOTA = { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: { hard: { pods: '2' } } }

t.test('defaults follow from bounds', async (t) => {
  const { create } = await startApi(t)
  const limits = [
    { type: 'Container', max: { cpu: '4' }, min: { cpu: '1', memory: '1Mi' }, default: { memory: '2Mi' } },
    { type: 'Pod', max: { cpu: '0.0001' } },
  ]
  t.match(await create({ ...RANGE, spec: { limits } }), {
    spec: {
      limits: [
        { default: { cpu: '4', memory: '2Mi' }, defaultRequest: { cpu: '4', memory: '2Mi' } },
        { max: { cpu: '1m' }, default: undefined },
      ],
    },
  })
})

t.test('limit ranges', (t) => {
  const at = 'spec.limits[0]'
  const item = (members: object) => ({ 'spec.limits': [{ type: 'Container', ...members }] })
  return checkRefusals(t, RANGE, [
    ['an unknown type', { [`${at}.type`]: 'Some' }, `${at}.type: Invalid value: "Some": must be a standard limit type or fully qualified`],
    ['a type of others', { [at]: { type: 'x.example/y', max: { cpu: '1' } } }],
    ['a type twice', { 'spec.limits': [{ type: 'Pod' }, { type: 'Pod' }] }, 'spec.limits[1].type: Duplicate value: "Pod"'],
    ['a resource without group', item({ max: { some: '1' } }),
      ...['max', 'default', 'defaultRequest'].flatMap((list) => ['resource type or fully qualified', 'resource for containers'].map((what) => `${at}.${list}[some]: Invalid value: "some": must be a standard ${what}`))],
    ['more than the most', item({ min: { cpu: '2' }, max: { cpu: '1' } }), `${at}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`, `${at}.defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1`, `${at}.default[cpu]: Invalid value: "2": min value 2 is greater than default value 1`],
    ['a request above the limit', item({ default: { cpu: '1' }, defaultRequest: { cpu: '2' } }), `${at}.defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1`],
    ['defaults beyond the most', item({ max: { cpu: '1' }, default: { cpu: '2' } }),
      `${at}.defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than max value 1`,
      `${at}.default[cpu]: Invalid value: "1": default value 2 is greater than max value 1`],
    ['defaults of pods', item({ type: 'Pod', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }),
      `${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`,
      `${at}.defaultRequest: Forbidden: may not be specified when \`type\` is 'Pod'`],
    ['a claim without bounds', item({ type: 'PersistentVolumeClaim' }), `${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`],
    ['a ratio below one', item({ maxLimitRequestRatio: { cpu: '500m' } }), `${at}.maxLimitRequestRatio[cpu]: Invalid value: "500m": ratio 500m is less than 1`],
    ['a ratio out of reach', item({ min: { cpu: '1' }, max: { cpu: '3' }, maxLimitRequestRatio: { cpu: '4' } }), `${at}.maxLimitRequestRatio[cpu]: Invalid value: "4": ratio 4 is greater than max/min = 3.000000`],
    ['huge pages in parts', item({ default: { 'hugepages-2Mi': '4Mi' }, defaultRequest: { 'hugepages-2Mi': '2Mi' } }), `${at}.defaultRequest[hugepages-2Mi]: Invalid value: "2Mi": default value 4Mi must equal to defaultRequest value 2Mi in hugepages-2Mi`],
  ])
})

t.test('resource quotas', (t) => {
  const scopes = 'spec.scopes'
  const selector = 'spec.scopeSelector.matchExpressions'
  const select = (...list: object[]) => ({ [selector]: list })
  return checkRefusals(t, QUOTA, [
    ['a bare unknown resource', { 'spec.hard': { some: '1' } }, ...['resource type or fully qualified', 'resource for quota'].map((what) => `spec.hard[some]: Invalid value: "some": must be a standard ${what}`)],
    ['half a pod', { 'spec.hard.pods': '500m' }, 'spec.hard[pods]: Invalid value: "500m": must be an integer'],
    ['fewer than none', { 'spec.hard.pods': '-1' }, 'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0'],
    ['counts of objects', { 'spec.hard': { 'count/deployments.apps': '2', 'requests.nvidia.com/gpu': '1' } }],
    ['an unknown scope', { [scopes]: ['Some'] }, `${scopes}: Invalid value: ["Some"]: unsupported scope`],
    ['a scope that does not fit', { 'spec.hard': { services: '1', pods: '1' }, [scopes]: ['Terminating'] }, `${scopes}: Invalid value: ["Terminating"]: unsupported scope applied to resource`],
    ['opposite scopes', { [scopes]: ['BestEffort', 'NotBestEffort'] }, `${scopes}: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes`],
    ['no classes', select({ scopeName: 'PriorityClass', operator: 'In' }), `${selector}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`],
    ['classes where none are asked for', select({ scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] }), `${selector}.values: Invalid value: ["a"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`],
    ['an unknown operator', select({ scopeName: 'PriorityClass', operator: 'Is' }), `${selector}.operator: Invalid value: "Is": not a valid selector operator`],
    ['a class that fits', select({ scopeName: 'PriorityClass', operator: 'In', values: ['high'] })],
  ])
})

t.test('scopes stay', (t) =>
  checkUpdateRefusals(t, QUOTA, [
    ['one more', { 'spec.scopes': ['Terminating'] }, 'spec.scopes: Invalid value: ["Terminating"]: field is immutable'],
    ['a selector, which may change', { 'spec.scopeSelector.matchExpressions': [{ scopeName: 'Terminating', operator: 'Exists' }] }],
    ['another limit', { 'spec.hard.pods': '3' }],
  ]))

t.test('what tables show of a quota', async (t) => {
  const quota = (await stored(t, QUOTA)) as unknown as ResourceQuota
  t.match(cells(resourceQuotas, { ...quota, status: { hard: { pods: '2', cpu: '1', 'limits.cpu': '3' }, used: { pods: '1' } } }), { Name: 'a', Request: 'cpu: 0/1, pods: 1/2', Limit: 'limits.cpu: 0/3' })
})
