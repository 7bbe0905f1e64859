/** v1 Endpoints. Models k8s.io/kubernetes/pkg/registry/core/endpoint and ValidateEndpoints of pkg/apis/core/validation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { isValidIPForLegacyField, warningsForIP } from '../../../src/apimachinery/validation-ip.ts'
import { isDNS1123Subdomain, isValidPortNum } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { invalids, PROTOCOLS, validateChoice, validateLabelName, validateQualifiedName } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { validateEndpointIP } from './_endpoint-ip.ts'

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const CONTROLLER = 'endpoint-controller'
const SHOWN_ENDPOINTS = 3

function validateAddress(address: EndpointAddress, path: string): FieldError[] {
  const { ip = '', hostname, nodeName } = address
  return [
    ...isValidIPForLegacyField(`${path}.ip`, ip, { strict: true }),
    ...(hostname ? validateLabelName(`${path}.hostname`, hostname) : []),
    ...(nodeName === undefined ? [] : invalids(`${path}.nodeName`, nodeName, isDNS1123Subdomain(nodeName))),
    ...validateEndpointIP(ip, `${path}.ip`),
  ]
}

function validatePort(port: EndpointPort, isNameRequired: boolean, path: string): FieldError[] {
  const { name, port: number = 0, protocol, appProtocol } = port
  return [
    ...(name ? validateLabelName(`${path}.name`, name) : isNameRequired ? [field.required(`${path}.name`)] : []),
    ...invalids(`${path}.port`, number, isValidPortNum(number)),
    ...validateChoice(`${path}.protocol`, protocol, PROTOCOLS),
    ...(appProtocol === undefined ? [] : validateQualifiedName(`${path}.appProtocol`, appProtocol)),
  ]
}

function validateSubset(subset: EndpointSubset, path: string): FieldError[] {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset
  return [
    ...(addresses.length + notReadyAddresses.length === 0 ? [field.required(path, 'must specify `addresses` or `notReadyAddresses`')] : []),
    ...addresses.flatMap((address, i) => validateAddress(address, `${path}.addresses[${i}]`)),
    ...notReadyAddresses.flatMap((address, i) => validateAddress(address, `${path}.notReadyAddresses[${i}]`)),
    ...ports.flatMap((port, i) => validatePort(port, ports.length > 1, `${path}.ports[${i}]`)),
  ]
}

/** Subsets that were stored before a rule came stay valid. */
function validate({ subsets = [] }: Endpoints, old?: Endpoints): FieldError[] {
  const errors = subsets.flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`))
  return errors.length > 0 && old && equalJSON(old.subsets ?? [], subsets) ? [] : errors
}

function warnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata.labels?.[MANAGED_BY] === CONTROLLER) return []
  const of = (list: EndpointAddress[] | undefined, path: string): string[] => (list ?? []).flatMap(({ ip = '' }, i) => warningsForIP(`${path}[${i}].ip`, ip))
  return subsets.flatMap((subset, i) => [...of(subset.addresses, `subsets[${i}].addresses`), ...of(subset.notReadyAddresses, `subsets[${i}].notReadyAddresses`)])
}

const hostPort = (ip: string, port: number | undefined): string => `${ip.includes(':') ? `[${ip}]` : ip}:${port ?? 0}`

function endpointsText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return '<none>'
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip = '' }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip = '' }) => hostPort(ip, port))),
  )
  const text = all.slice(0, SHOWN_ENDPOINTS).join(',')
  return all.length > SHOWN_ENDPOINTS ? `${text} + ${all.length - SHOWN_ENDPOINTS} more...` : text
}

export default defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  storagePrefix: 'registry/services/endpoints',
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  allowCreateOnUpdate: true,
  columns: [nameColumn, { name: 'Endpoints', value: endpointsText }, ageColumn],
  default(endpoints) {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate: (endpoints) => validate(endpoints),
  validateUpdate: (endpoints, old) => [...validateMetadataOf(endpoints, 'Namespaced'), ...validate(endpoints, old)],
  warnings: (endpoints) => warnings(endpoints),
})
