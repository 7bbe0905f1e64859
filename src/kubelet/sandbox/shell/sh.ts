/** The program `sh`: a script from -c, a file, or standard input. */
import type { Command, ParsedScript } from 'unbash'
import type { Process } from '../process.ts'
import { contentOf } from '../vfs.ts'
import { builtins, setOption } from './builtins.ts'
import { Executor } from './execute.ts'
import { ShellState } from './state.ts'

interface Invocation {
  script?: string
  name: string
  args: string[]
  interactive: boolean
}

export async function sh(process: Process): Promise<number> {
  const shell = new ShellState(process)
  const executor = new Executor(shell)
  return executor.toEnd(async () => {
    const invocation = await readInvocation(process, shell)
    if (typeof invocation === 'number') return invocation
    shell.name = invocation.name
    shell.args = invocation.args
    if (invocation.script === undefined) return fromInput(executor, invocation.interactive)
    const only = onlyCommand(process.sandbox.parse(invocation.script))
    // As shells do to save a process: the last command takes the shell's place.
    if (only && process.argv.includes('-c')) return executor.evaluateText(`exec ${invocation.script}`)
    return executor.evaluateText(invocation.script)
  })
}

async function readInvocation(process: Process, shell: ShellState): Promise<Invocation | number> {
  const args = [...process.args]
  let isCommand = false
  let interactive = process.isTTY(0)
  while (/^[-+]./.test(args[0] ?? '') && args[0] !== '--') {
    const flag = args.shift() ?? ''
    if (flag.startsWith('--')) continue
    for (const letter of flag.slice(1)) {
      if (letter === 'c') isCommand = true
      else if (letter === 'i') interactive = true
      else if (letter === 'o') setOption(shell, args.shift() ?? '', flag.startsWith('-'))
      else if (letter !== 'l' && letter !== 's') await builtins.get('set')?.(new Executor(shell), [`${flag.charAt(0)}${letter}`])
    }
  }
  if (args[0] === '--') args.shift()
  if (isCommand) {
    const [script, name = process.name, ...rest] = args
    if (script !== undefined) return { script, name, args: rest, interactive }
    await process.err(`${process.name}: -c requires an argument\n`)
    return 2
  }
  const [file, ...rest] = args
  if (file === undefined) return { name: process.name, args: [], interactive }
  const found = process.sandbox.fs.tryResolve(process.path(file), { cred: process.cred })
  if (!found) {
    await process.err(`${process.name}: can't open '${file}': No such file or directory\n`)
    return 2
  }
  return { script: (await contentOf(found.node)).toString(), name: file, args: rest, interactive }
}

/** The one simple command a script consists of, when it could as well take the place of the shell. */
function onlyCommand(script: ParsedScript): Command | undefined {
  const [statement, ...others] = script.commands
  const command = statement?.command
  if (script.errors?.length || others.length > 0 || statement?.background || command?.type !== 'Command') return undefined
  const isPlain = command.name && !command.name.parts && command.prefix.length === 0 && !builtins.has(command.name.value)
  return isPlain ? command : undefined
}

/** Line by line, as long as what was read so far is not a whole command. */
async function fromInput(executor: Executor, interactive: boolean): Promise<number> {
  const { process } = executor.shell
  const prompt = async (text: string) => {
    if (interactive) await process.err(text)
  }
  let pending = ''
  await prompt(promptText(executor.shell))
  for (let got = await process.readLine(0); got; got = await process.readLine(0)) {
    pending += `${got.line.toString()}\n`
    const script = process.sandbox.parse(pending)
    const isUnfinished = script.errors?.some((e) => e.pos >= pending.length - 1) ?? /\\\n$/.test(pending)
    if (!isUnfinished) {
      const text = pending
      pending = ''
      await executor.evaluateText(text).catch(async (error: unknown) => {
        if (!interactive || !(error instanceof Error) || error.message !== 'exited with 2') throw error
      })
    }
    await prompt(pending ? '> ' : promptText(executor.shell))
  }
  return pending ? executor.evaluateText(pending) : executor.shell.status
}

function promptText({ process }: ShellState): string {
  return `${process.cwd} ${process.cred.uid === 0 ? '#' : '$'} `
}
