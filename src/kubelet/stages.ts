/**
 * Stages say what becomes of nodes and pods that run nothing: each file of stages/ matches objects by their fields and
 * tells the delays and outcomes that follow. All that match apply, in the order of their names; later ones win.
 * Models the Stage of sigs.k8s.io/kwok in a smaller shape.
 */
import files from 'folder:src/kubelet/stages'
import { isRecord } from '../apimachinery/json.ts'
import { compilePath } from './field-path.ts'
import type { NodeCondition, NodeFeatures, NodeRuntimeHandler, NodeSystemInfo, Pod } from '../../schemas/types.ts'

export interface ContainerOutcome {
  /** From the decision to start the container until it runs. */
  startAfterMs: number
  /** From running until ready; never when negative. */
  readyAfterMs: number
  /** From running until it ends by itself; absent for a container that stays. */
  exitAfterMs?: number
  exitCode?: number
}

export interface PodOutcome {
  init: ContainerOutcome
  sidecar: ContainerOutcome
  container: ContainerOutcome
  /** How long a container takes to end when it is asked to. */
  stopAfterMs: number
}

export interface NodeStage {
  capacity: Readonly<Record<string, string>>
  conditions: readonly NodeCondition[]
  kubeletPort: number
  nodeInfo: NodeSystemInfo
  /** Told by nodes that report in full. */
  declaredFeatures?: readonly string[]
  features?: NodeFeatures
  runtimeHandlers?: readonly NodeRuntimeHandler[]
}

interface PodStage {
  name: string
  matches(pod: Pod): boolean
  next: { init?: Partial<ContainerOutcome>; sidecar?: Partial<ContainerOutcome>; container?: Partial<ContainerOutcome>; stopAfterMs?: number }
}

const PLAIN: ContainerOutcome = { startAfterMs: 0, readyAfterMs: 0 }

export class Stages {
  readonly node: NodeStage
  readonly #pod: readonly PodStage[]

  constructor(contents: readonly unknown[] = files) {
    const all = contents.map((c, i) => parseStage(c, i))
    this.#pod = all.flatMap((s) => (s.kind === 'Pod' ? [s.stage] : []))
    const node: NodeStage = { capacity: {}, conditions: [], kubeletPort: 0, nodeInfo: {} }
    this.node = all.reduce((known, s) => (s.kind === 'Node' ? { ...known, ...s.stage } : known), node)
  }

  outcomeOf(pod: Pod): PodOutcome {
    const outcome: PodOutcome = { init: { ...PLAIN }, sidecar: { ...PLAIN }, container: { ...PLAIN }, stopAfterMs: 0 }
    for (const stage of this.#pod) {
      if (!stage.matches(pod)) continue
      const { init, sidecar, container, stopAfterMs } = stage.next
      if (init) Object.assign(outcome.init, init)
      if (sidecar) Object.assign(outcome.sidecar, sidecar)
      if (container) Object.assign(outcome.container, container)
      if (stopAfterMs !== undefined) outcome.stopAfterMs = stopAfterMs
    }
    return outcome
  }
}

type Parsed = { kind: 'Pod'; stage: PodStage } | { kind: 'Node'; stage: Partial<NodeStage> }

function parseStage(content: unknown, index: number): Parsed {
  if (!isRecord(content) || !isRecord(content.next)) throw new Error(`stage ${index}: needs kind, name and next`)
  const { kind, name, match, next } = content
  if (kind === 'Node') return { kind, stage: next }
  if (kind !== 'Pod') throw new Error(`stage ${String(name)}: kind must be Pod or Node`)
  return { kind, stage: { name: String(name), matches: compileMatch(match, String(name)), next } }
}

/** A list of `{ path, in | notIn | exists }`, all of which must hold. A path over a list holds when one of its values does. */
function compileMatch(match: unknown, stage: string): (object: object) => boolean {
  if (match === undefined) return () => true
  if (!Array.isArray(match)) throw new Error(`stage ${stage}: match must be a list`)
  const tests = match.map((m: unknown) => {
    if (!isRecord(m) || typeof m.path !== 'string') throw new Error(`stage ${stage}: each match needs a path`)
    const read = compilePath(m.path)
    const { in: wanted, notIn: unwanted, exists } = m
    if (Array.isArray(wanted)) return (o: object) => read(o).some((v) => wanted.includes(v))
    if (Array.isArray(unwanted)) return (o: object) => !read(o).some((v) => unwanted.includes(v))
    if (typeof exists === 'boolean') return (o: object) => read(o).length > 0 === exists
    throw new Error(`stage ${stage}: ${m.path} needs in, notIn or exists`)
  })
  return (object) => tests.every((test) => test(object))
}
