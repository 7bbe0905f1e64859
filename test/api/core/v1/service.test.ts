import t from 'tap'
import type { Service } from '../../../../schemas/types.ts'
import { startApi, type TestApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, type Refusal } from '../../../helpers/refusals.ts'

const PORT = { port: 80 }
const DEFAULTED = { protocol: 'TCP', port: 80, targetPort: 80 }
const service = (spec: Service['spec'], name = 'a') => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'ns' }, spec })
const PLAIN = service({ ports: [PORT] })

async function services(api: TestApi) {
  const read = (object: object): Service => object as Service
  return {
    create: async (spec: Service['spec'], name = 'a') => read(await api.create(service(spec, name))),
    update: async (object: Service, change: (spec: Service['spec']) => void) => read(await api.update(object, (copy) => change(read(copy).spec))),
    remove: (name = 'a') => api.client().delete('v1/Service', { namespace: 'ns', name }),
    why: (spec: Service['spec'], name = 'b') => api.refused(service(spec, name)),
    wrong: async (write: Promise<unknown>) => write.then(() => '', (error: Error) => error.message),
  }
}

t.test('what is filled in', async (t) => {
  const { create } = await services(await startApi(t))
  const common = { ports: [DEFAULTED], sessionAffinity: 'None', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', internalTrafficPolicy: 'Cluster' }
  const plain = (await create({ ports: [PORT] }, 'plain')).spec
  t.match(plain.clusterIP ?? '', /^10\.96\.\d+\.\d+$/)
  t.same(plain, { ...common, clusterIP: plain.clusterIP, clusterIPs: [plain.clusterIP], type: 'ClusterIP' })
  t.same((await create({ clusterIP: 'None', selector: { a: 'b' }, ports: [PORT] }, 'headless')).spec, { ...common, clusterIP: 'None', clusterIPs: ['None'], type: 'ClusterIP', selector: { a: 'b' } })
  t.match((await create({ clusterIP: 'None' }, 'selectorless')).spec, { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }, 'who has no pods may have addresses of any family')
  t.same((await create({ type: 'ExternalName', externalName: 'x.example.com' }, 'external')).spec, { type: 'ExternalName', externalName: 'x.example.com', sessionAffinity: 'None' })
  t.match((await create({ ports: [PORT], sessionAffinity: 'ClientIP' }, 'sticky')).spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } })
  const balanced = (await create({ type: 'LoadBalancer', ports: [{ ...PORT, targetPort: 'http', protocol: 'UDP' }], externalTrafficPolicy: 'Local' }, 'balanced')).spec
  t.match(balanced, { allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Local', ports: [{ targetPort: 'http', protocol: 'UDP' }] })
  const [nodePort, health] = [balanced.ports?.[0]?.nodePort ?? 0, balanced.healthCheckNodePort ?? 0]
  t.ok(nodePort >= 30086 && nodePort <= 32767 && health >= 30086 && health <= 32767 && health !== nodePort, `ports of nodes: ${nodePort}, ${health}`)
  t.equal((await create({ type: 'LoadBalancer', ports: [PORT], allocateLoadBalancerNodePorts: false }, 'direct')).spec.ports?.[0]?.nodePort, undefined)
})

t.test('what is refused', (t) => {
  const port = 'spec.ports[0]'
  const cases: Refusal[] = [
    ['an upper-case name', { 'metadata.name': 'A' }, "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"],
    ['no ports', { 'spec.ports': undefined }, 'spec.ports: Required value'],
    ['a port that is none', { [`${port}.port`]: 65536, [`${port}.targetPort`]: 1 }, `${port}.port: Invalid value: 65536: must be between 1 and 65535, inclusive`],
    ['a strange protocol', { [`${port}.protocol`]: 'ICMP' }, `${port}.protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`],
    ['ports without names', { 'spec.ports': [{ port: 1 }, { port: 2 }] }, `${port}.name: Required value`, 'spec.ports[1].name: Required value'],
    ['one name for two', { 'spec.ports': [{ name: 'a', port: 1 }, { name: 'a', port: 2 }] }, 'spec.ports[1].name: Duplicate value: "a"'],
    ['one port twice', { 'spec.ports': [{ name: 'a', port: 1 }, { name: 'b', port: 1 }] }, 'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":1,"TargetPort":0,"NodePort":0}'],
    ['a target that is no name', { [`${port}.targetPort`]: 'No Name' }, `${port}.targetPort: Invalid value: "No Name": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`],
    ['a node port inside', { [`${port}.nodePort`]: 30000 }, `${port}.nodePort: Forbidden: may not be used when \`type\` is 'ClusterIP'`],
    ['an unknown type', { 'spec.type': 'Some' }, 'spec.type: Unsupported value: "Some": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ['no external name', { 'spec.type': 'ExternalName' }, 'spec.externalName: Required value'],
    ['affinity of some kind', { 'spec.sessionAffinity': 'Some' }, 'spec.sessionAffinity: Unsupported value: "Some": supported values: "ClientIP", "None"'],
    ['affinity for more than a day', { 'spec.sessionAffinity': 'ClientIP', 'spec.sessionAffinityConfig.clientIP.timeoutSeconds': 86401 }, 'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400'],
    ['an address of nothing', { 'spec.clusterIP': 'x' }, 'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['an address from elsewhere', { 'spec.clusterIP': '1.2.3.4' }, 'spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not in the valid range. The range of valid IPs is 10.96.0.0/16'],
    ['two families', { 'spec.ipFamilyPolicy': 'RequireDualStack' }, 'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
    ['the other family', { 'spec.ipFamilies': ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    ['outside policy inside', { 'spec.externalTrafficPolicy': 'Local' }, 'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ['health inside', { 'spec.healthCheckNodePort': 30000 }, "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"],
    ['a strange way through', { 'spec.internalTrafficPolicy': 'Near' }, 'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
    ['a class without balancer', { 'spec.loadBalancerClass': 'x.example/y' }, "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"],
    ['an outside address of the host', { 'spec.externalIPs': ['127.0.0.1'] }, 'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ['a bad selector', { 'spec.selector': { 'a b': 'c' } }, "spec.selector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"],
  ]
  return checkRefusals(t, PLAIN, cases)
})

t.test('what may not change', (t) =>
  checkUpdateRefusals(t, service({ clusterIP: '10.96.0.10', ports: [PORT] }), [
    ['the address', { 'spec.clusterIP': '10.96.0.11', 'spec.clusterIPs': ['10.96.0.11'] }, 'spec.clusterIPs[0]: Invalid value: ["10.96.0.11"]: may not change once set'],
    ['the family', { 'spec.ipFamilies': ['IPv6'] }, 'spec.clusterIPs[0]: Invalid value: "10.96.0.10": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  ]))

t.test('addresses and ports belong to one Service', async (t) => {
  const { create, update, remove, wrong, why } = await services(await startApi(t))
  const spec = { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: 30001 }] }
  const first = await create(spec)
  t.equal(await wrong(create({ ...spec, ports: [PORT] }, 'b')), 'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated')
  t.equal(await wrong(create({ ...spec, clusterIP: '10.96.0.11' }, 'b')), 'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated')
  t.equal((await create({ clusterIP: '10.96.0.11', ports: [PORT] }, 'b')).spec.clusterIP, '10.96.0.11', 'what a refused one had taken already is given back')
  t.same(await why({ type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] }, 'c'), [], 'a dry run does not look at the range')
  t.equal(await wrong(create({ type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] }, 'c')), 'Service "c" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767')

  const moved = await update(first, (s) => void (s.ports = [{ port: 80, nodePort: 30002 }]))
  t.equal((await create({ type: 'NodePort', ports: [{ port: 1, nodePort: 30001 }] }, 'c')).spec.ports?.[0]?.nodePort, 30001, 'a port that was let go')
  t.equal((await update(moved, (s) => void (s.ports = [PORT]))).spec.ports?.[0]?.nodePort, 30002, 'one that is left out is kept')
  await remove()
  t.match((await create({ type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: 30002 }] }, 'd')).spec, { clusterIP: '10.96.0.10', ports: [{ nodePort: 30002 }] })
})

t.test('a change of type takes and gives back', async (t) => {
  const { create, update } = await services(await startApi(t))
  const plain = await create({ clusterIP: '10.96.0.10', ports: [PORT] })
  const external = await update(plain, (s) => void Object.assign(s, { type: 'ExternalName', externalName: 'x.example.com' }))
  t.same(external.spec, { type: 'ExternalName', externalName: 'x.example.com', sessionAffinity: 'None', ports: [DEFAULTED] })
  t.equal((await create({ clusterIP: '10.96.0.10', ports: [PORT] }, 'b')).spec.clusterIP, '10.96.0.10')
  const back = await update(external, (s) => void Object.assign(s, { type: 'LoadBalancer', externalName: undefined, externalTrafficPolicy: 'Local', allocateLoadBalancerNodePorts: true }))
  t.match(back.spec.clusterIP ?? '', /^10\.96\./)
  t.ok(back.spec.ports?.[0]?.nodePort && back.spec.healthCheckNodePort)
  const inside = await update(back, (s) => void (s.type = 'ClusterIP'))
  t.match(inside.spec, { clusterIP: back.spec.clusterIP, type: 'ClusterIP' })
  for (const member of ['allocateLoadBalancerNodePorts', 'externalTrafficPolicy', 'healthCheckNodePort'] as const) t.equal(inside.spec[member], undefined, member)
  t.same(inside.spec.ports, [DEFAULTED])
})

t.test('a dry run shows addresses that are not taken', async (t) => {
  const { client } = await startApi(t)
  const dry = (): Promise<object> => client().create(service({ type: 'NodePort', ports: [{ name: 'a', port: 1 }, { name: 'b', port: 2 }] }), { dryRun: true })
  for (const answer of [await dry(), await dry()]) t.match(answer, { spec: { clusterIP: '10.96.0.0', ports: [{ nodePort: 32769 }, { nodePort: 32770 }] } })
})

t.test('a load balancer reports where it listens', async (t) => {
  const api = await startApi(t)
  const { create } = await services(api)
  const made = await create({ type: 'LoadBalancer', ports: [PORT] })
  const report = (ingress: object[]) => api.refusedUpdate(made, (copy) => void (copy['status'] = { loadBalancer: { ingress } }), { subresource: 'status' })
  t.same(await report([{ ip: '192.0.2.1' }]), [])
  t.same(await report([{ ip: 'x' }]), ['status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
  t.same(await report([{ hostname: '192.0.2.1' }]), ['status.loadBalancer.ingress[0].hostname: Invalid value: "192.0.2.1": must be a DNS name, not an IP address'])
  t.match(await api.update(made, (copy) => void (copy['status'] = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } }), { subresource: 'status' }), { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } } })
})

t.test('Endpoints go with their Service', async (t) => {
  const api = await startApi(t)
  const { create, remove } = await services(api)
  await create({ ports: [PORT] })
  await api.create({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'a', namespace: 'ns' } })
  await remove()
  t.same(await api.client().list('v1/Endpoints'), [])
})
