/**
 * Sums and comparisons of resource lists, exact and with the format that Go's would have.
 * Models k8s.io/apiserver/pkg/quota/v1/resources.go and k8s.io/component-helpers/resource.
 */
import type { Container, ContainerStatus, Pod } from '../../schemas/types.ts'
import { addQuantities, compareQuantities, isZeroQuantity, quantityText, type QuantityLike } from './quantity.ts'

export type ResourceList = Record<string, QuantityLike>

export function addLists(a: ResourceList, b: ResourceList): ResourceList {
  const out: ResourceList = { ...a }
  for (const name in b) {
    const [x, y] = [out[name], b[name]]
    if (y !== undefined) out[name] = x === undefined ? y : addQuantities(x, y)
  }
  return out
}

export function maxLists(a: ResourceList, b: ResourceList): ResourceList {
  const out: ResourceList = { ...a }
  for (const name in b) {
    const [x, y] = [out[name], b[name]]
    if (y !== undefined && (x === undefined || compareQuantities(y, x) > 0)) out[name] = y
  }
  return out
}

/** As texts, in the way they are stored. */
export function listText(list: ResourceList): Record<string, string> {
  return Object.fromEntries(Object.entries(list).map(([name, q]) => [name, quantityText(q)]))
}

const podLevel = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/**
 * What a pod requests, or its limits, all in all: sidecars run along, other init containers one after the other.
 * @param options.withActual while containers are resized, the more of what they are to have and what they have
 */
export function podResources(pod: Pod, of: 'requests' | 'limits', { withActual = false } = {}): ResourceList {
  const { containers = [], initContainers = [], overhead, resources } = pod.spec
  const own = (c: Container): ResourceList => (withActual ? effective(pod, c, of) : (c.resources?.[of] ?? {}))
  let total = containers.reduce<ResourceList>((sum, c) => addLists(sum, own(c)), {})
  let sidecars: ResourceList = {}
  let atStart: ResourceList = {}
  for (const c of initContainers) {
    if (c.restartPolicy === 'Always') {
      total = addLists(total, own(c))
      sidecars = addLists(sidecars, own(c))
      atStart = maxLists(atStart, sidecars)
    } else atStart = maxLists(atStart, addLists(own(c), sidecars))
  }
  total = maxLists(total, atStart)
  for (const [name, q] of Object.entries(resources?.[of] ?? {})) if (podLevel(name)) total[name] = q
  if (!overhead) return total
  // Without a limit of its own a resource stays unlimited.
  const added = of === 'requests' ? overhead : Object.fromEntries(Object.entries(overhead).filter(([name]) => total[name] !== undefined && !isZeroQuantity(total[name])))
  return addLists(total, added)
}

/** A resize that its node can never follow does not count. */
function effective(pod: Pod, container: Container, of: 'requests' | 'limits'): ResourceList {
  const wanted: ResourceList = container.resources?.[of] ?? {}
  const { containerStatuses = [], initContainerStatuses = [], conditions } = pod.status ?? {}
  const byName = ({ name }: ContainerStatus) => name === container.name
  const status = containerStatuses.find(byName) ?? (container.restartPolicy === 'Always' ? initContainerStatuses.find(byName) : undefined)
  if (!status?.resources) return wanted
  const actual: ResourceList = status.resources[of] ?? {}
  const has = of === 'requests' ? maxLists(actual, status.allocatedResources ?? {}) : actual
  const isInfeasible = conditions?.find((c) => c.type === 'PodResizePending')?.reason === 'Infeasible'
  return isInfeasible ? has : maxLists(wanted, has)
}
