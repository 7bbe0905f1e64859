/**
 * How everything inside the process that moves (controllers, scheduler, kubelets) reads and writes the API. The calls go
 * through the same registry, admission and authorization as a request over HTTP, under the caller's own user.
 * Models k8s.io/client-go/kubernetes and dynamic, in one generic shape.
 *
 * A kind is written `<group>/<version>/<Kind>`, or `v1/<Kind>` for the core group. All calls reject with a `StatusError`.
 * Objects that come back are shared and frozen: clone (`structuredClone`) before changing.
 */
import type { Scale } from '../../schemas/types.ts'
import type { DeleteOptions, KubeObject } from '../registry/kind.ts'

export interface ObjectRef {
  /** '' or absent for cluster-scoped objects. */
  namespace?: string
  name: string
}

export interface ListOptions {
  /** All namespaces unless told. */
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
}

export interface WriteOptions {
  /** 'status', 'scale', 'binding', 'eviction', … */
  subresource?: string
  dryRun?: boolean
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

export interface PatchOptions extends WriteOptions {
  /** merge unless told */
  type?: PatchType
  /** apply only: who applies; the client's own name unless told */
  fieldManager?: string
  force?: boolean
}

export interface Client {
  /** The name this client signs managed fields and events with. */
  readonly name: string
  get<T extends KubeObject>(kind: string, ref: ObjectRef): Promise<T>
  list<T extends KubeObject>(kind: string, options?: ListOptions): Promise<T[]>
  /** `object` carries apiVersion, kind, and metadata.namespace where namespaced. With a subresource, metadata.name names the parent (`binding`, `eviction`). */
  create<T extends KubeObject>(object: T, options?: WriteOptions): Promise<T>
  /** Replaces; a metadata.resourceVersion in `object` is a precondition (Conflict when stale). */
  update<T extends KubeObject>(object: T, options?: WriteOptions): Promise<T>
  updateStatus<T extends KubeObject>(object: T): Promise<T>
  patch<T extends KubeObject>(kind: string, ref: ObjectRef, patch: unknown, options?: PatchOptions): Promise<T>
  /**
   * Reads, lets `change` edit a private copy, writes it without a version precondition race: retried on Conflict.
   * `change` may return false to leave the object as it is.
   */
  change<T extends KubeObject>(kind: string, ref: ObjectRef, change: (copy: T) => void | false, options?: WriteOptions): Promise<T>
  delete(kind: string, ref: ObjectRef, options?: DeleteOptions): Promise<void>
  /** The replicas of an object whose kind has a scale. */
  getScale(kind: string, ref: ObjectRef): Promise<Scale>
  /** @param scale what `getScale` answered, with other replicas */
  updateScale(kind: string, scale: Scale): Promise<Scale>
}
