import t from 'tap'
import type { KubeObject } from '../../../../src/registry/kind.ts'
import { StatusError } from '../../../../src/errors.ts'
import { ADMIN, startApi, userNamed, type TestApi } from '../../../helpers/in-process-api.ts'

const RBAC = 'rbac.authorization.k8s.io'
const pods = { verb: 'get', resource: 'pods', namespace: 'ns' }

/** The answer to a review, or the lines of its refusal. */
async function review({ api }: TestApi, kind: string, spec: object, { user = ADMIN, namespace = '', metadata = {} } = {}): Promise<unknown> {
  const definition = api.scheme.require(`authorization.k8s.io/v1/${kind}`).definition
  const ctx = api.context({ user, namespace, dryRun: false, fieldManager: 'test', fieldValidation: 'Ignore' })
  try {
    const answer = (await definition.review?.({ metadata, spec } as KubeObject, ctx)) as KubeObject & { status?: object }
    return answer.status
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    return error.details?.causes?.map((c) => `${c.field}: ${c.message}`) ?? error.message
  }
}

async function setup(t: Parameters<typeof startApi>[0]): Promise<TestApi> {
  const api = await startApi(t)
  await api.create({ apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name: 'r', namespace: 'ns' }, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] })
  await api.create({ apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata: { name: 'b', namespace: 'ns' }, roleRef: { apiGroup: RBAC, kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', apiGroup: RBAC, name: 'jane' }] })
  return api
}

t.test('verdicts', async (t) => {
  const api = await setup(t)
  const yes = { allowed: true, reason: 'RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "jane"' }
  const no = { allowed: false }
  const jane = userNamed('jane')
  t.same(await review(api, 'SubjectAccessReview', { user: 'jane', resourceAttributes: pods }), yes)
  t.same(await review(api, 'SubjectAccessReview', { user: 'jane', resourceAttributes: { ...pods, namespace: 'other' } }), no)
  t.same(await review(api, 'SubjectAccessReview', { groups: ['system:masters'], nonResourceAttributes: { verb: 'get', path: '/x' } }), { allowed: true })
  t.same(await review(api, 'LocalSubjectAccessReview', { user: 'jane', resourceAttributes: pods }, { namespace: 'ns' }), yes)
  t.same(await review(api, 'SelfSubjectAccessReview', { resourceAttributes: pods }, { user: jane }), yes)
  t.same(await review(api, 'SelfSubjectAccessReview', { resourceAttributes: { ...pods, verb: 'delete' } }, { user: jane }), no)
  t.same(await review(api, 'SelfSubjectRulesReview', { namespace: 'ns' }, { user: jane }), { resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }], nonResourceRules: [], incomplete: false })
})

t.test('selectors that cannot be read are left out, and that is told', async (t) => {
  const api = await setup(t)
  const ask = (attributes: object) => review(api, 'SubjectAccessReview', { user: 'joe', resourceAttributes: { ...pods, ...attributes } })
  t.same(await ask({ labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } }), { allowed: false })
  t.same(await ask({ labelSelector: { rawSelector: 'a in (' } }), { allowed: false, evaluationError: 'spec.resourceAttributes.labelSelector ignored due to parse error' })
  t.same(await ask({ fieldSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }, { key: 'c', operator: 'Exists' }] } }), { allowed: false, evaluationError: 'spec.resourceAttributes.fieldSelector partially ignored due to parse error' })
})

t.test('what is refused', async (t) => {
  const api = await setup(t)
  const cases: [string, string, object, unknown, object?][] = [
    ['nothing asked', 'SubjectAccessReview', { user: 'a' }, ['spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified']],
    ['two things asked', 'SelfSubjectAccessReview', { resourceAttributes: pods, nonResourceAttributes: { verb: 'get', path: '/' } }, ['spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination with resourceAttributes']],
    ['of nobody', 'SubjectAccessReview', { resourceAttributes: pods }, ['spec.user: Invalid value: "": at least one of user or group must be specified']],
    ['with metadata', 'SelfSubjectAccessReview', { resourceAttributes: pods }, ['metadata: Invalid value: {"name":"x"}: must be empty'], { metadata: { name: 'x' } }],
    ['elsewhere', 'LocalSubjectAccessReview', { user: 'a', resourceAttributes: { ...pods, namespace: 'other' } }, ['spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace'], { namespace: 'ns' }],
    ['no namespace', 'SelfSubjectRulesReview', {}, 'no namespace on request'],
    ['an empty selector', 'SelfSubjectAccessReview', { resourceAttributes: { ...pods, labelSelector: {} } }, ['spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required']],
    ['a field without values', 'SelfSubjectAccessReview', { resourceAttributes: { ...pods, fieldSelector: { requirements: [{ key: 'a', operator: 'In' }] } } }, ["spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"]],
  ]
  for (const [name, kind, spec, expected, options] of cases) t.same(await review(api, kind, spec, options), expected, name)
})
