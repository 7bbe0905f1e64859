/**
 * Time and chance. Everything in Orrery that waits, expires, stamps or picks at random asks a `Clock` or a `Random`,
 * so that a cluster's time can be paused and wound, and a run repeated from its seed.
 * This file and the process entry are the only places that touch the host's clock and entropy.
 */
import { randomBytes, randomFillSync } from 'node:crypto'

/** A pending call; `cancel` is idempotent. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `fn` once, `delayMs` from now (at least 0). The timer alone does not keep the process alive. */
  after(delayMs: number, fn: () => void): Timer
  /** Resolves `delayMs` from now; rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** setTimeout overflows above this and would fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647

abstract class BaseClock implements Clock {
  abstract now(): number
  abstract after(delayMs: number, fn: () => void): Timer

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** The host's clock. */
export class SystemClock extends BaseClock {
  now(): number {
    return Date.now()
  }

  after(delayMs: number, fn: () => void): Timer {
    const due = Date.now() + delayMs
    let handle: NodeJS.Timeout
    const arm = (leftMs: number) => {
      handle = setTimeout(() => (due - Date.now() > 1 && leftMs > MAX_TIMEOUT_MS ? arm(due - Date.now()) : fn()), Math.max(0, Math.min(leftMs, MAX_TIMEOUT_MS)))
      handle.unref()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(handle) }
  }
}

interface Pending {
  due: number
  sequence: number
  fn: () => void
}

/** A clock that stands still until it is told to step; timers fire in order of due time, then of creation. */
export class FakeClock extends BaseClock {
  #nowMs: number
  #sequence = 0
  #pending: Pending[] = []

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    super()
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, fn: () => void): Timer {
    const pending = { due: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, fn }
    this.#pending.push(pending)
    return {
      cancel: () => {
        const index = this.#pending.indexOf(pending)
        if (index >= 0) this.#pending.splice(index, 1)
      },
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.length
  }

  /** When the next timer is due, in milliseconds since the epoch. */
  get nextDue(): number | undefined {
    return this.#first()?.due
  }

  /**
   * Moves time on by `ms`, firing what falls due on the way, and lets promises settle between firings so that what a
   * timer starts can arm further timers inside the same step.
   */
  async step(ms: number): Promise<void> {
    const target = this.#nowMs + ms
    await nextTurn()
    for (let next = this.#first(); next && next.due <= target; next = this.#first()) {
      this.#pending.splice(this.#pending.indexOf(next), 1)
      this.#nowMs = Math.max(this.#nowMs, next.due)
      next.fn()
      await nextTurn()
    }
    this.#nowMs = target
    await nextTurn()
  }

  #first(): Pending | undefined {
    let first: Pending | undefined
    for (const p of this.#pending) if (!first || p.due < first.due || (p.due === first.due && p.sequence < first.sequence)) first = p
    return first
  }
}

/**
 * One turn of the event loop: sockets and due timers get theirs, and every promise that can settle without time passing has
 * done so. Not a matter of time, so it needs no clock.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Milliseconds for measuring how long something took in this process; no time of the cluster's. */
export function monotonicMs(): number {
  return performance.now()
}

/** Gives the thread away for about so long: what computes for others leaves the server its share. Not a matter of the cluster's time either. */
export function respite(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export interface Random {
  /** A float in [0, 1). */
  float(): number
  /** An integer in [0, below). */
  int(below: number): number
  bytes(length: number): Uint8Array
  /** A random (version 4) UUID. */
  uuid(): string
  /** A suffix of `length` characters as upstream's `utilrand.String` makes them (no vowels, no 0 1 3). */
  suffix(length: number): string
}

const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

abstract class BaseRandom implements Random {
  abstract bytes(length: number): Uint8Array
  abstract float(): number

  int(below: number): number {
    return Math.floor(this.float() * below)
  }

  uuid(): string {
    const b = Buffer.from(this.bytes(16))
    b[6] = (b.readUInt8(6) & 0x0f) | 0x40
    b[8] = (b.readUInt8(8) & 0x3f) | 0x80
    const hex = b.toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  suffix(length: number): string {
    let out = ''
    for (let i = 0; i < length; i++) out += SUFFIX_ALPHABET[this.int(SUFFIX_ALPHABET.length)]
    return out
  }
}

/** The host's entropy; bytes are drawn in blocks, since one draw costs a microsecond. */
export class SystemRandom extends BaseRandom {
  #pool = Buffer.alloc(4096)
  #used = 4096

  bytes(length: number): Uint8Array {
    if (length > 1024) return randomBytes(length)
    if (this.#used + length > this.#pool.length) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const out = this.#pool.subarray(this.#used, this.#used + length)
    this.#used += length
    return Uint8Array.from(out)
  }

  float(): number {
    return Buffer.from(this.bytes(6)).readUIntBE(0, 6) / 2 ** 48
  }
}

/** A repeatable generator (mulberry32). Never for keys or tokens. */
export class SeededRandom extends BaseRandom {
  #state: number

  constructor(seed: number) {
    super()
    this.#state = seed >>> 0
  }

  float(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256))
  }
}

/** A time as metav1.Time is written: RFC 3339, whole seconds, UTC. */
export function formatTime(ms: number): string {
  const second = Math.floor(ms / 1000)
  // Thousands of objects are stamped within the same second.
  if (second !== lastFormatted.second) lastFormatted = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` }
  return lastFormatted.text
}

let lastFormatted = { second: NaN, text: '' }

/** A time as metav1.MicroTime is written: RFC 3339 with six decimals, UTC. */
export function formatMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`
}
