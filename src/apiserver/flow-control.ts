/**
 * Priority and fairness: which flow schema a request belongs to, and a seat in its priority level before anything is done
 * for it. Models k8s.io/apiserver/pkg/util/flowcontrol and pkg/server/filters/priority-and-fairness.go; seats are lent by
 * a fixed bound, not rebalanced every few seconds.
 */
import type { FlowcontrolV1Subject, FlowSchema, LimitedPriorityLevelConfiguration, PolicyRulesWithSubjects, PriorityLevelConfiguration } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import type { KubeObject, UserInfo } from '../registry/kind.ts'
import { FairQueue } from './fair-queue.ts'
import type { RequestInfo } from './request-info.ts'

const API = 'flowcontrol.apiserver.k8s.io/v1'
/** What upstream's --max-requests-inflight and --max-mutating-requests-inflight come to by default. */
const SERVER_SEATS = 600

/** Where schemas and levels come from: `add` for all that are there, then each change. Informers fit. */
interface ObjectFeeds {
  for<T extends KubeObject>(kind: string): { subscribe(handlers: { add(object: T): void; update(object: T, old: T): void; delete(object: T): void }): () => void }
}

interface Level {
  readonly name: string
  /** Absent where nothing is limited. */
  readonly queue: FairQueue | undefined
  readonly seats: number
  readonly uid: string
}

export interface FlowCounts {
  dispatched: number
  rejected: number
}

export interface Flow {
  readonly schema: string
  readonly level: string
  readonly seats: number
  readonly queue: FairQueue | undefined
  readonly counts: FlowCounts
  /** Response headers that tell which schema and level it was. */
  readonly headers: Readonly<Record<string, string>>
}

interface CompiledFlow extends Flow {
  readonly rules: readonly PolicyRulesWithSubjects[]
  readonly by: string | undefined
}

/** A request on its way: false when it must not go on. */
export interface Admission {
  readonly flow: Flow
  readonly seated: boolean | Promise<boolean>
}

export class FlowControl {
  readonly #schemas = new Map<string, FlowSchema>()
  readonly #configurations = new Map<string, PriorityLevelConfiguration>()
  readonly #counts = new Map<string, FlowCounts>()
  readonly #clock: Clock
  readonly #subscriptions: (() => void)[]
  #levels = new Map<string, Level>()
  #flows: CompiledFlow[] | undefined

  constructor(feeds: ObjectFeeds, clock: Clock) {
    this.#clock = clock
    const follow = <T extends KubeObject>(kind: string, into: Map<string, T>): (() => void) => {
      const set = (object: T): void => {
        into.set(object.metadata.name ?? '', object)
        this.#flows = undefined
      }
      const remove = ({ metadata }: T): void => {
        into.delete(metadata.name ?? '')
        this.#flows = undefined
      }
      return feeds.for<T>(`${API}/${kind}`).subscribe({ add: set, update: set, delete: remove })
    }
    this.#subscriptions = [follow('FlowSchema', this.#schemas), follow('PriorityLevelConfiguration', this.#configurations)]
  }

  /** undefined before there are schemas, and for connections, which would keep their seats for as long as they last. */
  admit(user: UserInfo, info: RequestInfo): Admission | undefined {
    const flow = this.flows.find(({ rules }) => rules.some((rule) => matchesRule(rule, user, info)))
    if (!flow) return undefined
    const { queue } = flow
    if (!queue) {
      flow.counts.dispatched++
      return { flow, seated: true }
    }
    const key = flow.by === 'ByUser' ? user.name : flow.by === 'ByNamespace' ? info.namespace : ''
    const seated = queue.enter(`${flow.schema}/${key}`)
    return { flow, seated: seated instanceof Promise ? seated.then((is) => count(flow, is)) : count(flow, seated) }
  }

