/**
 * The ranges of addresses that `--service-cluster-ip-range` and `--cluster-cidr` name, checked. Models
 * cmd/kube-apiserver/app/options/validation.go and the range allocator of cmd/kube-controller-manager.
 */
import { familyOf, formatCIDR, parseCIDR } from '../apimachinery/ip-address.ts'
import type { AddressRanges } from '../cluster/options.ts'
import { serviceRangeProblem } from '../registry/allocators.ts'
import { UserError } from './command.ts'

/** A setting's text and where it was said. */
interface Said {
  text: string
  origin: string
}

/** Nodes get blocks of 256 IPv4 addresses, and of 64 bits. */
const POD_RANGES = { IPv4: { shortest: 8, longest: 24 }, IPv6: { shortest: 48, longest: 64 } } as const

export function addressRangesOf(services: Said | undefined, pods: Said | undefined): Partial<AddressRanges> {
  const serviceCIDRs = services && rangesOf(services, serviceRangeProblem)
  const podCIDRs = pods && rangesOf(pods, podRangeProblem)
  if (podCIDRs && !podCIDRs.some((text) => familyOf(text) === 'IPv4')) throw new UserError(`${pods.origin}: "${pods.text}" has no IPv4 range: pods with IPv6 addresses alone are not supported`)
  if (services && serviceCIDRs?.length === 1 && familyOf(services.text) === 'IPv6') throw new UserError(`${services.origin}: "${services.text}" has no IPv4 range: Services with IPv6 addresses alone are not supported`)
  const missing = podCIDRs && serviceCIDRs?.find((text) => !podCIDRs.some((other) => familyOf(other) === familyOf(text)))
  if (missing) throw new UserError(`${pods?.origin}: "${pods?.text}" has no ${familyOf(missing)} range, of which ${services?.origin} has one`)
  return { ...(serviceCIDRs ? { serviceCIDRs } : {}), ...(podCIDRs ? { podCIDRs } : {}) }
}

function rangesOf({ text, origin }: Said, problemOf: (text: string) => string | undefined): string[] {
  const texts = text.split(',')
  if (texts.length > 2) throw new UserError(`${origin}: "${text}" has more than two ranges`)
  const problem = texts.map(problemOf).find((found) => found !== undefined)
  if (problem) throw new UserError(`${origin}: ${problem}`)
  if (texts.length === 2 && new Set(texts.map(familyOf)).size < 2) throw new UserError(`${origin}: "${text}" has two ranges of one IP family`)
  return texts.flatMap((range) => parseCIDR(range) ?? []).map(formatCIDR)
}

function podRangeProblem(text: string): string | undefined {
  const prefix = parseCIDR(text)
  const { shortest, longest } = POD_RANGES[familyOf(text)]
  return prefix && prefix.prefixLength >= shortest && prefix.prefixLength <= longest ? undefined : `not a range of /${shortest} to /${longest} for pods: ${text}`
}
