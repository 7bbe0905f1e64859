import t from 'tap'
import ingresses from '../../../../api/networking/v1/ingress.ts'
import ingressClasses from '../../../../api/networking/v1/ingressclass.ts'
import addresses from '../../../../api/networking/v1/ipaddress.ts'
import policies from '../../../../api/networking/v1/networkpolicy.ts'
import type { Ingress } from '../../../../schemas/types.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, checkUpdateRefusals, stored } from '../../../helpers/refusals.ts'

const API = 'networking.k8s.io/v1'
const metadata = { name: 'a', namespace: 'ns' }
const BACKEND = { service: { name: 'web', port: { number: 80 } } }
const INGRESS = { apiVersion: API, kind: 'Ingress', metadata, spec: { rules: [{ host: 'x.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: BACKEND }] } }] } }
const CLASS = { apiVersion: API, kind: 'IngressClass', spec: { controller: 'x.example/c' } }
const POLICY = { apiVersion: API, kind: 'NetworkPolicy', metadata, spec: { podSelector: {} } }
const ADDRESS = { apiVersion: API, kind: 'IPAddress', metadata: { name: '10.1.2.3' }, spec: { parentRef: { resource: 'services', namespace: 'ns', name: 's' } } }
const CIDR = { apiVersion: API, kind: 'ServiceCIDR', spec: { cidrs: ['10.1.0.0/16'] } }
const SUBDOMAIN = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

t.test('ingresses', async (t) => {
  const rule = 'spec.rules[0]'
  const path = `${rule}.http.paths[0]`
  await checkRefusals(t, INGRESS, [
    ['nothing', { spec: {} }, 'spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
    ['no rules', { spec: { rules: [] } }, 'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified'],
    ['only a default', { spec: { defaultBackend: BACKEND } }],
    ['an address for a host', { [`${rule}.host`]: '10.1.2.3' }, `${rule}.host: Invalid value: "10.1.2.3": must be a DNS name, not an IP address`],
    ['a host in capitals', { [`${rule}.host`]: 'X' }, `${rule}.host: Invalid value: "X": ${SUBDOMAIN}`],
    ['any host', { [`${rule}.host`]: '*.example.com' }],
    ['no paths', { [`${rule}.http.paths`]: [] }, `${rule}.http.paths: Required value`],
    ['no type', { [`${path}.pathType`]: undefined }, `${path}.pathType: Required value: pathType must be specified`],
    ['an unknown type', { [`${path}.pathType`]: 'Some' }, `${path}.pathType: Unsupported value: "Some": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ['a path from nowhere', { [`${path}.path`]: 'a' }, `${path}.path: Invalid value: "a": must be an absolute path`],
    ['a way up', { [`${path}.path`]: '/a/../b' }, `${path}.path: Invalid value: "/a/../b": must not contain '/../'`],
    ['an end up', { [`${path}.path`]: '/a/..' }, `${path}.path: Invalid value: "/a/..": cannot end with '/..'`],
    ['nobody behind', { [`${path}.backend`]: {} }, `${path}.backend: Invalid value: "": resource or service backend is required`],
    ['two behind', { [`${path}.backend.resource`]: { kind: 'K', name: 'n' } }, `${path}.backend: Invalid value: "": cannot set both resource and service backends`],
    ['no port', { [`${path}.backend.service.port`]: {} }, `${path}.backend: Required value: port name or number is required`],
    ['two ports', { [`${path}.backend.service.port.name`]: 'http' }, `${path}.backend: Invalid value: "": cannot set both port name & port number`],
    ['secrets of no name', { 'spec.tls': [{ hosts: ['x'], secretName: '-' }] }, `spec.tls[0].secretName: Invalid value: "-": ${SUBDOMAIN}`],
    ['two classes', { 'metadata.annotations': { 'kubernetes.io/ingress.class': 'a' }, 'spec.ingressClassName': 'b' }, 'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'],
  ])
  await checkUpdateRefusals(t, INGRESS, [['an address that is none', { 'status.loadBalancer.ingress': [{ ip: 'x' }] }, 'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']], { subresource: 'status' })
  const hosts = (...list: string[]): unknown => cells(ingresses, { metadata, spec: { rules: list.map((host) => ({ host })) } } as Ingress)['Hosts']
  t.same([hosts(), hosts('a', 'b', 'c'), hosts('a', 'b', 'c', 'd', 'e')], ['*', 'a,b,c', 'a,b,c + 2 more...'])
  t.match(cells(ingresses, { metadata, spec: { ingressClassName: 'c', tls: [{}] }, status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { hostname: 'h' }, { ip: '1.1.1.1' }] } } }), { Class: 'c', Address: '1.1.1.1,2.2.2.2,h', Ports: '80, 443' })
})

t.test('the generation of an ingress follows its spec', async (t) => {
  const { create, update } = await startApi(t)
  const first = await create(INGRESS)
  const labelled = await update(first, (copy) => void (copy.metadata.labels = { a: 'b' }))
  const changed = await update(labelled, (copy) => void (copy['spec'] = { defaultBackend: BACKEND }))
  t.same([first, labelled, changed].map(({ metadata: { generation } }) => generation), [1, 1, 2])
})

t.test('the generation of a network policy counts lists that are said to be empty', async (t) => {
  const { create, update } = await startApi(t)
  const generations: unknown[] = []
  let policy = await create(POLICY)
  for (const spec of [{ podSelector: {}, ingress: [] }, { podSelector: {}, policyTypes: ['Ingress'] }, { podSelector: {}, ingress: [{ from: [] }] }, { podSelector: {}, ingress: [{}] }]) {
    policy = await update(policy, (copy) => void (copy['spec'] = spec))
    generations.push(policy.metadata.generation)
  }
  t.same(generations, [2, 2, 3, 3])
})

t.test('ingress classes', async (t) => {
  const ref = { kind: 'K', name: 'n' }
  await checkRefusals(t, CLASS, [
    ['no controller', { 'spec.controller': '' }, 'spec.controller: Required value'],
    ['a controller without domain', { 'spec.controller': 'c' }, 'spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")'],
    ['a namespace for all', { 'spec.parameters': { ...ref, namespace: 'ns' } }, "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ['no namespace', { 'spec.parameters': { ...ref, scope: 'Namespace' } }, "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ['an unknown scope', { 'spec.parameters': { ...ref, scope: 'Some' } }, 'spec.parameters.scope: Unsupported value: "Some": supported values: "Cluster", "Namespace"'],
    ['nothing meant', { 'spec.parameters': {} }, 'spec.parameters.kind: Required value', 'spec.parameters.name: Required value'],
  ])
  await checkUpdateRefusals(t, CLASS, [['another controller', { 'spec.controller': 'x.example/d' }, 'spec.controller: Invalid value: "x.example/d": field is immutable']])
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  t.match(cells(ingressClasses, { metadata: { name: 'a', annotations }, spec: { controller: 'c', parameters: { apiGroup: 'g', ...ref } } }), { Name: 'a (default)', Parameters: 'K.g/n' })
})

t.test('network policies', async (t) => {
  const peer = (from: object, ports: object[] = []) => ({ 'spec.ingress': [{ from: [from], ports }] })
  const at = 'spec.ingress[0]'
  await checkRefusals(t, POLICY, [
    ['nobody', peer({}), `${at}.from[0]: Required value: must specify a peer`],
    ['a block and pods', peer({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }), `${at}.from[0]: Forbidden: may not specify both ipBlock and another peer`],
    ['a block of nothing', peer({ ipBlock: { cidr: 'x' } }), `${at}.from[0].ipBlock.cidr: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`],
    ['an exception from elsewhere', peer({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }), `${at}.from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of \`cidr\``],
    ['an exception of all', peer({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8'] } }), `${at}.from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``],
    ['an end before the start', peer({ podSelector: {} }, [{ port: 80, endPort: 79 }]), `${at}.ports[0].endPort: Invalid value: 80: must be greater than or equal to \`port\``],
    ['an end without start', peer({ podSelector: {} }, [{ endPort: 79 }]), `${at}.ports[0].endPort: Invalid value: 79: may not be specified when \`port\` is not specified`],
    ['an end of a name', peer({ podSelector: {} }, [{ port: 'http', endPort: 79 }]), `${at}.ports[0].endPort: Invalid value: 79: may not be specified when \`port\` is non-numeric`],
    ['an unknown type', { 'spec.policyTypes': ['Some'] }, 'spec.policyTypes[0]: Unsupported value: "Some": supported values: "Ingress", "Egress"'],
    ['three types', { 'spec.policyTypes': ['Ingress', 'Egress', 'Ingress'] }, 'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes'],
  ])
  t.match((await stored(t, { ...POLICY, spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } })).spec, { policyTypes: ['Ingress', 'Egress'], egress: [{ ports: [{ protocol: 'TCP' }] }] })
  t.match((await stored(t, POLICY)).spec, { policyTypes: ['Ingress'] })
  t.match(cells(policies, { metadata, spec: { podSelector: { matchLabels: { b: 'c', a: 'x' } } } }), { 'Pod-Selector': 'a=x,b=c' })
})

t.test('addresses', async (t) => {
  await checkRefusals(t, ADDRESS, [
    ['no address', { 'metadata.name': 'x' }, 'metadata.name: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['an address with zeros', { 'metadata.name': '10.01.2.3' }, 'metadata.name: Invalid value: "10.01.2.3": must not have leading 0s'],
    ['one of the other family', { 'metadata.name': 'fd00::1' }],
    ['that in another form', { 'metadata.name': 'FD00::1' }, 'metadata.name: Invalid value: "FD00::1": must be in canonical form ("fd00::1")'],
    ['of nobody', { spec: {} }, 'spec.parentRef: Required value'],
    ['of something', { 'spec.parentRef': {} }, 'spec.parentRef.resource: Required value', 'spec.parentRef.name: Required value'],
  ])
  const moved = '{"Group":"","Resource":"services","Namespace":"ns","Name":"t"}'
  await checkUpdateRefusals(t, ADDRESS, [['another parent', { 'spec.parentRef.name': 't' }, `spec.parentRef: Invalid value: ${moved}: field is immutable`]])
  t.match(cells(addresses, ADDRESS), { Name: '10.1.2.3', ParentRef: 'services/ns/s' })
})

t.test('ranges of addresses', async (t) => {
  await checkRefusals(t, CIDR, [
    ['none', { spec: {} }, 'spec.cidrs: Required value: at least one CIDR required'],
    ['no range', { 'spec.cidrs[0]': 'x' }, 'spec.cidrs[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['three', { 'spec.cidrs': ['10.1.0.0/16', 'fd00::/64', '10.2.0.0/16'] }, 'spec.cidrs: Invalid value: {"CIDRs":["10.1.0.0/16","fd00::/64","10.2.0.0/16"]}: may only hold up to 2 values'],
    ['two of a family', { 'spec.cidrs[1]': '10.2.0.0/16' }, 'spec.cidrs: Invalid value: ["10.1.0.0/16","10.2.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'],
  ])
  await checkUpdateRefusals(t, CIDR, [
    ['another', { 'spec.cidrs[0]': '10.2.0.0/16' }, 'spec.cidrs[0]: Invalid value: "10.2.0.0/16": field is immutable'],
    ['one of the other family more', { 'spec.cidrs[1]': 'fd00::/64' }],
    ['none', { 'spec.cidrs': [] }, 'spec.cidrs: Invalid value: []: field is immutable'],
    ['nothing said', { 'spec.cidrs': undefined }, 'spec.cidrs: Invalid value: null: field is immutable'],
  ])
})