  /** Flows in the order in which they are asked. */
  get flows(): readonly CompiledFlow[] {
    return (this.#flows ??= this.#compile())
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe()
  }

  #compile(): CompiledFlow[] {
    this.#levels = this.#compileLevels()
    const schemas = [...this.#schemas.values()].sort((a, b) => (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    return schemas.flatMap(({ metadata: { name = '', uid = '' }, spec }) => {
      const level = this.#levels.get(spec.priorityLevelConfiguration?.name ?? '')
      if (!level) return []
      const headers = { 'x-kubernetes-pf-flowschema-uid': uid, 'x-kubernetes-pf-prioritylevel-uid': level.uid }
      return [{ schema: name, level: level.name, seats: level.seats, queue: level.queue, counts: this.#countsOf(name), headers, rules: spec.rules ?? [], by: spec.distinguisherMethod?.type }]
    })
  }

  #compileLevels(): Map<string, Level> {
    const all = [...this.#configurations.values()]
    const shares = (spec: PriorityLevelConfiguration['spec']): number => (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? 0
    const sum = all.reduce((total, { spec }) => total + shares(spec), 0)
    const nominal = (level: PriorityLevelConfiguration): number => (sum === 0 ? 0 : Math.ceil((SERVER_SEATS * shares(level.spec)) / sum))
    const lendable = (level: PriorityLevelConfiguration): number => Math.round((nominal(level) * ((level.spec.limited ?? level.spec.exempt)?.lendablePercent ?? 0)) / 100)
    const allLendable = all.reduce((total, level) => total + lendable(level), 0)
    return new Map(
      all.map((configuration) => {
        const { name = '', uid = '' } = configuration.metadata
        const { limited } = configuration.spec
        const seats = nominal(configuration)
        const queue = limited && this.#queueOf(name, limited, seats + Math.min(borrowable(limited, seats), allLendable - lendable(configuration)))
        return [name, { name, uid, seats, queue }]
      }),
    )
  }

  /** Requests that wait keep their queue when its level changes. */
  #queueOf(name: string, { limitResponse = {} }: LimitedPriorityLevelConfiguration, seats: number): FairQueue {
    const { queues = 0, handSize = 0, queueLengthLimit = 0 } = limitResponse.queuing ?? {}
    const limits = { seats, queuing: limitResponse.type === 'Queue' ? { queues, handSize, queueLength: queueLengthLimit } : undefined }
    const known = this.#levels.get(name)?.queue
    if (!known) return new FairQueue(this.#clock, limits)
    known.limits = limits
    return known
  }

  #countsOf(schema: string): FlowCounts {
    const known = this.#counts.get(schema) ?? { dispatched: 0, rejected: 0 }
    this.#counts.set(schema, known)
    return known
  }
}

function borrowable({ borrowingLimitPercent }: LimitedPriorityLevelConfiguration, seats: number): number {
  return borrowingLimitPercent === undefined ? SERVER_SEATS : Math.round((seats * borrowingLimitPercent) / 100)
}

function count({ counts }: Flow, isSeated: boolean): boolean {
  if (isSeated) counts.dispatched++
  else counts.rejected++
  return isSeated
}

function matchesRule({ subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, user: UserInfo, info: RequestInfo): boolean {
  if (!subjects.some((subject) => matchesSubject(subject, user))) return false
  if (!info.isResourceRequest) return nonResourceRules.some(({ verbs, nonResourceURLs }) => has(verbs, info.verb) && (nonResourceURLs ?? []).some((url) => matchesURL(url, info.path)))
  const resource = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  return resourceRules.some(
    (rule) => has(rule.verbs, info.verb) && has(rule.apiGroups, info.group) && has(rule.resources, resource) && (info.namespace ? has(rule.namespaces, info.namespace) : rule.clusterScope === true),
  )
}

const has = (list: readonly string[] | undefined, value: string): boolean => list !== undefined && (list.includes('*') || list.includes(value))

function matchesSubject({ kind, user, group, serviceAccount }: FlowcontrolV1Subject, who: UserInfo): boolean {
  if (kind === 'User') return user?.name === '*' || user?.name === who.name
  if (kind === 'Group') return group?.name === '*' || (group?.name !== undefined && who.groups.includes(group.name))
  const prefix = `system:serviceaccount:${serviceAccount?.namespace ?? ''}:`
  return serviceAccount?.name === '*' ? who.name.startsWith(prefix) : who.name === `${prefix}${serviceAccount?.name ?? ''}`
}

function matchesURL(url: string, path: string): boolean {
  return url === '*' || url === path || (url.endsWith('/*') && `${path.replace(/\/+$/, '')}/`.startsWith(url.slice(0, -1)))
}
