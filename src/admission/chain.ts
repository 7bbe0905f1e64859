/**
 * The admission chain: plugins that change or refuse what is written, in an explicit order. Models
 * k8s.io/apiserver/pkg/admission (chain.go, attributes.go).
 */
import type { DeleteOptions, KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import type { ServedKind } from '../registry/scheme.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

export interface AdmissionAttributes {
  operation: Operation
  kind: ServedKind
  subresource: string
  namespace: string
  name: string
  /** What is to be written, in the version of the request; plugins that mutate change it in place. Absent on DELETE. */
  object?: KubeObject
  /** The present object on UPDATE and DELETE; frozen. */
  oldObject?: KubeObject
  deleteOptions?: DeleteOptions
  ctx: RequestContext
}

export interface AdmissionPlugin {
  /** Upstream's name, as `--disable-admission-plugins` knows it. */
  readonly name: string
  /** Changes `attributes.object` in place or throws a StatusError. */
  mutate?(attributes: AdmissionAttributes): void | Promise<void>
  /** Throws a StatusError to refuse. */
  validate?(attributes: AdmissionAttributes): void | Promise<void>
}

export class AdmissionChain {
  readonly #mutating: AdmissionPlugin[]
  readonly #validating: AdmissionPlugin[]

  /** @param plugins in the order they run */
  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#mutating = plugins.filter((p) => p.mutate)
    this.#validating = plugins.filter((p) => p.validate)
  }

  async mutate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#mutating) {
      const pending = plugin.mutate?.(attributes)
      if (pending) await pending
    }
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#validating) {
      const pending = plugin.validate?.(attributes)
      if (pending) await pending
    }
  }
}
