/** What an admission request is about, for plugins that only care for some. */
import type { Pod } from '../../schemas/types.ts'
import type { AdmissionAttributes } from './chain.ts'

/** Whether the request is for this resource (group '' is core) itself or, where named, for one of its subresources. */
export function isFor({ kind, subresource }: AdmissionAttributes, resource: string, group = '', wanted = ''): boolean {
  return kind.plural === resource && kind.group === group && subresource === wanted
}

/** The pod that is to be created. */
export function newPod(attributes: AdmissionAttributes): Pod | undefined {
  return attributes.operation === 'CREATE' && isFor(attributes, 'pods') ? (attributes.object as Pod | undefined) : undefined
}

/** The pod that is to be created or to replace another. */
export function writtenPod(attributes: AdmissionAttributes): Pod | undefined {
  const isWrite = attributes.operation === 'CREATE' || attributes.operation === 'UPDATE'
  return isWrite && isFor(attributes, 'pods') ? (attributes.object as Pod | undefined) : undefined
}
