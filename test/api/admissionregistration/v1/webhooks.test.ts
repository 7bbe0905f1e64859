import t from 'tap'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const RULE = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] }
const HOOK = { name: 'hook.example.com', clientConfig: { url: 'https://hook.example.com/x' }, sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [RULE] }
const VALIDATING = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', webhooks: [HOOK] }
const MUTATING = { ...VALIDATING, kind: 'MutatingWebhookConfiguration' }
const HOST = '; desired format: https://host[/path]'

t.test('what is refused', (t) =>
  checkRefusals(t, VALIDATING, [
    ['no name', { 'webhooks[0].name': '' }, 'webhooks[0].name: Required value'],
    ['a short name', { 'webhooks[0].name': 'hook' }, 'webhooks[0].name: Invalid value: "hook": should be a domain with at least three segments separated by dots'],
    ['the same name twice', { 'webhooks[1]': HOOK }, 'webhooks[1].name: Duplicate value: "hook.example.com"'],
    ['no operation', { 'webhooks[0].rules[0].operations': [] }, 'webhooks[0].rules[0].operations: Required value'],
    ['all operations and one', { 'webhooks[0].rules[0].operations': ['*', 'CREATE'] }, 'webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other operations'],
    ['an unknown operation', { 'webhooks[0].rules[0].operations': ['READ'] }, 'webhooks[0].rules[0].operations[0]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"'],
    ['all groups and one', { 'webhooks[0].rules[0].apiGroups': ['*', 'a'] }, 'webhooks[0].rules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other API groups'],
    ['an empty version', { 'webhooks[0].rules[0].apiVersions': [''] }, 'webhooks[0].rules[0].apiVersions[0]: Required value'],
    ['all resources and one', { 'webhooks[0].rules[0].resources': ['*', 'pods'] }, 'webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without subresources'],
    ['all subresources and one', { 'webhooks[0].rules[0].resources': ['pods/*', 'pods/log'] }, "webhooks[0].rules[0].resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log"],
    ['a subresource of all and of one', { 'webhooks[0].rules[0].resources': ['*/scale', 'a/scale'] }, "webhooks[0].rules[0].resources[1]: Invalid value: \"a/scale\": if '*/scale' is present, must not specify a/scale"],
    ['all with subresources and one', { 'webhooks[0].rules[0].resources': ['*/*', 'a'] }, "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"a\"]: if '*/*' is present, must not specify other resources"],
    ['an unknown scope', { 'webhooks[0].rules[0].scope': 'Some' }, 'webhooks[0].rules[0].scope: Unsupported value: "Some": supported values: "*", "Cluster", "Namespaced"'],
    ['an unknown failure policy', { 'webhooks[0].failurePolicy': 'Panic' }, 'webhooks[0].failurePolicy: Unsupported value: "Panic": supported values: "Fail", "Ignore"'],
    ['an unknown match policy', { 'webhooks[0].matchPolicy': 'Near' }, 'webhooks[0].matchPolicy: Unsupported value: "Near": supported values: "Equivalent", "Exact"'],
    ['side effects', { 'webhooks[0].sideEffects': 'Some' }, 'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ['side effects not told', { 'webhooks[0].sideEffects': undefined }, 'webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun'],
    ['too long a timeout', { 'webhooks[0].timeoutSeconds': 31 }, 'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
    ['no review version', { 'webhooks[0].admissionReviewVersions': [] }, 'webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1'],
    ['unknown review versions', { 'webhooks[0].admissionReviewVersions': ['v2', 'v2'] }, 'webhooks[0].admissionReviewVersions[1]: Invalid value: "v2": duplicate version', 'webhooks[0].admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1'],
    ['nowhere to call', { 'webhooks[0].clientConfig': {} }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
    ['two places to call', { 'webhooks[0].clientConfig.service': { namespace: 'a', name: 'b' } }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
    ['plain HTTP', { 'webhooks[0].clientConfig.url': 'http://x' }, `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme${HOST}`],
    ['no host', { 'webhooks[0].clientConfig.url': 'https:///x' }, `webhooks[0].clientConfig.url: Invalid value: "": host must be specified${HOST}`],
    ['a query', { 'webhooks[0].clientConfig.url': 'https://x/?a=b' }, 'webhooks[0].clientConfig.url: Invalid value: "a=b": query parameters are not permitted in the URL'],
    ['a fragment', { 'webhooks[0].clientConfig.url': 'https://x/#f' }, 'webhooks[0].clientConfig.url: Invalid value: "f": fragments are not permitted in the URL'],
    ['a port out of range', { 'webhooks[0].clientConfig': { service: { namespace: 'a', name: 'b', port: 70000 } } }, 'webhooks[0].clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
    ['a path without slash', { 'webhooks[0].clientConfig': { service: { namespace: 'a', name: 'b', path: 'x//y' } } }, 'webhooks[0].clientConfig.service.path: Invalid value: "x//y": must start with a \'/\'', 'webhooks[0].clientConfig.service.path: Invalid value: "x//y": segment[0] may not be empty', 'webhooks[0].clientConfig.service.path: Invalid value: "x//y": segment[1] may not be empty'],
    ['a condition without a name', { 'webhooks[0].matchConditions': [{ expression: 'true' }] }, 'webhooks[0].matchConditions[0].name: Required value'],
    ['a condition twice', { 'webhooks[0].matchConditions': [{ name: 'a', expression: 'true' }, { name: 'a', expression: 'true' }] }, 'webhooks[0].matchConditions[1].name: Duplicate value: "a"'],
  ]))

t.test('reinvocation is for mutating ones', (t) =>
  checkRefusals(t, MUTATING, [['an unknown policy', { 'webhooks[0].reinvocationPolicy': 'Often' }, 'webhooks[0].reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"']]))

t.test('what is filled in', async (t) => {
  const common = { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10, rules: [{ ...RULE, scope: '*' }] }
  t.same((await stored(t, VALIDATING)).webhooks, [{ ...HOOK, ...common }])
  const service = { ...HOOK, clientConfig: { service: { namespace: 'a', name: 'b' } } }
  t.same((await stored(t, { ...MUTATING, webhooks: [service] })).webhooks, [{ ...service, ...common, reinvocationPolicy: 'Never', clientConfig: { service: { namespace: 'a', name: 'b', port: 443 } } }])
})

t.test('generation rises with the webhooks', async (t) => {
  await checkUpdateRefusals(t, VALIDATING, [['a new one is checked', { 'webhooks[1]': { ...HOOK, name: 'b' } }, 'webhooks[1].name: Invalid value: "b": should be a domain with at least three segments separated by dots']])
})
