/** The surroundings of a command, recorded. */
import type { Io } from '../../src/cli/command.ts'

export interface TestIo extends Io {
  printed(): string
  complained(): string
  stop(): void
}

export function testIo({ cwd = '/nowhere', env = {} }: { cwd?: string; env?: Record<string, string> } = {}): TestIo {
  const out: string[] = []
  const err: string[] = []
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  const text = (lines: string[]) => lines.map((line) => `${line}\n`).join('')
  return {
    cwd,
    env,
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    uptimeMs: () => 1234,
    stopped,
    printed: () => text(out),
    complained: () => text(err),
    stop,
  }
}
