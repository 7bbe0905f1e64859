import t, { type Test } from 'tap'
import { admissionPlugins } from '../../src/admission/plugins.ts'
import { isStatusError } from '../../src/errors.ts'
import { ADMIN, startApi, userNamed, type TestApi } from '../helpers/in-process-api.ts'

const API = { apiVersion: 'admissionregistration.k8s.io/v1' }
const RULE = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] }

interface Setup extends TestApi {
  /** A policy of this spec about config maps, bound under the same name. */
  policy(name: string, spec: object, binding?: object): Promise<void>
  /** What comes of a config map with this data: '' when it may be. */
  tries(data?: Record<string, string>, more?: object, user?: Parameters<TestApi['create']>[1]): Promise<string>
}

async function setup(t: Test): Promise<Setup> {
  const api = await startApi(t, { plugins: admissionPlugins().filter(({ name }) => name === 'ValidatingAdmissionPolicy') })
  await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns', labels: { env: 'test' } } })
  return {
    ...api,
    async policy(name, spec, binding = {}) {
      await api.create({ ...API, kind: 'ValidatingAdmissionPolicy', metadata: { name }, spec: { matchConstraints: { resourceRules: [RULE] }, ...spec } })
      await api.create({ ...API, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name, validationActions: ['Deny'], ...binding } })
    },
    async tries(data = { a: '1' }, more = {}, user = ADMIN) {
      try {
        await api.client(user).create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'ns', ...more }, data } as never, { dryRun: true })
        return ''
      } catch (error) {
        if (!isStatusError(error)) throw error
        return `${error.code} ${error.reason ?? ''}: ${error.message}`
      }
    },
  }
}

const denied = (why: string, code = '422 Invalid', binding = " with binding 'p'"): string => `${code}: configmaps "c" is forbidden: ValidatingAdmissionPolicy 'p'${binding} denied request: ${why}`
const rules = (...validations: (string | object)[]) => ({ validations: validations.map((v) => (typeof v === 'string' ? { expression: v } : v)) })

t.test('what a policy says', async (t) => {
  const looping = 'lists.range(1000).all(x, lists.range(1000).all(y, x*y >= 0))'
  const short = 'lists.range(300).all(x, lists.range(200).all(y, x*y >= 0))'
  const cases: [name: string, spec: object, answer: string][] = [
    ['holds', rules("object.data.a == '1'", 'oldObject == null', "request.operation == 'CREATE'", "namespaceObject.metadata.labels.env == 'test'"), ''],
    ['expression', rules('true', "object.data.a == '2'"), denied("failed expression: object.data.a == '2'")],
    ['message', rules({ expression: 'false', message: ' no ' }), denied('no')],
    ['messageExpression', rules({ expression: 'false', message: 'no', messageExpression: "'not ' + object.metadata.name" }), denied('not c')],
    ['a message of two lines', rules({ expression: 'false', message: 'no', messageExpression: "'a\\nb'" }), denied('no')],
    ['a message that fails', rules({ expression: 'false', messageExpression: 'string(object.data.zz)' }), denied('failed expression: false')],
    ['reason', rules({ expression: 'false', reason: 'RequestEntityTooLarge' }), denied('failed expression: false', '413 RequestEntityTooLarge')],
    ['an error', rules("object.data.b == '1'"), denied("expression 'object.data.b == '1'' resulted in error: no such key: b")],
    ['an error that is ignored', { ...rules('object.nope.x'.concat(' == 1'), 'true'), failurePolicy: 'Ignore' }, ''],
    ['a denial is not ignored', { ...rules('object.nope == 1', 'false'), failurePolicy: 'Ignore' }, denied('failed expression: false')],
    ['variables', { ...rules('variables.b'), variables: [{ name: 'a', expression: 'object.data' }, { name: 'b', expression: "variables.a.a == '2'" }] }, denied('failed expression: variables.b')],
    ['a variable that fails', { ...rules('variables.a == 1'), variables: [{ name: 'a', expression: 'object.x.y' }] }, denied(`expression 'variables.a == 1' resulted in error: composited variable "a" fails to evaluate: no such key: x`)],
    ['a condition that is not met', { ...rules('false'), matchConditions: [{ name: 'm', expression: "object.data.a == '2'" }] }, ''],
    ['a condition that fails', { ...rules('false'), matchConditions: [{ name: 'm', expression: "object.data.b == '2'" }] }, denied("expression 'object.data.b == '2'' resulted in error: no such key: b")],
    ['too costly', rules(looping), denied(`expression '${looping}' resulted in error: operation cancelled: actual cost limit exceeded`)],
    ['too costly together', rules(...Array.from({ length: 60 }, () => short)), denied('validation failed due to running out of cost budget, no further validation rules will be run')],
    ['an annotation that fails', { auditAnnotations: [{ key: 'k', valueExpression: 'string(object.data.zz)' }] }, denied("expression 'string(object.data.zz)' resulted in error: no such key: zz")],
    ['parameters of a kind that is not served', { ...rules('params.x == 1'), paramKind: { apiVersion: 'nope.io/v1', kind: 'Nope' } }, denied("failed to configure policy: failed to find resource referenced by paramKind: 'nope.io/v1, Kind=Nope'", '422 Invalid', '')],
  ]
  for (const [name, spec, answer] of cases) {
    const { policy, tries } = await setup(t)
    await policy('p', spec)
    t.equal(await tries(), answer, name)
  }
})

