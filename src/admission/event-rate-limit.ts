/** Limits how many events are taken, by bucket. Models k8s.io/kubernetes/plugin/pkg/admission/eventratelimit. */
import type { EventSource, ObjectReference } from '../../schemas/types.ts'
import { TokenBucket } from '../apimachinery/token-bucket.ts'
import { aggregateTexts, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'

export const EVENT_LIMIT_TYPES = ['Server', 'Namespace', 'User', 'SourceAndObject'] as const

export interface EventRateLimitConfig {
  limits: readonly {
    type: (typeof EVENT_LIMIT_TYPES)[number]
    qps: number
    burst: number
    /** Buckets that are remembered; 4096 unless told. */
    cacheSize?: number
  }[]
}

/** Of core or of events.k8s.io. */
interface EventInEitherVersion {
  source?: EventSource
  deprecatedSource?: EventSource
  involvedObject?: ObjectReference
  regarding?: ObjectReference
}

type Limit = EventRateLimitConfig['limits'][number]

const CACHE_SIZE = 4096

const KEYS: Readonly<Record<Limit['type'], (attributes: AdmissionAttributes) => string>> = {
  Server: () => '',
  Namespace: ({ namespace }) => namespace,
  User: ({ ctx }) => ctx.user.name,
  SourceAndObject({ object }) {
    const event = (object ?? {}) as EventInEitherVersion
    const source = event.source ?? event.deprecatedSource ?? {}
    const about = event.involvedObject ?? event.regarding ?? {}
    return [source.component, source.host, about.kind, about.namespace, about.name, about.uid, about.apiVersion].join('')
  },
}

export function eventRateLimit({ limits }: EventRateLimitConfig): AdmissionPlugin {
  const enforcers = limits.map((limit) => new Enforcer(limit))
  return {
    name: 'EventRateLimit',
    validate(attributes) {
      const { operation, kind, ctx } = attributes
      const isEvent = kind.kind === 'Event' && (kind.group === '' || kind.group === 'events.k8s.io')
      if (!isEvent || ctx.dryRun || (operation !== 'CREATE' && operation !== 'UPDATE')) return
      const refusals = enforcers.flatMap((enforcer) => enforcer.accept(attributes) ?? [])
      if (refusals.length > 0) throw new StatusError({ code: 429, reason: 'TooManyRequests', message: `Too many requests: ${aggregateTexts(refusals)}` })
    },
  }
}

class Enforcer {
  readonly #limit: Limit
  /** The one used last is at the end. */
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(limit: Limit) {
    this.#limit = limit
  }

  /** Why the event is not taken; nothing when it is. */
  accept(attributes: AdmissionAttributes): string | undefined {
    const { type, qps, burst, cacheSize } = this.#limit
    const key = KEYS[type](attributes)
    const nowMs = attributes.ctx.clock.now()
    const bucket = this.#buckets.get(key) ?? new TokenBucket({ qps, burst }, nowMs)
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    this.#forgetOldest(cacheSize || CACHE_SIZE)
    return bucket.tryTake(nowMs) ? undefined : `limit reached on type ${type} for key ${key}`
  }

  #forgetOldest(limit: number): void {
    const [oldest] = this.#buckets.size > limit ? this.#buckets.keys() : []
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
