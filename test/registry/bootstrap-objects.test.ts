import t from 'tap'
import { ensureBootstrapObjects } from '../../src/client/bootstrap.ts'
import { bootstrapObjects, type BootstrapOptions } from '../../src/registry/bootstrap-objects.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { startApi } from '../helpers/in-process-api.ts'

const options: BootstrapOptions = {
  now: Date.UTC(2026, 4, 3, 10),
  serviceCIDRs: ['10.7.0.0/16'],
  port: 6443,
  clientCA: 'PEM',
  groupVersions: [
    { group: '', version: 'v1' },
    { group: 'autoscaling', version: 'v1' },
    { group: 'autoscaling', version: 'v2' },
    { group: 'apiregistration.k8s.io', version: 'v1' },
    { group: 'x.example.com', version: 'v1' },
  ],
}
const TIME = '2026-05-03T10:00:00Z'
const named = (objects: KubeObject[], kind: string) => objects.filter((o) => o.kind === kind).map((o) => o.metadata.name)
const one = (objects: KubeObject[], kind: string, name: string) => objects.find((o) => o.kind === kind && o.metadata.name === name)

t.test('what there is', (t) => {
  const objects = bootstrapObjects(options)
  t.same(named(objects, 'Namespace'), ['kube-system', 'kube-public', 'kube-node-lease', 'default'])
  t.same(named(objects, 'PriorityClass'), ['system-node-critical', 'system-cluster-critical'])
  t.same(named(objects, 'PriorityLevelConfiguration').sort(), ['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low'])
  t.equal(named(objects, 'FlowSchema').length, 11)
  t.same(named(objects, 'APIService'), ['v1.', 'v1.autoscaling', 'v2.autoscaling'], 'only built-in groups')
  t.match(one(objects, 'APIService', 'v2.autoscaling'), { spec: { group: 'autoscaling', version: 'v2', groupPriorityMinimum: 17500, versionPriority: 30 }, status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local', lastTransitionTime: TIME }] } })
  t.notOk('group' in (one(objects, 'APIService', 'v1.') as KubeObject & { spec: object }).spec)
  t.match(one(objects, 'FlowSchema', 'probes'), {
    metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } },
    status: { conditions: [{ type: 'Dangling', status: 'False', reason: 'Found', message: 'This FlowSchema references the PriorityLevelConfiguration object named "exempt" and it exists' }] },
  })
  t.match(one(objects, 'ServiceCIDR', 'kubernetes'), { spec: { cidrs: ['10.7.0.0/16'] }, status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: TIME }] } })
  t.match(one(objects, 'Service', 'kubernetes'), { spec: { clusterIP: '10.7.0.1', ports: [{ port: 443, targetPort: 6443 }] } })
  t.match(one(objects, 'ConfigMap', 'kube-apiserver-legacy-service-account-token-tracking'), { data: { since: '2026-05-03' } })
  t.same(named(objects, 'Endpoints'), [], 'none for a loopback address')
  t.end()
})

t.test('what options change', (t) => {
  const objects = bootstrapObjects({ ...options, serviceCIDRs: ['fd00:1::/108', '10.7.0.0/16'], advertiseAddress: 'fd00::5', frontProxy: { ca: 'PROXY', allowedNames: ['proxy'], usernameHeaders: ['X-Remote-User'], groupHeaders: ['X-Remote-Group'], extraHeaderPrefixes: ['X-Remote-Extra-'] } })
  t.match(one(objects, 'Service', 'kubernetes'), { spec: { clusterIP: 'fd00:1::1' } })
  t.match(one(objects, 'Endpoints', 'kubernetes'), { metadata: { namespace: 'default' }, subsets: [{ addresses: [{ ip: 'fd00::5' }], ports: [{ name: 'https', port: 6443 }] }] })
  t.match(one(objects, 'EndpointSlice', 'kubernetes'), { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::5'] }] })
  t.same((one(objects, 'ConfigMap', 'extension-apiserver-authentication') as KubeObject & { data: object }).data, {
    'client-ca-file': 'PEM',
    'requestheader-allowed-names': '["proxy"]',
    'requestheader-client-ca-file': 'PROXY',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  })
  t.throws(() => bootstrapObjects({ ...options, serviceCIDRs: ['10.7.0.0'] }), /not an address range/)
  t.end()
})

t.test('all are valid, and made once', async (t) => {
  const { api, client } = await startApi(t)
  const full = { ...options, serviceCIDRs: ['10.96.0.0/16'], advertiseAddress: '192.0.2.1', groupVersions: api.scheme.all() }
  await ensureBootstrapObjects(client(), full)
  const expected = bootstrapObjects(full)
  for (const object of expected) {
    const { namespace = '', name = '' } = object.metadata
    const stored = await client().get<KubeObject & { status?: object }>(`${object.apiVersion}/${object.kind}`, { namespace, name })
    if ('status' in object) t.same(stored.status, object.status, `${object.kind} ${name}`)
  }
  const { revision } = api.store
  await ensureBootstrapObjects(client(), full)
  t.equal(api.store.revision, revision, 'the second time writes nothing')

  await client().delete('v1/ConfigMap', { namespace: 'kube-system', name: 'extension-apiserver-authentication' })
  await ensureBootstrapObjects(client(), full)
  t.ok(await client().get('v1/ConfigMap', { namespace: 'kube-system', name: 'extension-apiserver-authentication' }), 'what is missing is made again')
})
