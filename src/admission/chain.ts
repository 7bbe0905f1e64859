/**
 * The admission chain: plugins that change or refuse what is written, in an explicit order. Models
 * k8s.io/apiserver/pkg/admission (chain.go, attributes.go, reinvocation.go).
 */
import type { DeleteOptions, GroupVersionKind, KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import type { Undoing } from '../registry/resource-storage.ts'
import type { ServedKind } from '../registry/scheme.ts'

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'

export interface AdmissionAttributes {
  operation: Operation
  /** The kind that the request's resource belongs to. */
  kind: ServedKind
  subresource: string
  namespace: string
  name: string
  /** What is to be written, in the version of the request; plugins that mutate change it in place. Absent on DELETE. */
  object?: KubeObject
  /** The present object on UPDATE and DELETE; frozen. */
  oldObject?: KubeObject
  /** What `object` is where a subresource takes a kind of its own (Binding, Scale, PodExecOptions). */
  objectKind?: GroupVersionKind
  deleteOptions?: DeleteOptions
  ctx: RequestContext
  /** What plugins that mutate must know of each other; made by the first that needs it. */
  reinvocation?: Reinvocation
}

/** Lets plugins see again what others changed after them: the chain runs a second time, never a third. */
export class Reinvocation {
  /** Whether this is the second run. */
  isReinvoke = false
  isWanted = false
  /** What a plugin remembers of the first run, by the plugin's name. */
  readonly memory = new Map<string, unknown>()
}

/** Takes back what a plugin did outside the object (a charged quota), when the write does not happen after all. */
export type Undo = Undoing

export interface AdmissionPlugin {
  /** Upstream's name, as `--disable-admission-plugins` knows it. */
  readonly name: string
  /** Changes `attributes.object` in place or throws a StatusError. */
  mutate?(attributes: AdmissionAttributes): void | Promise<void>
  /** Throws a StatusError to refuse. */
  validate?(attributes: AdmissionAttributes): void | Undo | Promise<void | Undo>
  close?(): void
}

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[]
  readonly #mutating: AdmissionPlugin[]
  readonly #validating: AdmissionPlugin[]

  /** @param plugins in the order they run */
  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins
    this.#mutating = plugins.filter((p) => p.mutate)
    this.#validating = plugins.filter((p) => p.validate)
  }

  async mutate(attributes: AdmissionAttributes): Promise<void> {
    await this.#mutateOnce(attributes)
    const { reinvocation } = attributes
    if (!reinvocation?.isWanted) return
    reinvocation.isReinvoke = true
    await this.#mutateOnce(attributes)
  }

  /** What must be undone if the write fails, if anything. */
  async validate(attributes: AdmissionAttributes): Promise<void | Undo> {
    let undo: Undo | undefined
    try {
      for (const plugin of this.#validating) {
        const pending = plugin.validate?.(attributes)
        const done = pending instanceof Promise ? await pending : pending
        if (done) undo = undo ? both(undo, done) : done
      }
    } catch (error) {
      undo?.()
      throw error
    }
    return undo
  }

  close(): void {
    for (const plugin of this.#plugins) plugin.close?.()
  }

  async #mutateOnce(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#mutating) {
      const pending = plugin.mutate?.(attributes)
      if (pending) await pending
    }
  }
}

function both(first: Undo, second: Undo): Undo {
  const undo = (): void => {
    second()
    first()
  }
  return Object.assign(undo, {
    kept() {
      first.kept?.()
      second.kept?.()
    },
  })
}