t.test('whom the authorizer is asked about', async (t) => {
  const { policy, tries } = await setup(t)
  await policy('p', rules("authorizer.group('').resource('pods').namespace('ns').check('get').allowed() || authorizer.requestResource.check('bind').allowed()", "!authorizer.serviceAccount('ns','x').path('/healthz').check('get').allowed()"))
  t.equal(await tries(), '')
  t.match(await tries({}, {}, userNamed('jane')), /denied request: failed expression: authorizer/)
})

t.test('what a binding chooses', async (t) => {
  const other = { metadata: { name: 'other' } }
  const cases: [name: string, binding: object, answer: string][] = [
    ['all', {}, denied('failed expression: false')],
    ['labels of the object', { matchResources: { objectSelector: { matchLabels: { x: 'y' } } } }, ''],
    ['labels of the namespace', { matchResources: { namespaceSelector: { matchLabels: { env: 'test' } } } }, denied('failed expression: false')],
    ['labels of another namespace', { matchResources: { namespaceSelector: { matchLabels: { env: 'prod' } } } }, ''],
    ['rules', { matchResources: { resourceRules: [{ ...RULE, operations: ['DELETE'] }] } }, ''],
    ['what is left out', { matchResources: { excludeResourceRules: [{ ...RULE, resourceNames: ['c'] }] } }, ''],
    ['another policy', { policyName: 'q' }, ''],
  ]
  for (const [name, binding, answer] of cases) {
    const { policy, tries } = await setup(t)
    await policy('p', rules('false'), binding)
    t.equal(await tries(), answer, name)
    t.equal(await tries({}, other.metadata), name === 'all' || name === 'labels of the namespace' || name === 'what is left out' ? denied('failed expression: false').replace('"c"', '"other"') : '', `${name}: another name`)
  }
})

t.test('parameters', async (t) => {
  const missing = denied('failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction')
  const cases: [name: string, paramRef: object | undefined, answer: string][] = [
    ['by name, in the namespace of the request', { name: 'par' }, ''],
    ['by name, in another', { name: 'par', namespace: 'far' }, denied('want 5')],
    ['by labels', { selector: { matchLabels: { par: 'yes' } } }, ''],
    ['that are not there', { name: 'nopar' }, missing],
    ['that need not be there', { name: 'nopar', parameterNotFoundAction: 'Allow' }, ''],
    ['none with these labels', { selector: { matchLabels: { par: 'no' } } }, missing],
    ['none are bound', undefined, denied("expression 'params.data.x == object.data.a' resulted in error: no such key: data")],
  ]
  for (const [name, paramRef, answer] of cases) {
    const { create, policy, tries } = await setup(t)
    for (const [namespace, x] of [['ns', '1'], ['far', '5']]) await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'par', namespace, labels: { par: 'yes' } }, data: { x } })
    const spec = { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, ...rules({ expression: 'params.data.x == object.data.a', messageExpression: "'want ' + params.data.x" }) }
    await policy('p', spec, paramRef ? { paramRef: { parameterNotFoundAction: 'Deny', ...paramRef } } : {})
    t.equal(await tries(), answer, name)
  }
})

t.test('warnings and audit annotations', async (t) => {
  const { policy, api } = await setup(t)
  await policy('p', { ...rules('false', { expression: 'false', message: 'two' }), auditAnnotations: [{ key: 'k', valueExpression: "' v '" }, { key: 'none', valueExpression: 'null' }] }, { validationActions: ['Warn', 'Audit'] })
  const ctx = api.context({ user: ADMIN, namespace: 'ns', dryRun: true })
  const kind = api.scheme.require('v1/ConfigMap')
  await api.admission.validate({ operation: 'CREATE', kind, subresource: '', namespace: 'ns', name: 'c', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }, ctx })
  const text = (why: string) => `Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p': ${why}`
  t.same(ctx.warnings, [text('failed expression: false'), text('two')])
  t.same([...(ctx.auditAnnotations ?? [])], [
    ['validation.policy.admission.k8s.io/validation_failure', '[{"message":"failed expression: false","policy":"p","binding":"p","expressionIndex":0,"validationActions":["Warn","Audit"]}]'],
    ['p/k', 'v'],
  ])
})

t.test('policies do not decide about policies and reviews', async (t) => {
  const { policy, client, create } = await setup(t)
  const everything = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }
  await policy('p', { matchConstraints: { resourceRules: [everything] }, ...rules('false') })
  await client().create({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', metadata: {}, spec: { nonResourceAttributes: { path: '/', verb: 'get' } } } as never)
  await client().delete('admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding', { name: 'p' })
  await policy('q', { matchConstraints: { resourceRules: [everything] }, ...rules('false') })
  await t.rejects(create({ ...API, kind: 'ValidatingWebhookConfiguration', metadata: { name: 'w' } }), /denied request/, 'about webhooks they do')
})
