import t from 'tap'
import { alwaysAllow, privilegedGroup, unionAuthorizer } from '../../src/auth/union.ts'
import type { Authorizer, RuleList, Verdict } from '../../src/registry/authorization.ts'
import { ADMIN, userNamed } from '../helpers/in-process-api.ts'

const question = { user: userNamed('jane'), verb: 'get', path: '/x' }
const NO_RULES: RuleList = { resourceRules: [], nonResourceRules: [], incomplete: false }
const saying = (verdict: Verdict | Promise<Verdict>, rules = NO_RULES): Authorizer => ({ authorize: () => verdict, rulesFor: () => rules })
const none = (reason: string): Verdict => ({ decision: 'NoOpinion', reason })
const allow: Verdict = { decision: 'Allow', reason: 'yes' }
const deny: Verdict = { decision: 'Deny', reason: 'no' }

t.test('the first with an opinion decides', async (t) => {
  const cases: [string, (Verdict | Promise<Verdict>)[], Verdict][] = [
    ['nobody', [], none('')],
    ['nobody has an opinion', [none('a'), none(''), none('b')], none('a\nb')],
    ['allowed', [none('a'), allow, deny], allow],
    ['denied', [deny, allow], deny],
    ['asked elsewhere', [Promise.resolve(none('a')), none('b'), Promise.resolve(allow)], allow],
    ['errors are told', [{ ...none('a'), error: 'x' }, { ...none(''), error: 'y' }], { ...none('a'), error: '[x, y]' }],
  ]
  for (const [name, verdicts, expected] of cases) t.same(await unionAuthorizer(verdicts.map((v) => saying(v))).authorize(question), expected, name)
  t.notOk(unionAuthorizer([saying(none('')), saying(allow)]).authorize(question) instanceof Promise, 'at once where those asked answer at once')
})

t.test('rules are joined', async (t) => {
  const one: RuleList = { resourceRules: [{ verbs: ['get'] }], nonResourceRules: [], incomplete: true, error: 'x' }
  const two: RuleList = { resourceRules: [{ verbs: ['list'] }], nonResourceRules: [{ verbs: ['get'] }], incomplete: false }
  t.same(await unionAuthorizer([saying(allow, one), saying(allow, two)]).rulesFor(question.user, 'ns'), {
    resourceRules: [{ verbs: ['get'] }, { verbs: ['list'] }],
    nonResourceRules: [{ verbs: ['get'] }],
    incomplete: true,
    error: 'x',
  })
})

t.test('administrators and everybody', async (t) => {
  t.equal((await privilegedGroup.authorize({ ...question, user: ADMIN })).decision, 'Allow')
  t.equal((await privilegedGroup.authorize(question)).decision, 'NoOpinion')
  t.equal((await alwaysAllow.authorize(question)).decision, 'Allow')
})
