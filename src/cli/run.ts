/** Understands a command line and runs the command that it names; every failure becomes one line and exit code 1. */
import { parseArgs } from 'node:util'
import modules from 'folder:src/cli/commands'
import { parseOptions, UserError, type Call, type Command, type Io } from './command.ts'
import { commandHelp, overview } from './help.ts'
import { suggestion } from '../apimachinery/suggestion.ts'

// The build fills the list with what the files of commands/ export.
const commands = modules as Command[]
const helpCommand: Command = {
  name: 'help',
  summary: 'Tell what a command does and which flags it takes',
  args: ['[COMMAND]'],
  flags: [],
  async run({ args: [name] }, io) {
    io.out(name === undefined ? overview(allCommands()) : commandHelp(find(name)))
    return 0
  },
}

export function allCommands(): readonly Command[] {
  return [...commands, helpCommand]
}

function find(name: string): Command {
  const known = allCommands()
  const command = known.find((c) => c.name === name)
  if (command) return command
  throw new UserError(`unknown command "${name}"${suggestion(name, known.map((c) => c.name))}; "orrery --help" lists them`)
}

/** Resolves to the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const [first, ...rest] = argv
    if (first === '--help' || first === '-h' || first === undefined) return await helpCommand.run({ flags: {}, args: [] }, io)
    const command = find(first === '--version' ? 'version' : first)
    const call = parse(command, rest)
    if (call.flags.help) return await helpCommand.run({ flags: {}, args: [command.name] }, io)
    return await command.run(call, io)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    io.err(`orrery: ${error.message}`)
    return 1
  }
}

function parse(command: Command, argv: string[]): Call {
  const hint = `"orrery help ${command.name}" lists them`
  const { tokens, values, positionals } = parseArgs({ args: argv, options: parseOptions(command), allowPositionals: true, strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const flag = token.name === 'help' ? { name: 'help', summary: '' } : command.flags.find((f) => f.name === token.name)
    if (!flag) throw new UserError(`unknown flag ${token.rawName}${suggestion(token.name, command.flags.map((f) => f.name))}; ${hint}`)
    if ('value' in flag && token.value === undefined) throw new UserError(`flag --${flag.name} needs a value: --${flag.name} ${flag.value}`)
    if (!('value' in flag) && token.value !== undefined) throw new UserError(`flag --${flag.name} takes no value`)
  }
  const surplus = positionals[command.args?.length ?? 0]
  if (surplus !== undefined) throw new UserError(`unexpected argument "${surplus}"; "orrery help ${command.name}" shows the usage`)
  const flags = Object.entries(values).flatMap(([name, value]) => (typeof value === 'string' || value === true ? [[name, value] as const] : []))
  return { flags: Object.fromEntries(flags), args: positionals }
}
