/** discovery.k8s.io/v1 EndpointSlice. Models k8s.io/kubernetes/pkg/registry/discovery/endpointslice and pkg/apis/discovery/validation. */
import { isIPv4, parseIP } from '../../../src/apimachinery/ip-address.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { isValidIP, isValidIPForLegacyField, warningsForIP } from '../../../src/apimachinery/validation-ip.ts'
import { isDNS1123Subdomain, isFullyQualifiedDomainName, isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { DiscoveryV1EndpointPort, Endpoint, EndpointHints, EndpointSlice } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { invalids, PROTOCOLS, validateChoice, validateLabelName, validateQualifiedName } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { validateEndpointIP } from '../../core/v1/_endpoint-ip.ts'

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6']
const MAX = { ports: 20000, endpoints: 1000, addresses: 100, hints: 8 }
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
const CONTROLLERS = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io']
const SHOWN = 3

function validatePorts(ports: readonly DiscoveryV1EndpointPort[]): FieldError[] {
  if (ports.length > MAX.ports) return [field.tooMany('ports', ports.length, MAX.ports)]
  const names = new Set<string>()
  return ports.flatMap(({ name = '', protocol, appProtocol }, i) => {
    const path = `ports[${i}]`
    const errors = name ? validateLabelName(`${path}.name`, name) : []
    if (names.has(name)) errors.push(field.duplicate(`${path}.name`, name))
    names.add(name)
    if (protocol === undefined) errors.push(field.required(`${path}.protocol`))
    else if (!PROTOCOLS.some((p) => p === protocol)) errors.push(field.notSupported(`${path}.protocol`, protocol, PROTOCOLS))
    return appProtocol === undefined ? errors : [...errors, ...validateQualifiedName(`${path}.appProtocol`, appProtocol)]
  })
}

function validateAddress(address: string, path: string, at: string, type: string | undefined): FieldError[] {
  if (type === 'FQDN') return isFullyQualifiedDomainName(at, address)
  if (type !== 'IPv4' && type !== 'IPv6') return []
  const errors = type === 'IPv4' ? isValidIPForLegacyField(at, address, { strict: true }) : isValidIP(at, address)
  if (errors.length > 0) return errors
  const ip = parseIP(address)
  const isOfType = ip !== undefined && isIPv4(ip) === (type === 'IPv4')
  return [...(isOfType ? [] : [field.invalid(path, address, `must be an ${type} address`)]), ...validateEndpointIP(address, at)]
}

function validateHints({ forZones = [], forNodes = [] }: EndpointHints, path: string): FieldError[] {
  const errors: FieldError[] = []
  const kinds = [
    { at: `${path}.forZones`, hints: forZones, check: isValidLabelValue },
    { at: `${path}.forNodes`, hints: forNodes, check: isDNS1123Subdomain },
  ]
  for (const { at, hints, check } of kinds) {
    if (hints.length > MAX.hints) return [...errors, field.tooMany(at, hints.length, MAX.hints)]
    const seen = new Set<string>()
    hints.forEach(({ name = '' }, i) => {
      if (seen.has(name)) errors.push(field.duplicate(`${at}[${i}].name`, name))
      seen.add(name)
      errors.push(...invalids(`${at}[${i}].name`, name, check(name)))
    })
  }
  return errors
}

function validateEndpoint(endpoint: Endpoint, path: string, type: string | undefined): FieldError[] {
  const { nodeName, hostname, hints } = endpoint
  const addresses = endpoint.addresses ?? []
  const at = `${path}.addresses`
  return [
    ...(addresses.length === 0 ? [field.required(at, 'must contain at least 1 address')] : []),
    ...(addresses.length > MAX.addresses ? [field.tooMany(at, addresses.length, MAX.addresses)] : []),
    ...addresses.flatMap((address, i) => validateAddress(address, at, `${at}[${i}]`, type)),
    ...(nodeName === undefined ? [] : invalids(`${path}.nodeName`, nodeName, isDNS1123Subdomain(nodeName))),
    ...(hostname === undefined ? [] : validateLabelName(`${path}.hostname`, hostname)),
    ...(hints ? validateHints(hints, `${path}.hints`) : []),
  ]
}

function validateEndpoints(slice: EndpointSlice): FieldError[] {
  const endpoints = slice.endpoints ?? []
  if (endpoints.length > MAX.endpoints) return [field.tooMany('endpoints', endpoints.length, MAX.endpoints)]
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, `endpoints[${i}]`, slice.addressType))
}

/** Endpoints that were stored before a rule came stay valid. */
function validate(slice: EndpointSlice, old?: EndpointSlice): FieldError[] {
  const endpoints = validateEndpoints(slice)
  const isOld = endpoints.length > 0 && old && equalJSON(old.endpoints ?? [], slice.endpoints ?? [])
  return [...validateChoice('addressType', slice.addressType, ADDRESS_TYPES), ...validatePorts(slice.ports ?? []), ...(isOld ? [] : endpoints)]
}

function warnings(slice: EndpointSlice, old: EndpointSlice | undefined): string[] {
  const texts = !old && slice.addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []
  if (CONTROLLERS.includes(slice.metadata.labels?.[MANAGED_BY] ?? '')) return texts
  slice.endpoints?.forEach(({ addresses }, i) => addresses?.forEach((address, j) => texts.push(...warningsForIP(`endpoints[${i}].addresses[${j}]`, address))))
  return texts
}

/** v1 has no place for free topology labels. */
function dropTopology(slice: EndpointSlice): void {
  for (const endpoint of slice.endpoints ?? []) delete endpoint.deprecatedTopology
}

function firstOf(list: readonly string[]): string {
  const text = list.slice(0, SHOWN).join(',')
  return list.length > SHOWN ? `${text} + ${list.length - SHOWN} more...` : text || '<unset>'
}

export default defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
  repeatsMetadataUpdate: false,
  generation: ({ metadata, ...rest }, { metadata: before, ...old }) => !equalJSON(rest, old) || !equalJSON(metadata.labels ?? {}, before.labels ?? {}),
  columns: [
    nameColumn,
    { name: 'AddressType', value: (slice) => slice.addressType ?? '' },
    { name: 'Ports', value: ({ ports }) => firstOf((ports ?? []).map(({ port, name }) => String(port ?? name ?? '*'))) },
    { name: 'Endpoints', value: ({ endpoints }) => firstOf((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])) },
    ageColumn,
  ],
  default(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  prepareForCreate: dropTopology,
  prepareForUpdate(slice, old) {
    if (!equalJSON(old.endpoints ?? [], slice.endpoints ?? [])) dropTopology(slice)
  },
  validate: (slice) => validate(slice),
  validateUpdate(slice, old) {
    const errors = [...validateMetadataOf(slice, 'Namespaced'), ...validate(slice, old)]
    const { addressType = '' } = slice
    return addressType === (old.addressType ?? '') ? errors : [...errors, field.invalid('addressType', addressType, 'field is immutable')]
  },
  warnings,
})
