/**
 * Pods that nobody asked the API for: manifests in a folder of the host, for a node that is configured with one. What the API
 * shows are their mirrors, which come back when they are deleted and go when their file does.
 * Models pkg/kubelet/config/{file,common}.go and pkg/kubelet/pod/mirror_client.go.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Pod } from '../../schemas/types.ts'
import { parseChecked } from '../apimachinery/checked-yaml.ts'
import { formatTime, type Timer } from '../clock.ts'
import type { ControllerContext } from '../controller/controller.ts'
import { isStatusError } from '../errors.ts'
import type { KeptNode } from './node-keeper.ts'

/** As a kubelet's fileCheckFrequency. */
const LOOK_MS = 20_000
const MAX_FILES = 500
const HASH = 'kubernetes.io/config.hash'
const MIRROR = 'kubernetes.io/config.mirror'
const SOURCE = 'kubernetes.io/config.source'
const SEEN = 'kubernetes.io/config.seen'

const MANIFEST = {
  type: 'object',
  required: ['kind', 'metadata', 'spec'],
  properties: { kind: { const: 'Pod' }, metadata: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } }, spec: { type: 'object' } },
} as const

export interface StaticPodsParts {
  ctx: ControllerContext
  /** The folder of each node that has one. */
  dirs: ReadonlyMap<string, string>
  nodeOf(name: string): KeptNode | undefined
}

export class StaticPods {
  readonly #parts: StaticPodsParts
  readonly #unsubscribe: () => void
  #timer: Timer | undefined
  #syncing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(parts: StaticPodsParts) {
    this.#parts = parts
    const { informers } = parts.ctx
    const gone = (pod: Pod) => {
      if (pod.metadata.annotations?.[MIRROR] !== undefined && parts.dirs.has(pod.spec.nodeName ?? '')) this.look()
    }
    this.#unsubscribe = parts.dirs.size > 0 ? informers.for<Pod>('v1/Pod').subscribe({ delete: gone }) : () => {}
  }

  /** Makes the mirrors what the folders say, now and from time to time. */
  look(): void {
    const { ctx, dirs } = this.#parts
    if (dirs.size === 0 || this.#isClosed) return
    this.#syncing = this.#syncing.then(async () => {
      for (const [name, dir] of dirs) await this.#sync(name, dir)
    })
    this.#timer?.cancel()
    this.#timer = ctx.clock.after(LOOK_MS, () => this.look())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#unsubscribe()
  }

  async #sync(nodeName: string, dir: string): Promise<void> {
    const { ctx, nodeOf } = this.#parts
    const kept = nodeOf(nodeName)
    if (!kept || this.#isClosed) return
    const wanted = new Map(this.#read(dir).map((pod) => mirrorOf(pod, kept, formatTime(ctx.clock.now()))).map((pod) => [`${pod.metadata.namespace}/${pod.metadata.name}`, pod]))
    const mirrors = ctx.informers.lister<Pod>('v1/Pod').list().filter(({ metadata, spec }) => spec.nodeName === nodeName && metadata.annotations?.[MIRROR] !== undefined)
    for (const { metadata } of mirrors) {
      const key = `${metadata.namespace}/${metadata.name}`
      const isSame = wanted.get(key)?.metadata.annotations?.[HASH] === metadata.annotations?.[HASH]
      if (isSame) wanted.delete(key)
      // Another takes its place once it has gone.
      else await this.#tell(() => kept.client.delete('v1/Pod', { namespace: metadata.namespace, name: metadata.name ?? '' }, { gracePeriodSeconds: 0 }))
    }
    for (const pod of wanted.values()) await this.#tell(() => kept.client.create(pod))
  }

  async #tell(write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } catch (error) {
      // One that is on its way out: its end wakes us.
      if (!isStatusError(error, 'AlreadyExists') && !isStatusError(error, 'NotFound')) this.#parts.ctx.log.warn({ err: error }, 'a mirror pod was not written')
    }
  }

  #read(dir: string): Pod[] {
    const { log } = this.#parts.ctx
    let names: string[]
    try {
      names = fs.readdirSync(dir).filter((name) => !name.startsWith('.')).sort().slice(0, MAX_FILES)
    } catch (error) {
      log.warn({ dir, err: error }, 'static pods were not read')
      return []
    }
    return names.flatMap((name) => {
      const file = path.join(dir, name)
      try {
        return [parseChecked(fs.readFileSync(file, 'utf8'), { file, schema: MANIFEST, what: 'a Pod' }) as Pod]
      } catch (error) {
        log.warn({ file, problem: error instanceof Error ? error.message : String(error) }, 'a static pod was not understood')
        return []
      }
    })
  }
}

/** Named after its node, bound to it, and staying whatever happens to the node. */
export function mirrorOf({ metadata, spec }: Pod, { name: nodeName, node }: Pick<KeptNode, 'name' | 'node'>, now: string): Pod {
  const hash = createHash('md5').update(`host:${nodeName}`).update(JSON.stringify({ metadata, spec })).digest('hex')
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace ?? 'default',
      annotations: { ...metadata.annotations, [HASH]: hash, [MIRROR]: hash, [SEEN]: now, [SOURCE]: 'file' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid ?? '', controller: true }],
    },
    spec: { ...spec, nodeName, tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }] },
  }
}
