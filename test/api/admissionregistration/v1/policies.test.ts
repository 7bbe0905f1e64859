import t from 'tap'
import { startApi, userNamed } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const API = 'admissionregistration.k8s.io/v1'
const RULE = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const VALIDATING = { apiVersion: API, kind: 'ValidatingAdmissionPolicy', spec: { matchConstraints: { resourceRules: [RULE] }, validations: [{ expression: 'true' }] } }
const MUTATING = {
  apiVersion: API,
  kind: 'MutatingAdmissionPolicy',
  spec: { matchConstraints: { resourceRules: [RULE] }, reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: "[JSONPatch{op: 'remove', path: '/data'}]" } }] },
}
const BINDING = { apiVersion: API, kind: 'ValidatingAdmissionPolicyBinding', spec: { policyName: 'p', validationActions: ['Deny'] } }
const PARAM_REF = { name: 'x', parameterNotFoundAction: 'Deny' }

t.test('what a validating policy may not be', (t) =>
  checkRefusals(t, VALIDATING, [
    ['nothing matched', { 'spec.matchConstraints': undefined }, 'spec.matchConstraints: Required value'],
    ['no rules', { 'spec.matchConstraints.resourceRules': [] }, 'spec.matchConstraints.resourceRules: Required value'],
    ['nothing checked', { 'spec.validations': [] }, 'spec.validations: Required value: validations or auditAnnotations must contain at least one item', 'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item'],
    ['an empty expression', { 'spec.validations[0].expression': ' ' }, 'spec.validations[0].expression: Required value: expression is not specified'],
    ['a message of lines', { 'spec.validations[0].message': 'a\nb' }, 'spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks'],
    ['an unknown reason', { 'spec.validations[0].reason': 'Teapot' }, 'spec.validations[0].reason: Unsupported value: "Teapot": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"'],
    ['a parameter of no version', { 'spec.paramKind': { apiVersion: 'x.io/', kind: 'X' } }, 'spec.paramKind.apiVersion: Invalid value: "x.io/": version must be specified'],
    ['a parameter of no kind', { 'spec.paramKind': { apiVersion: 'v1' } }, 'spec.paramKind.kind: Required value'],
    ['names twice in a rule', { 'spec.matchConstraints.resourceRules[0].resourceNames': ['a', 'a'] }, 'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"'],
    ['a variable without a name', { 'spec.variables': [{ expression: '1' }] }, 'spec.variables[0].name: Required value: name is not specified'],
    ['the use of a variable that says nothing', { 'spec.variables': [{ name: 'v', expression: ' ' }], 'spec.validations[0].expression': 'variables.v' }, 'spec.variables[0].expression: Required value: expression is not specified', `spec.validations[0].expression: Invalid value: "variables.v": compilation failed: ERROR: <input>:1:10: undefined field 'v'\n | variables.v\n | .........^`],
    ['a variable no expression can name', { 'spec.variables': [{ name: 'a-b', expression: '1' }] }, 'spec.variables[0].name: Invalid value: "a-b": must be a valid CEL identifier'],
    ['annotations twice', { 'spec.auditAnnotations': [{ key: 'k', valueExpression: "'a'" }, { key: 'k', valueExpression: "'a'" }] }, 'spec.auditAnnotations[1].key: Duplicate value: "k"'],
    ['an annotation of nothing', { 'spec.auditAnnotations': [{ key: 'k', valueExpression: '' }] }, 'spec.auditAnnotations[0].valueExpression: Required value: valueExpression is not specified'],
  ]))

t.test('what a mutating policy may not be', (t) =>
  checkRefusals(t, MUTATING, [
    ['nothing changed', { 'spec.mutations': [] }, 'spec.mutations: Required value: mutations must contain at least one item'],
    ['deletes', { 'spec.matchConstraints.resourceRules[0].operations': ['DELETE'] }, 'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"'],
    ['an unknown patch', { 'spec.mutations[0].patchType': 'Text' }, 'spec.mutations[0].patchType: Unsupported value: "Text": supported values: "ApplyConfiguration", "JSONPatch"'],
    ['the other patch', { 'spec.mutations[0].patchType': 'ApplyConfiguration' }, 'spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration', 'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration'],
    ['again or not', { 'spec.reinvocationPolicy': '' }, 'spec.reinvocationPolicy: Required value'],
  ]))

t.test('what a binding may not be', (t) =>
  checkRefusals(t, BINDING, [
    ['of no policy', { 'spec.policyName': '' }, 'spec.policyName: Required value'],
    ['without actions', { 'spec.validationActions': [] }, 'spec.validationActions: Required value: at least one validation action is required'],
    ['warns and denies', { 'spec.validationActions': ['Warn', 'Deny'] }, 'spec.validationActions: Invalid value: ["Warn","Deny"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'],
    ['an action twice', { 'spec.validationActions': ['Audit', 'Audit'] }, 'spec.validationActions[1]: Duplicate value: "Audit"'],
    ['parameters by name and by labels', { 'spec.paramRef': { ...PARAM_REF, selector: {} } }, 'spec.paramRef.name: Forbidden: name and selector are mutually exclusive', 'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive'],
    ['parameters by nothing', { 'spec.paramRef': { parameterNotFoundAction: 'Deny' } }, 'spec.paramRef: Required value: one of name or selector must be specified'],
    ['what if there is none', { 'spec.paramRef': { name: 'x' } }, 'spec.paramRef.parameterNotFoundAction: Required value'],
  ]))

t.test('the status of a policy', (t) =>
  checkUpdateRefusals(t, VALIDATING, [['a warning without text', { 'status.typeChecking.expressionWarnings': [{ fieldRef: 'spec.x' }] }, 'status.typeChecking.expressionWarnings[0].warning: Required value']], { subresource: 'status' }))

t.test('what is filled in', async (t) => {
  t.match((await stored(t, VALIDATING)).spec, { failurePolicy: 'Fail', matchConstraints: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [{ scope: '*' }] } })
  t.match((await stored(t, BINDING)).metadata, { generation: 1 })
})

t.test('who may not read parameters may not name them', async (t) => {
  const { create, refused } = await startApi(t)
  const jane = userNamed('jane')
  const shown = '&{jane  [system:authenticated] map[]}'
  const policy = { ...VALIDATING, spec: { ...VALIDATING.spec, paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } } }
  t.same(await refused(policy, jane), [`spec.paramKind: Forbidden: user ${shown} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)`])
  await create({ ...policy, metadata: { name: 'p' } })
  const binding = { ...BINDING, spec: { ...BINDING.spec, paramRef: { ...PARAM_REF, namespace: 'ns' } } }
  t.same(await refused(binding, jane), [`spec.paramRef: Forbidden: user ${shown} does not have "get" permission on the object referenced by paramRef`])
  const rbac = 'rbac.authorization.k8s.io'
  await create({ apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: { name: 'r' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['configmaps'] }] })
  await create({ apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', apiGroup: rbac, name: 'jane' }] })
  t.same(await refused(policy, jane), [])
  t.same(await refused(binding, jane), [])
})
