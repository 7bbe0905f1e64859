/** Timing of many calls and its printing. */

export interface Load {
  name: string
  calls: number
  /** How many are under way at once. */
  atOnce: number
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Runs `call` with 0 … calls-1 and prints calls a second and how long one took. */
export async function measure({ name, calls, atOnce }: Load, call: (i: number) => Promise<unknown>): Promise<void> {
  const tookMs: number[] = []
  let next = 0
  const start = performance.now()
  const work = async () => {
    for (let i = next++; i < calls; i = next++) {
      const begun = performance.now()
      await call(i)
      tookMs.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  const seconds = (performance.now() - start) / 1000
  tookMs.sort((a, b) => a - b)
  row(name, `${Math.round(calls / seconds)}/s`, `p50 ${percentile(tookMs, 0.5).toFixed(1)} ms`, `p99 ${percentile(tookMs, 0.99).toFixed(1)} ms`)
}

export function row(name: string, ...cells: string[]): void {
  console.log([name.padEnd(44), ...cells.map((cell) => cell.padStart(16))].join(' '))
}
