/** The texts of `orrery --help` and `orrery help COMMAND`, made from the commands themselves. */
import type { Command, Flag } from './command.ts'

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())
}

export function overview(commands: readonly Command[]): string {
  return [
    'Orrery: a working model of a Kubernetes cluster in one process.',
    '',
    'Usage: orrery COMMAND [FLAGS]',
    '',
    'Commands:',
    ...table(commands.map((c) => [c.name, c.summary])),
    '',
    'Run "orrery help COMMAND" for the flags of a command.',
  ].join('\n')
}

/** `--port N`, as it is typed. */
export function flagUsage({ name, short, value }: Flag): string {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`
}

function flagNote(flag: Flag): string {
  const notes = [flag.default && `default ${flag.default}`, flag.env].filter(Boolean)
  return notes.length > 0 ? `${flag.summary} (${notes.join('; ')})` : flag.summary
}

export function commandHelp(command: Command): string {
  const usage = ['Usage: orrery', command.name, ...(command.args ?? []), ...(command.flags.length > 0 ? ['[FLAGS]'] : [])].join(' ')
  const flags = command.flags.length > 0 ? ['', 'Flags:', ...table(command.flags.map((f) => [flagUsage(f), flagNote(f)]))] : []
  return [`${command.summary}.`, '', usage, ...(command.description ? ['', command.description] : []), ...flags].join('\n')
}
