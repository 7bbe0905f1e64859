/**
 * Which device class stands behind an extended resource: the one that names it, or the one whose name it has in it.
 * Models k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache.
 */
import type { DeviceClass } from '../../../schemas/types.ts'
import { isExtendedResource } from '../../../api/core/v1/_resource-names.ts'
import type { Handle } from '../framework.ts'

/** What follows is the name of the class. */
const IMPLICIT_PREFIX = 'deviceclass.resource.kubernetes.io/'

export function mayBeDevices(resource: string): boolean {
  return isExtendedResource(resource) || resource.startsWith(IMPLICIT_PREFIX)
}

export function classOfResource({ informers }: Pick<Handle, 'informers'>, resource: string): DeviceClass | undefined {
  const classes = informers.lister<DeviceClass>('resource.k8s.io/v1/DeviceClass')
  if (classes.size === 0) return undefined
  if (resource.startsWith(IMPLICIT_PREFIX)) return classes.get('', resource.slice(IMPLICIT_PREFIX.length))
  // While one class takes over from another both have the name: the newer one counts.
  const [newest] = classes.list().filter(({ spec }) => spec.extendedResourceName === resource).sort(byAge)
  return newest
}

function byAge({ metadata: a }: DeviceClass, { metadata: b }: DeviceClass): number {
  const [ofA = '', ofB = ''] = [a.creationTimestamp, b.creationTimestamp]
  if (ofA !== ofB) return ofA > ofB ? -1 : 1
  return (a.name ?? '') < (b.name ?? '') ? -1 : 1
}
