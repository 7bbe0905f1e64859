/** What a pod's own annotations say becomes of it: `orrery.io/exit-after: 30s` and its like. */
import type { Pod } from '../../schemas/types.ts'
import type { ToldNext } from './stages.ts'

const PREFIX = 'orrery.io/'

type Apply = (next: Writable, value: string) => void
type Writable = { -readonly [K in keyof ToldNext]: ToldNext[K] }

const outcome = (set: (value: string) => NonNullable<ToldNext['container']>): Apply => (next, value) => {
  next.container = { ...next.container, ...set(value) }
}

const ANNOTATIONS: Readonly<Record<string, Apply>> = {
  'start-after': outcome((startAfter) => ({ startAfter })),
  'ready-after': outcome((readyAfter) => ({ readyAfter })),
  'exit-after': outcome((exitAfter) => ({ exitAfter })),
  'exit-code': outcome((code) => ({ exitCode: Number(code) || 0 })),
  'exit-reason': outcome((exitReason) => ({ exitReason })),
  'exit-message': outcome((exitMessage) => ({ exitMessage })),
  'stop-after': (next, stopAfter) => {
    next.stopAfter = stopAfter
  },
  'pull-after': (next, after) => {
    next.pull = { ...next.pull, after }
  },
  'pull-failure': (next, failure) => {
    next.pull = { ...next.pull, failure }
  },
  'pull-failures': (next, count) => {
    next.pull = { ...next.pull, failures: Number(count) || 0 }
  },
}

/** Pod and Node annotation: which runtime runs its containers. */
export const RUNTIME_ANNOTATION = `${PREFIX}runtime`
/** What it may say. */
export const RUNTIMES = ['shell', 'stages', 'host'] as const

const DURATION = /^(?:never|0|(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+)$/

/** Undefined when there are none. A duration that is none is as if it were not there. */
export function annotated({ metadata }: Pod): ToldNext | undefined {
  let next: Writable | undefined
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : ''
    const apply = ANNOTATIONS[name]
    if (apply && (!name.endsWith('-after') || DURATION.test(value))) apply((next ??= {}), value)
  }
  return next
}

/** Those that are not understood, for their owner to be told. */
export function misunderstood({ metadata }: Pod): string[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => {
    const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : ''
    if (name.endsWith('-after') && name in ANNOTATIONS && !DURATION.test(value)) return [`${key}: "${value}" is no duration such as 500ms, 3s or 1m30s`]
    if ((name === 'exit-code' || name === 'pull-failures') && !/^\d+$/.test(value)) return [`${key}: "${value}" is no number`]
    if (key === RUNTIME_ANNOTATION && !RUNTIMES.some((runtime) => runtime === value)) return [`${key}: "${value}" is no runtime: ${RUNTIMES.join(', ')}`]
    return []
  })
}
