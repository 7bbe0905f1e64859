/**
 * How clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy must agree, at a moment and across an update.
 * Models ValidateServiceClusterIPsRelatedFields and its neighbours of k8s.io/kubernetes/pkg/apis/core/validation.
 */
import { isIPv4, parseIP } from '../../../src/apimachinery/ip-address.ts'
import { isValidIPForLegacyField } from '../../../src/apimachinery/validation-ip.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { Service } from '../../../schemas/types.ts'
import { clusterIPsOf, isExternalName, isHeadless, NONE } from './_service-facts.ts'

const IPS = 'spec.clusterIPs'
const FAMILIES = 'spec.ipFamilies'
const POLICY = 'spec.ipFamilyPolicy'
const UNCHANGEABLE = 'may not change once set'

export const isIPv6Text = (text: string): boolean => {
  const ip = parseIP(text)
  return ip !== undefined && !isIPv4(ip)
}

function validateFamilies({ spec }: Service): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  spec.ipFamilies?.forEach((family, i) => {
    if (family !== 'IPv4' && family !== 'IPv6') errors.push(field.notSupported(`${FAMILIES}[${i}]`, family, ['IPv4', 'IPv6']))
    if (seen.has(family)) errors.push(field.duplicate(`${FAMILIES}[${i}]`, family))
    seen.add(family)
  })
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
  if (spec.ipFamilyPolicy !== undefined && !policies.includes(spec.ipFamilyPolicy)) errors.push(field.notSupported(POLICY, spec.ipFamilyPolicy, policies))
  return errors
}

function validateAgainstFamilies(ips: readonly string[], families: readonly string[]): FieldError[] {
  return ips.slice(0, families.length).flatMap((ip, i) => {
    const expected = families[i]
    if (expected === undefined || (expected === 'IPv6') === isIPv6Text(ip)) return []
    return expected === 'IPv4' || expected === 'IPv6' ? [field.invalid(`${IPS}[${i}]`, ip, `expected an ${expected} value as indicated by \`ipFamilies[${i}]\``)] : []
  })
}

/** The first of clusterIPs is clusterIP. */
function validatePrimary({ spec }: Service, ips: readonly string[]): FieldError[] {
  if (spec.clusterIP) {
    if (ips.length === 0) return [field.required(IPS)]
    return ips[0] === spec.clusterIP ? [] : [field.invalid(IPS, ips, 'first value must match `clusterIP`')]
  }
  return ips.length > 0 ? [field.invalid(IPS, ips, 'must be empty when `clusterIP` is not specified')] : []
}

export function validateClusterIPs(service: Service, old: Service | undefined): FieldError[] {
  if (isExternalName(service)) return []
  const ips = clusterIPsOf(service)
  const errors = [...validatePrimary(service, ips), ...validateFamilies(service)]
  let isWrong = false
  ips.forEach((ip, i) => {
    if (i === 0 && ip === NONE) {
      if (ips.length === 1) return
      errors.push(field.invalid(IPS, ips, "'None' must be the first and only value"))
      isWrong = true
      return
    }
    const messages = isValidIPForLegacyField(`${IPS}[${i}]`, ip, { strict: true, oldValues: old ? clusterIPsOf(old) : [] })
    isWrong ||= messages.length > 0
    errors.push(...messages)
  })
  if (ips.length > 2) errors.push(field.invalid(IPS, ips, 'may only hold up to 2 values'))
  if (isWrong) return errors
  if (ips.length > 1 && new Set(ips.map(isIPv6Text)).size < 2) errors.push(field.invalid(IPS, ips, 'may specify no more than one IP for each IP family'))
  if (!isHeadless(service)) errors.push(...validateAgainstFamilies(ips, service.spec.ipFamilies ?? []))
  return errors
}

export function validateClusterIPsUpdate(service: Service, old: Service): FieldError[] {
  if (isExternalName(service) || isExternalName(old) || (isHeadless(service) && isHeadless(old))) return []
  const [ips, before] = [clusterIPsOf(service), clusterIPsOf(old)]
  if (before.length === ips.length) return before.flatMap((ip, i) => (ip === ips[i] ? [] : [field.invalid(`${IPS}[${i}]`, ips, UNCHANGEABLE)]))
  const errors: FieldError[] = []
  const isReleased = before.length > ips.length
  if (isReleased && ips.length === 0) errors.push(field.invalid(`${IPS}[0]`, service.spec.clusterIPs ?? null, 'primary clusterIP can not be unset'))
  if (before.length > 0 && ips.length > 0 && ips[0] !== before[0]) errors.push(field.invalid(`${IPS}[0]`, ips, UNCHANGEABLE))
  if (isReleased && ips.length === 1) errors.push(...validateSingle(service, 'clusterIP'))
  return errors
}

export function validateFamiliesUpdate(service: Service, old: Service): FieldError[] {
  if (isExternalName(service) || isExternalName(old) || isHeadless(service) || isHeadless(old)) return []
  const path = `${FAMILIES}[0]`
  const [families, before] = [service.spec.ipFamilies ?? [], old.spec.ipFamilies ?? []]
  const ips = clusterIPsOf(service)
  if (before.length === families.length) return before.flatMap((f, i) => (f === families[i] ? [] : [field.invalid(path, families, UNCHANGEABLE)]))
  const errors: FieldError[] = []
  const isReleased = before.length > families.length
  if (isReleased && ips.length === 0) errors.push(field.invalid(path, service.spec.ipFamilies ?? null, 'primary ipFamily can not be unset'))
  if (before.length > 0 && families.length > 0 && families[0] !== before[0]) errors.push(field.invalid(path, ips, UNCHANGEABLE))
  if (isReleased && families.length === 1) errors.push(...validateSingle(service, 'ipFamily'))
  return errors
}

function validateSingle({ spec }: Service, what: 'clusterIP' | 'ipFamily'): FieldError[] {
  if (spec.ipFamilyPolicy === 'SingleStack') return []
  return [field.invalid(POLICY, spec.ipFamilyPolicy ?? null, `must be set to 'SingleStack' when releasing the secondary ${what}`)]
}
