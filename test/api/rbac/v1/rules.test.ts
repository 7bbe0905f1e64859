import t from 'tap'
import { aggregatedRules } from '../../../../api/rbac/v1/_aggregation.ts'
import { compactRules, describeBinding, formatRule, ruleAllows, subjectOf, uncoveredRules, whyEscalation } from '../../../../api/rbac/v1/_rules.ts'
import type { ClusterRole, PolicyRule, Subject } from '../../../../schemas/types.ts'
import { userNamed } from '../../../helpers/in-process-api.ts'

const user = userNamed('jane', 'devs')
const rule = (verbs: string, groups: string, resources: string, names = ''): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: groups.split(' ').map((g) => (g === 'core' ? '' : g)),
  resources: resources.split(' '),
  ...(names ? { resourceNames: names.split(' ') } : {}),
})
const asked = (text: string) => {
  const [verb = '', apiGroup = '', resource = '', subresource = '', name = ''] = text.split('|')
  return { user, verb, apiGroup, apiVersion: 'v1', namespace: 'ns', resource, subresource, name }
}

t.test('what a rule allows', (t) => {
  const cases: [PolicyRule, string, boolean][] = [
    [rule('get', 'core', 'pods'), 'get||pods', true],
    [rule('get', 'core', 'pods'), 'list||pods', false],
    [rule('get', 'core', 'pods'), 'get|apps|pods', false],
    [rule('get', 'core', 'pods'), 'get||pods|log', false],
    [rule('get', 'core', 'pods/log'), 'get||pods|log', true],
    [rule('get', 'core', 'pods/log'), 'get||pods', false],
    [rule('*', '*', '*'), 'delete|apps|deployments|scale|web', true],
    [rule('update', '*', '*/scale'), 'update|apps|deployments|scale', true],
    [rule('update', '*', '*/scale'), 'update|apps|deployments|status', false],
    [rule('update', '*', '*/scale'), 'update|apps|deployments', false],
    [rule('get', 'core', 'pods', 'a b'), 'get||pods||b', true],
    [rule('get', 'core', 'pods', 'a b'), 'get||pods||c', false],
    [rule('list', 'core', 'pods', 'a'), 'list||pods', false],
  ]
  for (const [r, text, expected] of cases) t.equal(ruleAllows(asked(text), r), expected, `${JSON.stringify(r)} ${text}`)
  t.end()
})

t.test('what a rule allows of other paths', (t) => {
  const cases: [string, string, boolean][] = [
    ['/healthz', '/healthz', true],
    ['/healthz', '/healthz/etcd', false],
    ['/healthz/*', '/healthz/etcd', true],
    ['/healthz/*', '/healthz', false],
    ['/metrics*', '/metrics/slis', true],
    ['*', '/anything', true],
    ['/a*b', '/aXb', false],
  ]
  for (const [url, path, expected] of cases) t.equal(ruleAllows({ user, verb: 'get', path }, { verbs: ['get'], nonResourceURLs: [url] }), expected, `${url} ${path}`)
  t.equal(ruleAllows({ user, verb: 'post', path: '/x' }, { verbs: ['get'], nonResourceURLs: ['*'] }), false)
  t.equal(ruleAllows({ user, verb: 'get', path: '/x' }, rule('*', '*', '*')), false, 'resources are no paths')
  t.end()
})

t.test('whom a binding is about', (t) => {
  const account = userNamed('system:serviceaccount:ns:bot')
  const cases: { subject: Subject; who?: typeof user; namespace?: string; expected: boolean }[] = [
    { subject: { kind: 'User', name: 'jane' }, expected: true },
    { subject: { kind: 'User', name: 'devs' }, expected: false },
    { subject: { kind: 'Group', name: 'devs' }, expected: true },
    { subject: { kind: 'Group', name: 'jane' }, expected: false },
    { subject: { kind: 'ServiceAccount', name: 'bot', namespace: 'ns' }, who: account, expected: true },
    { subject: { kind: 'ServiceAccount', name: 'bot', namespace: 'other' }, who: account, expected: false },
    { subject: { kind: 'ServiceAccount', name: 'bot' }, who: account, namespace: 'ns', expected: true },
    { subject: { kind: 'ServiceAccount', name: 'bot' }, who: account, expected: false },
    { subject: { kind: 'Robot', name: 'jane' }, expected: false },
  ]
  for (const { subject, who = user, namespace = '', expected } of cases) t.equal(subjectOf(who, [subject], namespace) !== undefined, expected, JSON.stringify(subject))
  t.end()
})

