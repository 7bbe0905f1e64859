import t from 'tap'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const SERVICE = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: 'v1.x.io' }, spec: { group: 'x.io', version: 'v1', groupPriorityMinimum: 10, versionPriority: 5, service: { namespace: 'a', name: 'b' }, insecureSkipTLSVerify: true } }

t.test('what is refused', (t) =>
  checkRefusals(t, SERVICE, [
    ['another name', { 'metadata.name': 'v1.y.io' }, 'metadata.name: Invalid value: "v1.y.io": must be `spec.version+"."+spec.group`: "v1.x.io"'],
    ['no group', { 'metadata.name': 'v2.', 'spec.group': '', 'spec.version': 'v2' }, 'spec.group: Required value: only v1 may have an empty group and it better be legacy kube'],
    ['no priority', { 'spec.groupPriorityMinimum': 0 }, 'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000'],
    ['too high a priority', { 'spec.versionPriority': 1001 }, 'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000'],
    ['trust without service', { 'spec.service': undefined }, 'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify'],
    ['authority without service', { 'spec.service': undefined, 'spec.insecureSkipTLSVerify': false, 'spec.caBundle': 'QUJD' }, 'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle'],
    ['a service of nowhere', { 'spec.service.namespace': '' }, 'spec.service.namespace: Required value'],
    ['a port out of range', { 'spec.service.port': 70000 }, 'spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive'],
    ['two sorts of trust', { 'spec.caBundle': 'QUJD' }, 'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present'],
  ]))

t.test('the status', (t) => checkUpdateRefusals(t, SERVICE, [['an unknown one', { 'status.conditions': [{ type: 'Available', status: 'Maybe' }] }, 'status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"']], { subresource: 'status' }))

t.test('what is filled in', async (t) => {
  t.match((await stored(t, SERVICE)).spec, { service: { port: 443 } })
  t.match((await stored(t, { ...SERVICE, spec: { group: 'x.io', version: 'v1', groupPriorityMinimum: 10, versionPriority: 5 } })).status, { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] }, 'local ones are available at once')
})
