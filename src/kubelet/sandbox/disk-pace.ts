/**
 * How fast files are written: all sandboxes together as fast as a disk is. Memory that grows faster than this keeps the
 * collector busy, and the server waiting.
 */
import { monotonicMs, respite } from '../../clock.ts'

const BYTES_PER_MS = 40 * 1024
/** What may be written at once after a rest. */
const CREDIT_MS = 400
/** Nobody waits for less. */
const LEAST_MS = 5

let freeAtMs = 0

/** Something to wait for before more is written. */
export function paced(bytes: number): Promise<void> | undefined {
  const now = monotonicMs()
  freeAtMs = Math.max(freeAtMs, now - CREDIT_MS) + bytes / BYTES_PER_MS
  return freeAtMs - now >= LEAST_MS ? respite(freeAtMs - now) : undefined
}
