import t from 'tap'
import status, { matchedTypes } from '../../controllers/validatingadmissionpolicy-status.ts'
import type { Rule, ValidatingAdmissionPolicy } from '../../schemas/types.ts'
import { definition, specOf, version } from '../helpers/definitions.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const POLICY = 'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy'
const served = [
  { group: '', version: 'v1', kind: 'Pod', plural: 'pods' },
  { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments' },
  { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs' },
  { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets' },
]
const rule = (apiGroups: string[], resources: string[], apiVersions = ['v1']): Rule => ({ apiGroups, apiVersions, resources })

t.test('the types that rules name', (t) => {
  const names = (...rules: Rule[]) => matchedTypes(rules, served).map(({ kind }) => kind)
  t.same(names(rule(['batch', 'apps'], ['jobs', 'deployments', 'pods'])), ['Deployment', 'Job'])
  t.same(names(rule(['*'], ['jobs'])), [])
  t.same(names(rule(['batch'], ['jobs/status', '*'])), [])
  t.same(names(rule(['batch'], ['jobs'], ['v2'])), [])
  t.same(names(rule([''], ['pods', 'deployments'])), ['Pod', 'Deployment'], 'no group is any group')
  t.end()
})

t.test('warnings of expressions', async (t) => {
  const cases: [name: string, rules: Rule[], spec: object, warnings: Record<string, string>][] = [
    ['none', [rule(['apps'], ['deployments'])], { validations: [{ expression: 'object.spec.replicas > 1 && has(oldObject.status)' }] }, {}],
    [
      'of two types',
      [rule(['apps', 'batch'], ['deployments', 'jobs'])],
      { validations: [{ expression: 'object.spec.replicas > 1', messageExpression: 'object.spec.nope' }] },
      {
        'spec.validations[0].expression': "batch/v1, Kind=Job: ERROR: <input>:1:12: undefined field 'replicas'\n | object.spec.replicas > 1\n | ...........^\n",
        'spec.validations[0].messageExpression': "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'nope'\n | object.spec.nope\n | ...........^\n\nbatch/v1, Kind=Job: ERROR: <input>:1:12: undefined field 'nope'\n | object.spec.nope\n | ...........^\n",
      },
    ],
    ['variables', [rule([''], ['pods'])], { variables: [{ name: 'n', expression: 'object.spec.nodeName' }], validations: [{ expression: 'variables.n == 1' }] }, { 'spec.validations[0].expression': "/v1, Kind=Pod: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(string, int)'\n | variables.n == 1\n | ............^\n" }],
    ['parameters', [rule([''], ['pods'])], { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'params.nope == 1' }] }, { 'spec.validations[0].expression': "/v1, Kind=Pod: ERROR: <input>:1:7: undefined field 'nope'\n | params.nope == 1\n | ......^\n" }],
    ['custom resources', [rule(['example.com'], ['widgets'])], { validations: [{ expression: 'object.spec.a == 1' }, { expression: "object.metadata.labels.x == 'y'" }] }, { 'spec.validations[0].expression': "example.com/v1, Kind=Widget: ERROR: <input>:1:15: found no matching overload for '_==_' applied to '(string, int)'\n | object.spec.a == 1\n | ..............^\n" }],
  ]
  for (const [name, resourceRules, spec, warnings] of cases) {
    const cluster = new FakeCluster()
    const run = new ControllerRun(cluster, status, { served: () => served })
    const widget = definition('Widget', [version('v1', specOf({ a: { type: 'string' } }))])
    cluster.seed({ ...widget, status: { acceptedNames: widget.spec.names } } as never)
    cluster.seed({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'p', generation: 1 }, spec: { matchConstraints: { resourceRules }, ...spec } } as never)
    await run.settle()
    const told = cluster.read<ValidatingAdmissionPolicy>(POLICY, 'p').status
    t.same(run.errors, [])
    t.equal(told?.observedGeneration, 1)
    t.same(Object.fromEntries((told?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }) => [fieldRef, warning])), warnings, name)
  }
})
