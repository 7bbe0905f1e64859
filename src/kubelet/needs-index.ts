/** Which pods wait for which ConfigMaps, Secrets and claims, so that they go on the moment these appear. */
import type { Informers } from '../client/lister.ts'
import { referenceKey, type Need } from './pod-needs.ts'

const KINDS = ['ConfigMap', 'Secret', 'PersistentVolumeClaim'] as const

export class NeedsIndex {
  readonly #waiting = new Map<string, Set<string>>()
  readonly #needsOf = new Map<string, readonly string[]>()
  readonly #unsubscribe: (() => void)[]

  constructor(informers: Informers, wake: (podKey: string) => void) {
    this.#unsubscribe = KINDS.map((kind) => {
      const look = ({ metadata }: { metadata: { namespace?: string; name?: string } }) => {
        if (this.#waiting.size === 0) return
        for (const pod of this.#waiting.get(referenceKey(kind, metadata.namespace ?? '', metadata.name ?? '')) ?? []) wake(pod)
      }
      return informers.for(`v1/${kind}`).subscribe({ add: look, update: look })
    })
  }

  set(podKey: string, needs: readonly Need[]): void {
    if (needs.length === 0 && !this.#needsOf.has(podKey)) return
    this.forget(podKey)
    if (needs.length === 0) return
    this.#needsOf.set(podKey, needs.map((n) => n.key))
    for (const { key } of needs) {
      const pods = this.#waiting.get(key)
      if (pods) pods.add(podKey)
      else this.#waiting.set(key, new Set([podKey]))
    }
  }

  forget(podKey: string): void {
    for (const key of this.#needsOf.get(podKey) ?? []) {
      const pods = this.#waiting.get(key)
      pods?.delete(podKey)
      if (pods?.size === 0) this.#waiting.delete(key)
    }
    this.#needsOf.delete(podKey)
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.#waiting.clear()
    this.#needsOf.clear()
  }
}
