/** What a command of `orrery` is: one file of commands/ each, its help made from the same facts as its parsing. */
import type { ParseArgsConfig } from 'node:util'

export interface Flag {
  /** Without the dashes. */
  name: string
  short?: string
  /** What help calls the value; without one the flag takes none. */
  value?: string
  /** The variable that gives the same. */
  env?: string
  summary: string
  /** As help shows it. */
  default?: string
}

export interface Command {
  name: string
  summary: string
  /** Paragraphs that help prints below the usage. */
  description?: string
  flags: readonly Flag[]
  /** Names of the arguments that may follow, as help shows them. */
  args?: readonly string[]
  /** Resolves to the exit code. */
  run(call: Call, io: Io): Promise<number>
}

/** A command line as it was understood. */
export interface Call {
  flags: Readonly<Record<string, string | true>>
  args: readonly string[]
}

/** All that a command touches of the process that it runs in. */
export interface Io {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  out(line: string): void
  err(line: string): void
  /** Milliseconds since the process began. */
  uptimeMs(): number
  /** Resolves when the user asks for the end. */
  stopped: Promise<void>
}

/** Something the user can put right: told in one line, without a stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

export function defineCommand(command: Command): Command {
  return command
}

export function parseOptions(command: Command): NonNullable<ParseArgsConfig['options']> {
  const options = command.flags.map((flag) => [flag.name, { type: flag.value ? 'string' : 'boolean', ...(flag.short ? { short: flag.short } : {}) }] as const)
  return { ...Object.fromEntries(options), help: { type: 'boolean', short: 'h' } }
}
