/**
 * Every verb on every resource by everybody whom upstream's default roles concern, against what a real cluster answered:
 * authorization-matrix.json was written by measure-authorization.mjs, with the modes Node and RBAC.
 */
import t from 'tap'
import { bootstrapRoles } from '../../src/auth/bootstrap-roles.ts'
import { authorizationOf } from '../../src/auth/modes.ts'
import type { AuthorizationAttributes } from '../../src/registry/authorization.ts'
import type { UserInfo } from '../../src/registry/kind.ts'
import { startApi } from '../helpers/in-process-api.ts'
import measured from './authorization-matrix.json'

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']
const RBAC = 'rbac.authorization.k8s.io'

interface Subject {
  groups: string[]
  /** Resources by the verbs that are allowed on them. */
  resources: Partial<Record<string, string[]>>
  special: string[]
  paths: string[]
}

const subjects = measured.subjects as unknown as Record<string, Subject>

function asked(user: UserInfo, verb: string, what: string): AuthorizationAttributes {
  const [apiGroup = '', resource = '', subresource = ''] = what.split('/')
  return { user, verb, apiGroup, apiVersion: '*', resource, subresource, namespace: 'kube-system', name: '' }
}

t.test('verdicts of a real cluster', async (t) => {
  const api = await startApi(t)
  for (const namespace of ['kube-system', 'kube-public']) await api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  for (const role of bootstrapRoles()) await api.client().create(role)
  for (const role of ['cluster-admin', 'admin', 'edit', 'view']) {
    await api.create({ apiVersion: `${RBAC}/v1`, kind: 'ClusterRoleBinding', metadata: { name: `test:${role}` }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role }, subjects: [{ kind: 'User', apiGroup: RBAC, name: `test:${role}` }] })
  }
  const { authorizer, close } = authorizationOf({}, { feeds: api.informers, clock: api.clock })
  t.teardown(close)
  const allows = async (attributes: AuthorizationAttributes) => (await authorizer.authorize(attributes)).decision === 'Allow'
  t.ok(Object.keys(subjects).length > 45 && measured.resources.length > 100, 'there is something to compare with')
  for (const [name, expected] of Object.entries(subjects)) {
    const user = { name, groups: expected.groups }
    const resources: Record<string, string[]> = {}
    for (const what of measured.resources) {
      const verbs: string[] = []
      for (const verb of VERBS) if (await allows(asked(user, verb, what))) verbs.push(verb)
      if (verbs.length > 0) (resources[verbs.join(' ')] ??= []).push(what)
    }
    t.same(resources, expected.resources, `${name}: resources`)
    const special: string[] = []
    for (const text of measured.special) {
      const [verb = '', what = ''] = text.split(' ')
      if (await allows(asked(user, verb, what))) special.push(text)
    }
    t.same(special, expected.special, `${name}: special verbs`)
    const paths: string[] = []
    for (const path of measured.paths) if (await allows({ user, verb: 'get', path })) paths.push(path)
    t.same(paths, expected.paths, `${name}: paths`)
  }
})
