/** networking.k8s.io/v1 NetworkPolicy. Models k8s.io/kubernetes/pkg/registry/networking/networkpolicy and ValidateNetworkPolicy. */
import { parseCIDR, prefixContains } from '../../../src/apimachinery/ip-address.ts'
import { formatLabelSelector } from '../../../src/apimachinery/labels.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { isValidCIDRForLegacyField, warningsForCIDR } from '../../../src/apimachinery/validation-ip.ts'
import { isValidPortName, isValidPortNum } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { invalids } from '../../_field-errors.ts'

const PROTOCOLS = ['TCP', 'UDP', 'SCTP']
const POLICY_TYPES = ['Ingress', 'Egress']

interface Options {
  allowInvalidLabelValueInSelector: boolean
  oldCIDRs: readonly string[]
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: string): FieldError[] {
  const errors: FieldError[] = []
  const end = `${path}.endPort`
  if (protocol !== undefined && !PROTOCOLS.includes(protocol)) errors.push(field.notSupported(`${path}.protocol`, protocol, PROTOCOLS))
  if (port === undefined) {
    if (endPort !== undefined) errors.push(field.invalid(end, endPort, 'may not be specified when `port` is not specified'))
  } else if (typeof port === 'string') {
    if (endPort !== undefined) errors.push(field.invalid(end, endPort, 'may not be specified when `port` is non-numeric'))
    errors.push(...invalids(`${path}.port`, port, isValidPortName(port)))
  } else {
    errors.push(...invalids(`${path}.port`, port, isValidPortNum(port)))
    if (endPort !== undefined && endPort < port) errors.push(field.invalid(end, port, 'must be greater than or equal to `port`'))
    if (endPort !== undefined) errors.push(...invalids(end, endPort, isValidPortNum(endPort)))
  }
  return errors
}

function validateIPBlock({ cidr, except = [] }: IPBlock, path: string, { oldCIDRs }: Options): FieldError[] {
  if (!cidr) return [field.required(`${path}.cidr`)]
  const legacy = { strict: true, oldValues: oldCIDRs }
  const errors = isValidCIDRForLegacyField(`${path}.cidr`, cidr, legacy)
  const outer = parseCIDR(cidr)
  if (!outer) return errors
  except.forEach((text, i) => {
    const at = `${path}.except[${i}]`
    errors.push(...isValidCIDRForLegacyField(at, text, legacy))
    const inner = parseCIDR(text)
    if (!inner) return
    if (!prefixContains(outer, inner.network) || outer.prefixLength >= inner.prefixLength) errors.push(field.invalid(at, text, 'must be a strict subset of `cidr`'))
  })
  return errors
}

function validatePeer(peer: NetworkPolicyPeer, path: string, options: Options): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer
  const count = [podSelector, namespaceSelector, ipBlock].filter(Boolean).length
  return [
    ...validateLabelSelector(podSelector, `${path}.podSelector`, options),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`, options),
    ...(ipBlock ? validateIPBlock(ipBlock, `${path}.ipBlock`, options) : []),
    ...(count === 0 ? [field.required(path, 'must specify a peer')] : []),
    ...(count > 1 && ipBlock ? [field.forbidden(path, 'may not specify both ipBlock and another peer')] : []),
  ]
}

/** Rules of both directions in one shape. */
function rulesOf({ spec }: NetworkPolicy): { path: string; peerPath: string; ports: NetworkPolicyPort[]; peers: NetworkPolicyPeer[] }[] {
  const ingress = (spec.ingress ?? []).map(({ ports = [], from = [] }, i) => ({ path: `spec.ingress[${i}]`, peerPath: `spec.ingress[${i}].from`, ports, peers: from }))
  const egress = (spec.egress ?? []).map(({ ports = [], to = [] }, i) => ({ path: `spec.egress[${i}]`, peerPath: `spec.egress[${i}].to`, ports, peers: to }))
  return [...ingress, ...egress]
}

function validateTypes(types: readonly string[] | undefined): FieldError[] {
  const path = 'spec.policyTypes'
  if (types && types.length > POLICY_TYPES.length) return [field.invalid(path, types, 'may not specify more than two policyTypes')]
  return (types ?? []).flatMap((type, i) => (POLICY_TYPES.includes(type) ? [] : [field.notSupported(`${path}[${i}]`, type, POLICY_TYPES)]))
}

function validate(policy: NetworkPolicy, options: Options = { allowInvalidLabelValueInSelector: false, oldCIDRs: [] }): FieldError[] {
  return [
    ...validateLabelSelector(policy.spec.podSelector, 'spec.podSelector', options),
    ...rulesOf(policy).flatMap(({ path, peerPath, ports, peers }) => [
      ...ports.flatMap((port, i) => validatePort(port, `${path}.ports[${i}]`)),
      ...peers.flatMap((peer, i) => validatePeer(peer, `${peerPath}[${i}]`, options)),
    ]),
    ...validateTypes(policy.spec.policyTypes),
  ]
}

export default defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  generation: true,
  columns: [nameColumn, { name: 'Pod-Selector', value: ({ spec }) => formatLabelSelector(spec.podSelector ?? {}) }, ageColumn],
  default(policy) {
    const { spec } = policy
    if (!spec) return
    for (const { ports } of rulesOf(policy)) for (const port of ports) port.protocol ??= 'TCP'
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  // Upstream compares as Go does here, to which a list that is empty differs from one that is not there.
  prepareForUpdate(policy, { spec, metadata }) {
    if (!equalJSON(policy.spec, spec)) policy.metadata.generation = (metadata.generation ?? 0) + 1
  },
  validate: (policy) => validate(policy),
  validateUpdate(policy, old) {
    const oldCIDRs = rulesOf(old).flatMap(({ peers }) => peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr ?? '', ...(ipBlock.except ?? [])] : [])))
    return validate(policy, { allowInvalidLabelValueInSelector: validateLabelSelector(old.spec.podSelector, '').length > 0, oldCIDRs })
  },
  warnings: (policy) =>
    rulesOf(policy).flatMap(({ peerPath, peers }) =>
      peers.flatMap(({ ipBlock }, i) => {
        const path = `${peerPath}[${i}].ipBlock`
        if (!ipBlock) return []
        return [...warningsForCIDR(`${path}.cidr`, ipBlock.cidr ?? ''), ...(ipBlock.except ?? []).flatMap((cidr, j) => warningsForCIDR(`${path}.except[${j}]`, cidr))]
      }),
    ),
})
