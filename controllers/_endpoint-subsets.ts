/**
 * Addresses and ports in the one layout of subsets that means the same: ports that have the same addresses share a subset.
 * Pure; models RepackSubsets of k8s.io/kubernetes/pkg/api/v1/endpoints.
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../schemas/types.ts'
import { sortEndpointPorts } from './_endpoint-ports.ts'

export interface Address {
  address: EndpointAddress
  ready: boolean
}

/** Gathers an address at a time. */
export class SubsetPacker {
  /** An address is told of by whoever names it first, on whatever port. */
  readonly #told = new Map<string, EndpointAddress>()
  readonly #byPort = new Map<string, { port: EndpointPort | undefined; addresses: Map<string, Address> }>()

  /** @param port undefined for addresses without any; an address that is not ready once stays so */
  add(port: EndpointPort | undefined, { address, ready }: Address): void {
    const key = JSON.stringify(port ? [port.name ?? '', port.port, port.protocol, port.appProtocol] : null)
    let there = this.#byPort.get(key)
    if (!there) this.#byPort.set(key, (there = { port, addresses: new Map() }))
    const id = `${address.ip} ${address.targetRef?.uid ?? ''}`
    const told = this.#told.get(id) ?? address
    this.#told.set(id, told)
    there.addresses.set(id, { address: told, ready: ready && (there.addresses.get(id)?.ready ?? true) })
  }

  subsets(): EndpointSubset[] {
    const byAddresses = new Map<string, { ports: EndpointPort[]; addresses: Address[] }>()
    for (const { port, addresses } of this.#byPort.values()) {
      const sorted = [...addresses.values()].sort((a, b) => compareAddresses(a.address, b.address))
      const key = sorted.map((a) => `${a.address.ip} ${a.address.targetRef?.uid} ${a.ready}`).join()
      const there = byAddresses.get(key)
      if (there) there.ports.push(...(port ? [port] : []))
      else byAddresses.set(key, { ports: port ? [port] : [], addresses: sorted })
    }
    const pick = (addresses: Address[], ready: boolean) => addresses.filter((a) => a.ready === ready).map((a) => a.address)
    return [...byAddresses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { ports, addresses }]) => subsetOf(pick(addresses, true), pick(addresses, false), sortEndpointPorts(ports)))
  }
}

/** What is empty is left out. */
export function subsetOf(addresses: EndpointAddress[], notReadyAddresses: EndpointAddress[], ports: EndpointPort[] | undefined): EndpointSubset {
  return { ...(addresses.length > 0 ? { addresses } : {}), ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}), ...(ports?.length ? { ports } : {}) }
}

function compareAddresses(a: EndpointAddress, b: EndpointAddress): number {
  if (a.ip !== b.ip) return (a.ip ?? '') < (b.ip ?? '') ? -1 : 1
  return (a.targetRef?.uid ?? '') < (b.targetRef?.uid ?? '') ? -1 : 1
}
