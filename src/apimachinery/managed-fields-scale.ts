/**
 * Managed fields between an object and its scale subresource, which knows of one field alone.
 * Models k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go.
 */
import type { ManagedFieldsEntry } from '../../schemas/types.ts'
import { hasPath, LEAF, subtractSet, type FieldSet } from './field-set.ts'
import { decodeManagers, dropEmpty, encodeManagers, holding, type Managers } from './managed-entries.ts'

const SCALE_VERSION = 'autoscaling/v1'
const SCALE_REPLICAS: FieldSet = { 'f:spec': { 'f:replicas': LEAF } }
const SCALE_PATH = ['f:spec', 'f:replicas']

/** Where each version of the object has its replicas, as elements: `['f:spec', 'f:replicas']`; null where it has none. */
export type ReplicasPaths = Readonly<Record<string, readonly string[] | null>>

/** The managers of the replicas alone, as the scale shows them. */
export function managersOfScale(entries: ManagedFieldsEntry[] | undefined, paths: ReplicasPaths): ManagedFieldsEntry[] | undefined {
  const managers = decodeManagers(entries, { trusted: true })
  const scale: Managers = new Map()
  for (const [id, manager] of managers) {
    const path = paths[manager.apiVersion]
    if (path && hasPath(manager.fields, path)) scale.set(id, { ...holding(manager, SCALE_REPLICAS), apiVersion: SCALE_VERSION })
  }
  return encodeManagers(scale)
}

/** The managers of the object after a write of its scale. */
export function managersOfParent(entries: ManagedFieldsEntry[] | undefined, scaleEntries: ManagedFieldsEntry[] | undefined, { apiVersion, paths }: { apiVersion: string; paths: ReplicasPaths }): ManagedFieldsEntry[] | undefined {
  const parents = decodeManagers(entries, { trusted: true })
  const scale = decodeManagers(scaleEntries, { trusted: true })
  const left: Managers = new Map()
  for (const [id, manager] of parents) {
    const path = paths[manager.apiVersion]
    if (path === undefined) continue
    const owns = path !== null && hasPath(manager.fields, path)
    const lost = owns && !scale.has(id)
    left.set(id, lost ? holding(manager, subtractSet(manager.fields, setOf(path))) : manager)
    if (owns && !lost) scale.delete(id)
  }
  const path = paths[apiVersion] ?? SCALE_PATH
  for (const [id, manager] of scale) {
    if (!hasPath(manager.fields, SCALE_PATH)) continue
    left.set(id, { ...holding(manager, setOf(path)), apiVersion, time: parents.get(id)?.time })
  }
  dropEmpty(left)
  return encodeManagers(left)
}

function setOf(path: readonly string[]): FieldSet {
  return path.reduceRight<FieldSet>((below, element) => ({ [element]: below }), LEAF)
}
