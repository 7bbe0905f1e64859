/**
 * Pods that nobody asked the API for: manifests in a folder of the host, for a node that is configured with one. What the API
 * shows are their mirrors, which come back when they are deleted, while their containers go on; these end when the file goes or
 * says something else. Models how pkg/kubelet/kubelet.go, pod/pod_manager.go and pod_workers.go treat static and mirror pods.
 */
import type { Pod, PodStatus } from '../../schemas/types.ts'
import { formatTime, type Timer } from '../clock.ts'
import { keyOf, type ControllerContext } from '../controller/controller.ts'
import { isStatusError } from '../errors.ts'
import type { KeptNode } from './node-keeper.ts'
import { MIRROR, mirrorOf, readStaticPods, type StaticPod } from './static-manifests.ts'

/** As a kubelet's fileCheckFrequency. */
const LOOK_MS = 20_000

export interface StaticPodsParts {
  ctx: ControllerContext
  /** The folder of each node that has one. */
  dirs: ReadonlyMap<string, string>
  nodeOf(name: string): KeptNode | undefined
  /** A pod must end. */
  remove(pod: StaticPod): void
}

interface Known extends StaticPod {
  nodeName: string
  /** What was last told of it: another mirror goes on with that. */
  status?: PodStatus
}

const keyIn = ({ namespace, name }: StaticPod): string => `${namespace}/${name}`

export class StaticPods {
  readonly #parts: StaticPodsParts
  /** By key: what the folders say. */
  readonly #wanted = new Map<string, Known>()
  /** By key: whose file is no longer there or another, until its containers have ended. */
  readonly #ending = new Map<string, Known>()
  #unsubscribe = () => {}
  #timer: Timer | undefined
  #syncing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(parts: StaticPodsParts) {
    this.#parts = parts
    for (const [name, dir] of parts.dirs) this.#read(name, dir)
  }

  start(): void {
    const { ctx, dirs } = this.#parts
    if (dirs.size === 0) return
    const isMirror = (pod: Pod) => pod.metadata.annotations?.[MIRROR] !== undefined && dirs.has(pod.spec.nodeName ?? '')
    const gone = (pod: Pod) => {
      if (isMirror(pod)) this.#sync()
    }
    const changed = (pod: Pod) => {
      if (pod.metadata.deletionTimestamp !== undefined) gone(pod)
    }
    this.#unsubscribe = ctx.informers.for<Pod>('v1/Pod').subscribe({ update: changed, delete: gone })
    this.look()
  }

  /** Makes the mirrors what the folders say, now and from time to time. */
  look(): void {
    const { ctx, dirs, remove } = this.#parts
    if (dirs.size === 0 || this.#isClosed) return
    for (const [name, dir] of dirs) for (const pod of this.#read(name, dir)) remove(pod)
    this.#sync()
    this.#timer?.cancel()
    this.#timer = ctx.clock.after(LOOK_MS, () => this.look())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#unsubscribe()
  }

  /** A pod as its kubelet knows it: a mirror is told by its static pod's uid, and goes on with what was told before. */
  view(pod: Pod): Pod {
    const known = this.#of(pod)
    if (!known) return pod
    const { metadata, status } = pod
    return { ...pod, metadata: { ...metadata, uid: known.uid }, ...(status?.startTime === undefined && known.status ? { status: known.status } : {}) }
  }

  /** Whether its containers outlive the object in the API. */
  isStatic(pod: Pod): boolean {
    return this.#of(pod) !== undefined
  }

  isEnding(pod: Pod): boolean {
    const known = this.#of(pod)
    return known !== undefined && this.#ending.get(keyIn(known)) === known
  }

  told(pod: Pod, status: PodStatus): void {
    const known = this.#of(pod)
    if (known) known.status = status
  }

  /** Its containers have. */
  ended(pod: Pod): void {
    const known = this.#of(pod)
    if (!known || this.#ending.get(keyIn(known)) !== known) return
    this.#ending.delete(keyIn(known))
    this.#sync()
  }

  #of(pod: Pod): Known | undefined {
    const uid = pod.metadata.annotations?.[MIRROR]
    if (uid === undefined) return undefined
    const key = keyOf(pod)
    return [this.#ending.get(key), this.#wanted.get(key)].find((known) => known?.uid === uid && known.nodeName === pod.spec.nodeName)
  }

  /** Reads a folder; those that have to end. */
  #read(nodeName: string, dir: string): StaticPod[] {
    const { log } = this.#parts.ctx
    const found = readStaticPods(dir, nodeName, (problem) => log.warn(problem, 'a static pod was not understood'))
    if (!found) return []
    const now = new Map(found.map((pod) => [keyIn(pod), pod]))
    const gone: StaticPod[] = []
    for (const [key, known] of this.#wanted) {
      if (known.nodeName !== nodeName || now.get(key)?.uid === known.uid) continue
      this.#wanted.delete(key)
      // One that never came to be seen, as one before it still ends, is forgotten.
      if (!this.#ending.has(key)) this.#ending.set(key, known)
      gone.push(known)
    }
    for (const [key, pod] of now) {
      const ending = this.#ending.get(key)
      // As it was before: it must not go on as one that ends. It begins anew, after it.
      if (ending?.uid === pod.uid || this.#wanted.has(key)) continue
      this.#wanted.set(key, { ...pod, nodeName })
    }
    return gone
  }

  #sync(): void {
    if (this.#isClosed) return
    this.#syncing = this.#syncing.then(async () => {
      for (const name of this.#parts.dirs.keys()) await this.#write(name)
    })
  }

  async #write(nodeName: string): Promise<void> {
    const { ctx, nodeOf } = this.#parts
    const kept = nodeOf(nodeName)
    if (!kept || this.#isClosed) return
    const pods = ctx.informers.lister<Pod>('v1/Pod')
    for (const pod of pods.list()) {
      const { metadata, spec } = pod
      if (spec.nodeName !== nodeName || metadata.annotations?.[MIRROR] === undefined) continue
      if (this.#of(pod) && metadata.deletionTimestamp === undefined) continue
      // Nobody's mirror, or one whose place another takes.
      await this.#tell(() => kept.client.delete('v1/Pod', { namespace: metadata.namespace, name: metadata.name ?? '' }, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }))
    }
    for (const [key, known] of this.#ending) if (known.nodeName === nodeName && !pods.get(known.namespace, known.name)) this.#ending.delete(key)
    for (const [key, known] of this.#wanted) {
      if (known.nodeName !== nodeName || this.#ending.has(key) || pods.get(known.namespace, known.name)) continue
      await this.#tell(() => kept.client.create(mirrorOf(known, kept.node, formatTime(ctx.clock.now()))))
    }
  }

  async #tell(write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } catch (error) {
      // One that is on its way out: its end wakes us.
      if (!isStatusError(error, 'AlreadyExists') && !isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) this.#parts.ctx.log.warn({ err: error }, 'a mirror pod was not written')
    }
  }
}