t.test('bindings in words', (t) => {
  const roleRef = { kind: 'Role', name: 'r' }
  t.equal(describeBinding({ metadata: { name: 'b', namespace: 'ns' }, roleRef }, { kind: 'ServiceAccount', name: 'bot' }), 'RoleBinding "b/ns" of Role "r" to ServiceAccount "bot/ns"')
  t.equal(describeBinding({ metadata: { name: 'b' }, roleRef: { kind: 'ClusterRole', name: 'r' } }, { kind: 'Group', name: 'devs' }), 'ClusterRoleBinding "b" of ClusterRole "r" to Group "devs"')
  t.end()
})

t.test('what other rules do not cover', (t) => {
  const cases: { held: PolicyRule[]; wanted: PolicyRule; missing: string[] }[] = [
    { held: [rule('get list', 'core', 'pods')], wanted: rule('get', 'core', 'pods'), missing: [] },
    { held: [rule('get', 'core', 'pods')], wanted: rule('get list', 'core', 'pods'), missing: ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}'] },
    { held: [rule('get', 'core', 'pods'), rule('list', 'core', 'pods')], wanted: rule('get list', 'core', 'pods'), missing: [] },
    { held: [rule('*', '*', '*')], wanted: rule('get', 'x.io', 'things/scale', 'a'), missing: [] },
    { held: [rule('get', 'core', 'pods')], wanted: rule('get', 'core', 'pods', 'a'), missing: [] },
    { held: [rule('get', 'core', 'pods', 'a')], wanted: rule('get', 'core', 'pods'), missing: ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'] },
    { held: [rule('get', 'core', 'pods', 'a')], wanted: rule('get', 'core', 'pods', 'a b'), missing: ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}'] },
    { held: [rule('get', '*', '*/scale')], wanted: rule('get', 'apps', 'deployments/scale'), missing: [] },
    { held: [{ verbs: ['get'], nonResourceURLs: ['/a/*'] }], wanted: { verbs: ['get'], nonResourceURLs: ['/a/b', '/c'] }, missing: ['{NonResourceURLs:["/c"], Verbs:["get"]}'] },
  ]
  for (const { held, wanted, missing } of cases) t.same(compactRules(uncoveredRules(held, [wanted])).map(formatRule), missing, JSON.stringify([held, wanted]))
  t.end()
})

t.test('the text of an escalation', (t) => {
  const wanted = [rule('get list', 'core', 'pods'), { verbs: ['get'], nonResourceURLs: ['/x'] }]
  const head = 'user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
  t.equal(whyEscalation(user, { held: wanted, wanted }), undefined)
  t.equal(whyEscalation(user, { held: [], wanted }), `${head}{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}\n{NonResourceURLs:["/x"], Verbs:["get"]}`)
  t.match(whyEscalation(user, { held: [], wanted, errors: ['a', 'b', 'a'] }), /; resolution errors: \[\[a, b\]\]$/)
  t.end()
})

t.test('rules that are gathered', (t) => {
  const role = (name: string, labels: Record<string, string>, ...rules: PolicyRule[]): ClusterRole => ({ metadata: { name, labels }, rules })
  const gatherer: ClusterRole = { metadata: { name: 'all', labels: { x: '1' } }, rules: [rule('delete', 'core', 'nodes')], aggregationRule: { clusterRoleSelectors: [{ matchLabels: { y: '1' } }, { matchLabels: { x: '1' } }] } }
  const pods = rule('get', 'core', 'pods')
  const roles = [role('b', { x: '1' }, rule('b', 'core', 'b'), pods), gatherer, role('a', { x: '1' }, pods), role('c', { y: '1' }, rule('c', 'core', 'c')), role('d', {}, rule('d', 'core', 'd'))]
  t.same(aggregatedRules(gatherer, roles), [rule('c', 'core', 'c'), pods, rule('b', 'core', 'b')], 'selector by selector, roles by name, no rule twice, not its own')
  t.same(aggregatedRules({ metadata: {} }, roles), [])
  t.end()
})
