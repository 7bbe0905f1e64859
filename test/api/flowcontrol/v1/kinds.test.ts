import t from 'tap'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const API = 'flowcontrol.apiserver.k8s.io/v1'
const RULE = { subjects: [{ kind: 'User', user: { name: 'u' } }], resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['ns'] }] }
const SCHEMA = { apiVersion: API, kind: 'FlowSchema', spec: { priorityLevelConfiguration: { name: 'l' }, matchingPrecedence: 5, distinguisherMethod: { type: 'ByUser' }, rules: [RULE] } }
const LEVEL = { apiVersion: API, kind: 'PriorityLevelConfiguration', spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: { queues: 16, handSize: 4 } } } } }

t.test('flow schemas', (t) => {
  const rule = 'spec.rules[0].resourceRules[0]'
  const subject = 'spec.rules[0].subjects[0]'
  return checkRefusals(t, SCHEMA, [
    ['negative precedence', { 'spec.matchingPrecedence': -1 }, 'spec.matchingPrecedence: Invalid value: -1: must be a positive value'],
    ['precedence of the last', { 'spec.matchingPrecedence': 10001 }, 'spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000'],
    ['precedence of the first', { 'spec.matchingPrecedence': 1 }, "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ['an unknown method', { 'spec.distinguisherMethod.type': 'ByHat' }, 'spec.distinguisherMethod.type: Unsupported value: {"Type":"ByHat"}: supported values: "ByNamespace", "ByUser"'],
    ['no level', { 'spec.priorityLevelConfiguration.name': '' }, 'spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
    ['nobody', { 'spec.rules[0].subjects': undefined }, 'spec.rules[0].subjects: Required value: subjects must contain at least one value'],
    ['nothing', { 'spec.rules[0].resourceRules': [] }, 'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty'],
    ['an unknown subject', { [`${subject}.kind`]: 'Robot' }, `${subject}.kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"`],
    ['another subject', { [`${subject}.group`]: { name: 'g' } }, `${subject}.group: Forbidden: group is forbidden when subject kind is not 'Group'`],
    ['no subject', { [subject]: { kind: 'Group' } }, `${subject}.group: Required value: group is required when subject kind is 'Group'`],
    ['an account of nowhere', { [subject]: { kind: 'ServiceAccount', serviceAccount: { name: '*' } } }, `${subject}.serviceAccount.namespace: Required value: must specify namespace for service account`],
    ['no verbs', { [`${rule}.verbs`]: [] }, `${rule}.verbs: Required value: verbs must contain at least one value`],
    ['all verbs and one', { [`${rule}.verbs`]: ['*', 'get'] }, `${rule}.verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`],
    ['no namespace', { [`${rule}.namespaces`]: [] }, `${rule}.namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace`],
    ['all namespaces and one', { [`${rule}.namespaces`]: ['*', 'a'] }, `${rule}.namespaces: Invalid value: ["*","a"]: if '*' is present, must not specify other namespaces`],
    ['a path with a star inside', { 'spec.rules[0].nonResourceRules': [{ verbs: ['get'], nonResourceURLs: ['/a/*/b'] }] }, 'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a/*/b": wildcard can only do suffix matching'],
    ['a path without slash', { 'spec.rules[0].nonResourceRules': [{ verbs: ['get'], nonResourceURLs: ['a'] }] }, 'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "a": must start with slash'],
  ])
})

t.test('priority levels', (t) => {
  const queuing = 'spec.limited.limitResponse.queuing'
  return checkRefusals(t, LEVEL, [
    ['no type', { 'spec.type': '' }, 'spec.type: Required value'],
    ['an unknown type', { 'spec.type': 'Some' }, 'spec.type: Unsupported value: "Some": supported values: "Exempt", "Limited"'],
    ['exempt by another name', { spec: { type: 'Exempt' } }, "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
    ['no limits', { 'spec.limited': undefined }, 'spec.limited: Required value: must not be empty when type is Limited'],
    ['exempt too', { 'spec.exempt': {} }, 'spec.exempt: Forbidden: must be nil if the type is Limited'],
    ['negative shares', { 'spec.limited.nominalConcurrencyShares': -1 }, 'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer'],
    ['lending more than all', { 'spec.limited.lendablePercent': 101 }, 'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive'],
    ['no answer to the limit', { 'spec.limited.limitResponse.type': '' }, 'spec.limited.limitResponse.type: Required value'],
    ['rejects and queues', { 'spec.limited.limitResponse.type': 'Reject' }, `${queuing}: Forbidden: must be nil if limited.limitResponse.type is not Limited`],
    ['a hand larger than the deck', { [`${queuing}.handSize`]: 17 }, `${queuing}.handSize: Invalid value: 17: should not be greater than queues (16)`],
    ['too much entropy', { [`${queuing}.handSize`]: 16, [`${queuing}.queues`]: 512 }, `${queuing}.handSize: Invalid value: 16: required entropy bits of deckSize 512 and handSize 16 should not be greater than 60`],
  ])
})

t.test('those that every server needs stay as they are', (t) => {
  const rule =
    '{"Subjects":[{"Kind":"User","User":{"Name":"u"},"Group":null,"ServiceAccount":null}],"ResourceRules":[{"Verbs":["get"],"APIGroups":[""],"Resources":["pods"],"ClusterScope":false,"Namespaces":["ns"]}],"NonResourceRules":null}'
  const spec = `{"PriorityLevelConfiguration":{"Name":"l"},"MatchingPrecedence":5,"DistinguisherMethod":{"Type":"ByUser"},"Rules":[${rule}]}`
  return checkRefusals(t, SCHEMA, [['catch-all', { 'metadata.name': 'catch-all' }, `spec: Invalid value: ${spec}: spec of 'catch-all' must equal the fixed value`]])
})

t.test('what is filled in', async (t) => {
  t.match(await stored(t, { ...SCHEMA, spec: { ...SCHEMA.spec, matchingPrecedence: 0 } }), { spec: { matchingPrecedence: 1000 }, metadata: { generation: 1 } })
  t.match((await stored(t, LEVEL)).spec, { limited: { nominalConcurrencyShares: 30, lendablePercent: 0, limitResponse: { queuing: { queues: 16, handSize: 4, queueLengthLimit: 50 } } } })
})

t.test('conditions come once', (t) =>
  checkUpdateRefusals(t, SCHEMA, [['twice', { 'status.conditions': [{ type: 'Dangling' }, { type: 'Dangling' }] }, 'status.conditions[1].type: Duplicate value: "Dangling"']], { subresource: 'status' }))
