/** networking.k8s.io/v1 ServiceCIDR. Models k8s.io/kubernetes/pkg/registry/networking/servicecidr. */
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { isIPv4, parseCIDR } from '../../../src/apimachinery/ip-address.ts'
import { isValidCIDR } from '../../../src/apimachinery/validation-ip.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { ServiceCIDR, ServiceCIDRSpec } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { resetObjectMetaForStatus } from '../../_status-meta.ts'

const PATH = 'spec.cidrs'
const IMMUTABLE = 'field is immutable'

function familyOf(cidr: string): string | undefined {
  const parsed = parseCIDR(cidr)
  return parsed && (isIPv4(parsed.ip) ? 'IPv4' : 'IPv6')
}

function validateSpec({ cidrs = [] }: ServiceCIDRSpec): FieldError[] {
  if (cidrs.length === 0) return [field.required(PATH, 'at least one CIDR required')]
  if (cidrs.length > 2) return [field.invalid(PATH, { CIDRs: cidrs }, 'may only hold up to 2 values')]
  const errors = cidrs.flatMap((cidr, i) => isValidCIDR(`${PATH}[${i}]`, cidr))
  const [first, second] = cidrs.map(familyOf)
  if (cidrs.length === 2 && first !== undefined && first === second) {
    errors.push(field.invalid(PATH, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'))
  }
  return errors
}

export default defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: { status: { prepareForUpdate: (cidr, old) => resetObjectMetaForStatus(cidr.metadata, old.metadata) } },
  columns: [nameColumn, { name: 'CIDRs', value: ({ spec }) => (spec.cidrs ?? []).join(',') }, ageColumn],
  validate: ({ spec }) => validateSpec(spec),
  validateUpdate({ spec }, old) {
    const cidrs = spec.cidrs ?? []
    const before = old.spec.cidrs ?? []
    if (before.length === cidrs.length) return cidrs.flatMap((cidr, i) => (cidr === before[i] ? [] : [field.invalid(`${PATH}[${i}]`, cidr, IMMUTABLE)]))
    if (before.length !== 1 || cidrs.length !== 2) return [field.invalid(PATH, spec.cidrs ?? null, IMMUTABLE)]
    return [...(cidrs[0] === before[0] ? [] : [field.invalid(`${PATH}[0]`, cidrs[0], IMMUTABLE)]), ...validateSpec(spec)]
  },
})
