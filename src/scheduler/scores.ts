/** Brings the scores of a plugin into the common range. Models pkg/scheduler/framework/plugins/helper/normalize_score.go. */
import { MAX_NODE_SCORE } from './framework.ts'

/** Scales from 0…max to 0…100; reversed, the largest becomes 0. */
export function normalizeToMax(scores: Float64Array, { reverse = false } = {}): void {
  let max = 0
  for (const score of scores) if (score > max) max = score
  if (max === 0) {
    if (reverse) scores.fill(MAX_NODE_SCORE)
    return
  }
  for (let i = 0; i < scores.length; i++) {
    const scaled = Math.trunc((MAX_NODE_SCORE * (scores[i] ?? 0)) / max)
    scores[i] = reverse ? MAX_NODE_SCORE - scaled : scaled
  }
}
