/**
 * Where quotas count something that is not stored yet: from before the charge until the write is done, or the charge is
 * given back. Who counts anew what is stored waits that long. Upstream has no such thing: there a recount in between
 * takes the charge off (k8s.io/kubernetes/pkg/controller/resourcequota), and one object too many fits in.
 */
export class ChargesInFlight {
  /** By namespace; as many as there are requests in flight. */
  readonly #counts = new Map<string, number>()

  /** Answers the function that ends it. */
  begin(namespace: string): () => void {
    this.#counts.set(namespace, (this.#counts.get(namespace) ?? 0) + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      const left = (this.#counts.get(namespace) ?? 0) - 1
      if (left > 0) this.#counts.set(namespace, left)
      else this.#counts.delete(namespace)
    }
  }

  has(namespace: string): boolean {
    return this.#counts.has(namespace)
  }
}
