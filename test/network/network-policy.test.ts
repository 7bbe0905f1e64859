import t from 'tap'
import type { Namespace, NetworkPolicy, NetworkPolicySpec, Pod } from '../../schemas/types.ts'
import { isAllowed, type PolicyEnd } from '../../src/network/network-policy.ts'

function pod(name: string, namespace: string, ports: { name: string; containerPort: number }[] = []): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid: name, labels: { app: name } }, spec: { containers: [{ name: 'c', ports }] } }
}

const web: PolicyEnd = { ip: '10.244.0.2', pod: pod('web', 'shop', [{ name: 'http', containerPort: 8080 }]) }
const client: PolicyEnd = { ip: '10.244.0.3', pod: pod('client', 'shop') }
const stranger: PolicyEnd = { ip: '10.244.1.4', pod: pod('stranger', 'other') }
const outside: PolicyEnd = { ip: '203.0.113.9' }

function allowed(specs: NetworkPolicySpec[], { from = client, to = web, port = 8080, protocol = 'TCP' as const, namespace = 'shop' } = {}): boolean {
  const policies = specs.map((spec): NetworkPolicy => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p', namespace }, spec }))
  const namespaceOf = (name: string): Namespace => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { 'kubernetes.io/metadata.name': name } }, spec: {} })
  return isAllowed({ from, to, port, protocol }, { policies: (name) => (name === namespace ? policies : []), namespace: namespaceOf })
}

const selectsWeb = { podSelector: { matchLabels: { app: 'web' } } }
const fromClient = { from: [{ podSelector: { matchLabels: { app: 'client' } } }] }

t.test('ingress', async (t) => {
  t.equal(allowed([]), true, 'without policies')
  t.equal(allowed([{ podSelector: {} }]), false, 'the default of a policy without rules')
  t.equal(allowed([{ podSelector: { matchLabels: { app: 'x' } } }]), true, 'policies of other pods')
  t.equal(allowed([{ podSelector: {}, policyTypes: ['Egress'], egress: [{}] }]), true, 'policies of the other direction')
  t.equal(allowed([{ podSelector: {} }, { ...selectsWeb, ingress: [fromClient] }]), true, 'any policy that allows')
  t.equal(allowed([{ ...selectsWeb, ingress: [{}] }], { from: outside }), true, 'an empty rule lets all')
  t.equal(allowed([{ ...selectsWeb, ingress: [fromClient] }], { from: stranger }), false)
  t.equal(allowed([{ podSelector: {} }], { from: web }), true, 'a pod reaches itself')
})

t.test('peers', async (t) => {
  const only = (peer: object) => [{ ...selectsWeb, ingress: [{ from: [peer] }] }]
  t.equal(allowed(only({ podSelector: {} }), { from: stranger }), false, 'pods of the policy’s own namespace')
  t.equal(allowed(only({ namespaceSelector: {} }), { from: stranger }), true)
  t.equal(allowed(only({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } }, podSelector: { matchLabels: { app: 'stranger' } } }), { from: stranger }), true)
  t.equal(allowed(only({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'client' } } }), { from: stranger }), false, 'both must match')
  t.equal(allowed(only({ ipBlock: { cidr: '203.0.113.0/24' } }), { from: outside }), true)
  t.equal(allowed(only({ ipBlock: { cidr: '203.0.113.0/24', except: ['203.0.113.8/29'] } }), { from: outside }), false)
  t.equal(allowed(only({ namespaceSelector: {} }), { from: outside }), false, 'what is no pod matches no selector')
})

t.test('ports', async (t) => {
  const only = (port: object) => [{ ...selectsWeb, ingress: [{ ports: [port] }] }]
  t.equal(allowed(only({ port: 8080 })), true)
  t.equal(allowed(only({ port: 80 })), false)
  t.equal(allowed(only({ port: 8080, protocol: 'UDP' })), false)
  t.equal(allowed(only({ port: 8000, endPort: 9000 })), true)
  t.equal(allowed(only({ port: 'http' })), true)
  t.equal(allowed(only({ port: 'metrics' })), false)
  t.equal(allowed(only({ protocol: 'TCP' })), true)
})

t.test('egress', async (t) => {
  const from = (egress: object[]) => [{ podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'], egress }]
  t.equal(allowed(from([])), false)
  t.equal(allowed(from([{ to: [{ podSelector: { matchLabels: { app: 'web' } } }] }])), true)
  t.equal(allowed(from([{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }])), false)
  t.equal(allowed(from([{ ports: [{ port: 'http' }] }])), true, 'named ports are those of the pod that is reached')
})
