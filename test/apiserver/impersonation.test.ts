/** Acting as others: what the headers say, what is asked about it, and who one is then. */
import t from 'tap'
import { impersonatedUser, Impersonation } from '../../src/apiserver/impersonation.ts'
import { StatusError } from '../../src/errors.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Authorizer } from '../../src/registry/authorization.ts'
import type { UserInfo } from '../../src/registry/kind.ts'
import { userNamed } from '../helpers/in-process-api.ts'

const raw = (...headers: [string, string][]) => headers.flat()

t.test('headers', async (t) => {
  t.equal(impersonatedUser(raw(['Accept', 'x'])), undefined)
  t.same(impersonatedUser(raw(['Impersonate-User', 'jane'], ['impersonate-group', 'a,b'], ['Impersonate-Group', 'c'], ['Impersonate-Uid', '7'], ['Impersonate-Extra-a%2Fb', 'x'], ['impersonate-extra-%zz', 'y'])), {
    name: 'jane',
    uid: '7',
    groups: ['a,b', 'c'],
    extra: { 'a/b': ['x'], '%zz': ['y'] },
  })
  const without = 'without impersonating a user name'
  t.throws(() => impersonatedUser(raw(['impersonate-group', 'g'])), { code: 400, message: `requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string(nil)} ${without}` })
  t.throws(() => impersonatedUser(raw(['impersonate-extra-k', 'v'])), { code: 400, message: `requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"k":[]string{"v"}}} ${without}` })
})

const key = (a: AuthorizationAttributes): string =>
  isResourceAttributes(a) ? `${a.verb} ${a.apiGroup}/${a.resource}${a.subresource ? `/${a.subresource}` : ''} ${a.namespace ? `${a.namespace}/` : ''}${a.name}` : `${a.verb} ${a.path}`

/** Allows what is listed, and notes what was asked. */
function listing(allowed: readonly string[]): Authorizer & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    authorize(attributes) {
      asked.push(key(attributes))
      return { decision: allowed.includes(key(attributes)) ? 'Allow' : 'NoOpinion', reason: '' }
    },
    rulesFor: () => ({ resourceRules: [], nonResourceRules: [], incomplete: false }),
  }
}

const request = (user: UserInfo): AuthorizationAttributes => ({ user, verb: 'list', apiGroup: '', apiVersion: 'v1', resource: 'pods', subresource: '', namespace: 'ns', name: '' })
const wanted = (name: string, more: object = {}) => ({ name, uid: '', groups: [], extra: {}, ...more })
const bot: UserInfo = { ...userNamed('system:serviceaccount:ns:bot'), extra: { 'authentication.kubernetes.io/node-name': ['n1'] } }
const K8S = 'authentication.k8s.io'

t.test('who one is then', async (t) => {
  const cases: [string, readonly string[], Parameters<Impersonation['become']>[0], UserInfo | string][] = [
    ['as ever', ['impersonate /users jane'], wanted('jane'), { name: 'jane', groups: ['system:authenticated'] }],
    ['with a group', ['impersonate /users jane', 'impersonate /groups g'], wanted('jane', { groups: ['g'] }), { name: 'jane', groups: ['g', 'system:authenticated'] }],
    ['an account', ['impersonate /serviceaccounts ns/a'], wanted('system:serviceaccount:ns:a'), { name: 'system:serviceaccount:ns:a', groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'] }],
    ['nobody', ['impersonate /users system:anonymous'], wanted('system:anonymous'), { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    ['with all', ['impersonate /users jane', `impersonate ${K8S}/uids 7`, `impersonate ${K8S}/userextras/k v`], wanted('jane', { uid: '7', extra: { k: ['v'] } }), { name: 'jane', uid: '7', groups: ['system:authenticated'], extra: { k: ['v'] } }],
    ['for this request', ['impersonate-on:user-info:list /pods ns/', `impersonate:user-info ${K8S}/users jane`], wanted('jane'), { name: 'jane', groups: ['system:authenticated'] }],
    ['the node one is on', ['impersonate-on:associated-node:list /pods ns/', `impersonate:associated-node ${K8S}/nodes *`], wanted('system:node:n1'), { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }],
    ['not another node', ['impersonate-on:associated-node:list /pods ns/', `impersonate:associated-node ${K8S}/nodes *`], wanted('system:node:n2'), 'impersonate-on:arbitrary-node:list resource "pods" in API group "" in the namespace "ns"'],
    ['any node', ['impersonate-on:arbitrary-node:list /pods ns/', `impersonate:arbitrary-node ${K8S}/nodes n2`], wanted('system:node:n2'), { name: 'system:node:n2', groups: ['system:nodes', 'system:authenticated'] }],
    ['masters only as ever', ['impersonate-on:user-info:list /pods ns/', `impersonate:user-info ${K8S}/users jane`], wanted('jane', { groups: ['system:masters'] }), 'impersonating the system:masters group is not allowed'],
    ['bad keys only as ever', ['impersonate-on:user-info:list /pods ns/', `impersonate:user-info ${K8S}/users jane`], wanted('jane', { extra: { k: ['v'] } }), 'impersonating an invalid key in extra is not allowed'],
    ['many at once', ['impersonate-on:user-info:list /pods ns/', `impersonate:user-info ${K8S}/users jane`, `impersonate:user-info ${K8S}/groups *`], wanted('jane', { groups: ['a', 'b', 'c', 'd'] }), { name: 'jane', groups: ['a', 'b', 'c', 'd', 'system:authenticated'] }],
    ['nothing allowed', [], wanted('jane'), 'pods is forbidden: User "system:serviceaccount:ns:bot" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "ns"'],
  ]
  for (const [what, allowed, who, expected] of cases) {
    const became = await new Impersonation(listing(allowed)).become(who, request(bot)).then(({ user }) => user, (error: unknown) => (error instanceof StatusError ? error.message : String(error)))
    if (typeof expected === 'string') t.match(became, expected, what)
    else t.same(became, expected, what)
  }
})

t.test('what worked last is tried first', async (t) => {
  const authorizer = listing(['impersonate /users jane'])
  const impersonation = new Impersonation(authorizer)
  await impersonation.become(wanted('jane'), request(bot))
  authorizer.asked.length = 0
  await impersonation.become(wanted('jane'), request(bot))
  t.same(authorizer.asked, ['impersonate /users jane'])
  await t.rejects(impersonation.become(wanted('joe'), request(bot)), { code: 403, message: 'users "joe" is forbidden: User "system:serviceaccount:ns:bot" cannot impersonate resource "users" in API group "" at the cluster scope' })
})
