/**
 * Stages say what becomes of nodes and pods that run nothing: each matches objects by their fields and tells the delays and
 * outcomes that follow. All that match apply, those that ship in the order of their files, then users'; later ones win, and
 * what a pod's own annotations say comes last. Models the Stage of sigs.k8s.io/kwok in a smaller shape.
 */
import files from 'folder:src/kubelet/stages'
import type { NodeCondition, NodeFeatures, NodeRuntimeHandler, NodeSystemInfo, Pod } from '../../schemas/types.ts'
import { parseChecked } from '../apimachinery/checked-yaml.ts'
import { parseDuration } from '../apimachinery/go-duration.ts'
import { compilePath } from './field-path.ts'
import type { Pull } from './images.ts'
import { Pattern } from './sandbox/shell/pattern.ts'
import { annotated } from './stage-annotations.ts'
import { stageComplaint, stagesSchema } from './stage-schema.ts'

export interface ContainerOutcome {
  /** From the decision to start the container until it runs. */
  startAfterMs: number
  /** From running until ready; never when negative. */
  readyAfterMs: number
  /** From running until it ends by itself; absent for a container that stays. */
  exitAfterMs?: number
  exitCode?: number
  /** Completed or Error by the code unless told. */
  exitReason?: string
  exitMessage?: string
}

export interface PodOutcome {
  init: ContainerOutcome
  sidecar: ContainerOutcome
  container: ContainerOutcome
  /** By name, over what is told for all. */
  containers: ReadonlyMap<string, Partial<ContainerOutcome>>
  /** How long a container takes to end when it is asked to. */
  stopAfterMs: number
  /** How its images are pulled; at once unless told. */
  pull?: Pull
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

/** An outcome as a file tells it. */
export interface ToldOutcome {
  startAfter?: string
  readyAfter?: string
  exitAfter?: string
  exitCode?: number
  exitReason?: string
  exitMessage?: string
}

export interface ToldNext {
  init?: ToldOutcome
  sidecar?: ToldOutcome
  container?: ToldOutcome
  containers?: Readonly<Record<string, ToldOutcome>>
  stopAfter?: string
  pull?: Pull
}

interface Match {
  path: string
  in?: readonly unknown[]
  notIn?: readonly unknown[]
  like?: readonly string[]
  exists?: boolean
}

export type ToldStage = { kind: 'Node'; name: string; next: Partial<NodeStage> } | { kind: 'Pod'; name: string; match?: readonly Match[]; next: ToldNext }

interface PodStage {
  matches(pod: Pod): boolean
  next: Next
}

/** What is told, with its durations read. */
interface Next {
  roles: Readonly<Record<'init' | 'sidecar' | 'container', Partial<ContainerOutcome>>>
  containers: readonly (readonly [string, Partial<ContainerOutcome>])[]
  stopAfterMs?: number
  pull?: Pull
}

const PLAIN: ContainerOutcome = { startAfterMs: 0, readyAfterMs: 0 }
const NEVER = 'never'
const OOM_KILLED = 'OOMKilled'

export class Stages {
  readonly node: NodeStage
  readonly #pod: readonly PodStage[]

  constructor(own: readonly ToldStage[] = [], shipped: readonly unknown[] = files) {
    const all = [...(shipped as ToldStage[]), ...own]
    this.#pod = all.flatMap((s) => (s.kind === 'Pod' ? [{ matches: compileMatch(s.match ?? []), next: readNext(s.next) }] : []))
    const node: NodeStage = { capacity: {}, conditions: [], kubeletPort: 0, nodeInfo: {} }
    this.node = all.reduce((known, s) => (s.kind === 'Node' ? { ...known, ...s.next } : known), node)
  }

  outcomeOf(pod: Pod): PodOutcome {
    const containers = new Map<string, Partial<ContainerOutcome>>()
    const outcome: PodOutcome = { init: { ...PLAIN }, sidecar: { ...PLAIN }, container: { ...PLAIN }, containers, stopAfterMs: 0 }
    const nexts = this.#pod.filter((stage) => stage.matches(pod)).map(({ next }) => next)
    const own = annotated(pod)
    for (const { roles, containers: named, stopAfterMs, pull } of own ? [...nexts, readNext(own)] : nexts) {
      Object.assign(outcome.init, roles.init)
      Object.assign(outcome.sidecar, roles.sidecar)
      Object.assign(outcome.container, roles.container)
      for (const [name, told] of named) containers.set(name, { ...containers.get(name), ...told })
      if (stopAfterMs !== undefined) outcome.stopAfterMs = stopAfterMs
      if (pull) outcome.pull = pull
    }
    return outcome
  }
}

/** Stages of a user's file. @throws YamlError */
export function parseStages(text: string, file: string): ToldStage[] {
  const value = parseChecked(text, { file, schema: stagesSchema, what: 'a list of stages', check: stageComplaint })
  return [value].flat() as ToldStage[]
}

function milliseconds(text: string): number {
  return Number(parseDuration(text)) / 1e6
}

function readNext({ init, sidecar, container, containers = {}, stopAfter, pull }: ToldNext): Next {
  return {
    roles: { init: outcomeTold(init), sidecar: outcomeTold(sidecar), container: outcomeTold(container) },
    containers: Object.entries(containers).map(([name, told]) => [name, outcomeTold(told)] as const),
    ...(stopAfter === undefined ? {} : { stopAfterMs: milliseconds(stopAfter) }),
    ...(pull ? { pull } : {}),
  }
}

function outcomeTold({ startAfter, readyAfter, exitAfter, exitCode, exitReason, exitMessage }: ToldOutcome = {}): Partial<ContainerOutcome> {
  const code = exitCode ?? (exitReason === OOM_KILLED ? 137 : undefined)
  return {
    ...(startAfter === undefined ? {} : { startAfterMs: milliseconds(startAfter) }),
    ...(readyAfter === undefined ? {} : { readyAfterMs: readyAfter === NEVER ? -1 : milliseconds(readyAfter) }),
    ...(exitAfter === undefined || exitAfter === NEVER ? {} : { exitAfterMs: milliseconds(exitAfter) }),
    ...(code === undefined ? {} : { exitCode: code }),
    ...(exitReason === undefined ? {} : { exitReason }),
    ...(exitMessage === undefined ? {} : { exitMessage }),
  }
}

/** All must hold. A path over a list holds when one of its values does. */
function compileMatch(match: readonly Match[]): (object: object) => boolean {
  const tests = match.map(({ path, in: wanted, notIn: unwanted, like, exists }) => {
    const read = compilePath(path)
    if (wanted) return (o: object) => read(o).some((v) => wanted.includes(v))
    if (unwanted) return (o: object) => !read(o).some((v) => unwanted.includes(v))
    const patterns = like?.map((text) => new Pattern(text))
    if (patterns) return (o: object) => read(o).some((v) => patterns.some((p) => p.matches(String(v))))
    return (o: object) => read(o).length > 0 === exists
  })
  return (object) => tests.every((test) => test(object))
}
