/** Cases of the family in the file name. */
import { core, type Family } from '../_case.ts'

const AUTHORIZATION = '/apis/authorization.k8s.io/v1'

export default {
  family: 'auth',
  cases: [
    {
      name: 'who may do what',
      steps: ({ ns, id }) => {
        const jane = { 'impersonate-user': `jane-${id}` }
        const review = (verb: string) => ({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { user: `jane-${id}`, resourceAttributes: { namespace: ns, verb, resource: 'pods' } } })
        const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`
        return [
          { call: `GET ${core(ns, 'pods')}`, headers: jane, status: 403, match: { reason: 'Forbidden', message: `pods is forbidden: User "jane-${id}" cannot list resource "pods" in API group "" in the namespace "${ns}"` }, headersMatch: { 'x-content-type-options': 'nosniff' } },
          { call: `POST ${rbac}/roles`, body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] } },
          { call: `POST ${rbac}/rolebindings`, body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'b' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: `jane-${id}`, apiGroup: 'rbac.authorization.k8s.io' }] } },
          { call: `POST ${AUTHORIZATION}/subjectaccessreviews`, body: review('delete'), match: { status: { allowed: false } } },
        ]
      },
    },
    {
      name: 'who one is',
      steps: ({ id }) => [
        { call: 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews', body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, headers: { 'impersonate-user': id, 'impersonate-group': 'g' }, match: { status: { userInfo: { username: id, groups: ['g', 'system:authenticated'] } } } },
        { call: 'GET /version', headers: { 'impersonate-group': 'g' }, status: 400, match: { message: /without impersonating a user name$/ } },
      ],
    },
    {
      name: 'flow control tells which flow it was',
      steps: () => [{ call: 'GET /version', headersMatch: { 'x-kubernetes-pf-flowschema-uid': /^[0-9a-f-]{36}$/, 'x-kubernetes-pf-prioritylevel-uid': /^[0-9a-f-]{36}$/ } }],
    },
  ],
} satisfies Family
