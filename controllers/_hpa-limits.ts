/**
 * How fast an autoscaler may go where its metrics tell it: stabilization windows, scaling policies, bounds.
 * Models the normalization in k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go.
 */
import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../schemas/types.ts'

const DOWNSCALE_WINDOW_MS = 5 * 60_000
const UP_FACTOR = 2
const UP_LEAST = 4

interface Recommendation {
  replicas: number
  atMs: number
}

interface ScaleEvent {
  change: number
  atMs: number
}

/** What an autoscaler recommended and did of late. */
export class History {
  #recommendations: Recommendation[] = []
  #ups: ScaleEvent[] = []
  #downs: ScaleEvent[] = []

  /** What was there before the first recommendation counts as one. */
  begin(replicas: number, nowMs: number): void {
    if (this.#recommendations.length === 0) this.#recommendations.push({ replicas, atMs: nowMs })
  }

  /** The recommendations of the window, before this one is added to them. */
  recommend(replicas: number, nowMs: number, keepMs: number): readonly Recommendation[] {
    const recent = this.#recommendations.filter(({ atMs }) => atMs >= nowMs - keepMs)
    this.#recommendations = [...recent, { replicas, atMs: nowMs }]
    return recent
  }

  /** Remembers a rescale for as long as the policies look back. */
  rescaled(from: number, to: number, behavior: HorizontalPodAutoscalerBehavior | undefined, nowMs: number): void {
    if (!behavior) return
    const add = (events: ScaleEvent[], rules: HPAScalingRules | undefined) => [
      ...events.filter(({ atMs }) => atMs >= nowMs - longestPeriodMs(rules)),
      { change: Math.abs(to - from), atMs: nowMs },
    ]
    if (to > from) this.#ups = add(this.#ups, behavior.scaleUp)
    else this.#downs = add(this.#downs, behavior.scaleDown)
  }

  /** How many there were when a period began that ends now. */
  before(current: number, periodSeconds: number, nowMs: number): number {
    const changed = (events: readonly ScaleEvent[]) => events.filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000).reduce((sum, { change }) => sum + change, 0)
    return current - changed(this.#ups) + changed(this.#downs)
  }
}

const longestPeriodMs = (rules: HPAScalingRules | undefined): number => Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds = 0 }) => periodSeconds * 1000))

export interface Wish {
  current: number
  desired: number
  min: number
  max: number
  behavior: HorizontalPodAutoscalerBehavior | undefined
}

interface Verdict {
  reason: string
  message: string
}

export interface Normalized {
  replicas: number
  /** Of the condition AbleToScale, which is True. */
  able: Verdict
  /** Of the condition ScalingLimited. */
  limited: Verdict & { status: 'True' | 'False' }
}

const READY = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const UP_STABILIZED = { reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' }
const DOWN_STABILIZED = { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' }
const IN_RANGE = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const TOO_MANY = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }
const TOO_FEW = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }
const UP_LIMIT = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' }
const DOWN_LIMIT = { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' }

/** What is done about a wish. It is added to the history. */
export function normalize(wish: Wish, history: History, nowMs: number): Normalized {
  const stable = wish.behavior ? stabilizedBy(wish, history, nowMs) : stabilized(wish, history, nowMs)
  const stabilization = wish.behavior && wish.desired >= wish.current ? UP_STABILIZED : DOWN_STABILIZED
  const able = stable === wish.desired ? READY : stabilization
  const bounded = wish.behavior ? boundedBy({ ...wish, desired: stable }, history, nowMs) : bound({ ...wish, desired: stable })
  return { replicas: bounded.replicas, able, limited: { ...bounded.why, status: bounded.replicas === stable ? 'False' : 'True' } }
}

function stabilized({ desired }: Wish, history: History, nowMs: number): number {
  return Math.max(desired, ...history.recommend(desired, nowMs, DOWNSCALE_WINDOW_MS).map(({ replicas }) => replicas))
}

function stabilizedBy({ current, desired, behavior }: Wish, history: History, nowMs: number): number {
  const upMs = windowMs(behavior?.scaleUp)
  const downMs = windowMs(behavior?.scaleDown)
  const recent = history.recommend(desired, nowMs, Math.max(upMs, downMs))
  const within = (ms: number) => recent.filter(({ atMs }) => atMs > nowMs - ms).map(({ replicas }) => replicas)
  const up = Math.min(desired, ...within(upMs))
  const down = Math.max(desired, ...within(downMs))
  return Math.min(Math.max(current, up), down)
}

const windowMs = (rules: HPAScalingRules | undefined): number => (rules?.stabilizationWindowSeconds === undefined ? DOWNSCALE_WINDOW_MS : rules.stabilizationWindowSeconds * 1000)

interface Bounded {
  replicas: number
  why: Verdict
}

function bound({ current, desired, min, max }: Wish): Bounded {
  const limit = Math.max(UP_FACTOR * current, UP_LEAST)
  if (desired < min) return { replicas: min, why: TOO_FEW }
  if (desired > Math.min(max, limit)) return max > limit ? { replicas: limit, why: UP_LIMIT } : { replicas: max, why: TOO_MANY }
  return { replicas: desired, why: IN_RANGE }
}

function boundedBy({ current, desired, min, max, behavior }: Wish, history: History, nowMs: number): Bounded {
  const limit = (rules: HPAScalingRules | undefined, direction: 1 | -1) => rateLimit(rules, { current, direction, before: (seconds) => history.before(current, seconds, nowMs) })
  if (desired > current) {
    const up = Math.max(limit(behavior?.scaleUp, 1), current)
    if (desired > Math.min(max, up)) return max > up ? { replicas: up, why: UP_LIMIT } : { replicas: max, why: TOO_MANY }
  } else if (desired < current) {
    const down = Math.min(limit(behavior?.scaleDown, -1), current)
    if (desired < Math.max(min, down)) return min < down ? { replicas: down, why: DOWN_LIMIT } : { replicas: min, why: TOO_FEW }
  }
  return { replicas: desired, why: IN_RANGE }
}

/** How far the policies let go in a direction. */
function rateLimit(rules: HPAScalingRules | undefined, { current, direction, before }: { current: number; direction: 1 | -1; before(periodSeconds: number): number }): number {
  if (rules?.selectPolicy === 'Disabled') return current
  const limits = (rules?.policies ?? []).map(({ type, value = 0, periodSeconds = 0 }) => {
    const start = before(periodSeconds)
    if (type === 'Pods') return start + direction * value
    return direction > 0 ? Math.ceil(start * (1 + value / 100)) : Math.trunc(start * (1 - value / 100))
  })
  // The farthest policy counts, unless the least change is selected.
  const high = direction > 0 === (rules?.selectPolicy !== 'Min')
  return high ? Math.max(...limits) : Math.min(...limits)
}
