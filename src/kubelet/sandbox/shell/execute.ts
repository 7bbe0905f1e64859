/** Runs what the parser found. Models XCU 2.9, Shell Commands, as busybox's ash and bash do it. */
import type { AndOr, ArithmeticFor, Case, Command, CommandNode, CompoundList, For, Function as FunctionNode, If, ParsedScript, Pipeline, ProcessSubstitutionPart, Statement, While, Assignment } from 'unbash'
import { Open, Pipe } from '../io.ts'
import { FsError } from '../nodes.ts'
import { openFile } from '../open-file.ts'
import { Exited } from '../process.ts'
import { evaluate } from './arithmetic.ts'
import { arrayOf, indexOf, withElement } from './arrays.ts'
import { builtins, isSpecial } from './builtins.ts'
import { testExpression } from './conditional.ts'
import { arithmeticContext, expandPattern, expandText, expandWords, type Expander } from './expand.ts'
import { Pattern } from './pattern.ts'
import { forget, redirect, restore } from './redirect.ts'
import { Jump, ShellError, type FunctionBody, type ShellState } from './state.ts'

/** Commands whose arguments are assignments. */
const DECLARING: ReadonlySet<string> = new Set(['declare', 'typeset', 'local', 'export', 'readonly'])
const MAX_CALLS = 500
const NULL_STDIN = { take: () => null }

export class Executor implements Expander {
  readonly shell: ShellState

  constructor(shell: ShellState) {
    this.shell = shell
  }

  /** Runs statements one after the other; the status is that of the last. */
  async script({ commands }: { commands: readonly Statement[] }): Promise<number> {
    for (const statement of commands) await this.#statement(statement)
    return this.shell.status
  }

  async substitute(script: ParsedScript): Promise<string> {
    const { shell } = this
    const pipe = new Pipe()
    const child = this.#fork(new Map([[1, pipe.writer]]), (executor) => executor.script(script))
    const chunks: Buffer[] = []
    let bytes = 0
    for (;;) {
      const tick = shell.process.tick()
      if (tick) await tick
      const got = pipe.reader.take?.(1 << 20)
      if (got === null) break
      if (got) {
        chunks.push(got)
        bytes += got.length
        shell.process.sandbox.holds(bytes)
      } else await shell.process.block(pipe.reader.readable?.() ?? Promise.resolve())
    }
    shell.substitution = await shell.process.block(child.exited)
    return Buffer.concat(chunks).toString().replace(/\0/g, '').replace(/\n+$/, '')
  }

  /** The output is there in whole when the command begins that reads it. */
  async substituteFile({ operator, script }: ProcessSubstitutionPart): Promise<string> {
    const { shell } = this
    const { process } = shell
    const path = `/dev/shm/sh-np.${process.pid}.${process.sandbox.random.suffix(8)}`
    if (operator === '>') process.sandbox.fs.mkfifo(path, process.cred, 0o600)
    else process.sandbox.fs.writeFile(path, '', { cred: process.cred, mode: 0o600 })
    const end = await openFile(process, path, operator === '<' ? { writes: true } : { reads: true })
    const child = this.#fork(new Map([[operator === '<' ? 1 : 0, new Open(end)]]), (executor) => (script ? executor.script(script) : Promise.resolve(0)))
    if (operator === '<') await process.block(child.exited)
    return path
  }

  async #statement({ command, background }: Statement): Promise<void> {
    const { shell } = this
    const tick = shell.process.tick()
    if (tick) await tick
    if (shell.pending.length > 0) await this.runTraps()
    if (shell.options.noexec) return
    if (background) {
      const child = this.#fork(new Map([[0, NULL_STDIN]]), (executor) => executor.node(command))
      shell.jobs.push(child)
      shell.lastJob = child.pid
      shell.status = 0
      return
    }
    await this.node(command)
    if (shell.pending.length > 0) await this.runTraps()
  }

  async node(node: CommandNode | Pipeline | AndOr): Promise<number> {
    const { shell } = this
    switch (node.type) {
      case 'AndOr':
        return this.#andOr(node)
      case 'Pipeline':
        return this.#pipeline(node)
      case 'Command':
        return this.#checked(this.#guard(() => this.#command(node)))
      case 'Redirected':
        return this.#checked(
          this.#guard(async () => {
            const saved = await redirect(node.redirects, this)
            try {
              return await this.#compound(node.command)
            } finally {
              restore(shell.process, saved)
            }
          }),
          node.command.type === 'Subshell',
        )
      case 'Function':
        return this.#define(node)
      case 'Coproc':
        throw new ShellError('coproc: not supported')
      default:
        return this.#checked(this.#guard(() => this.#compound(node)), node.type === 'Subshell' || node.type === 'TestCommand' || node.type === 'ArithmeticCommand')
    }
  }

  /** Errors of expansion and redirection become a message and a status. */
  async #guard(run: () => Promise<number>): Promise<number> {
    const { shell } = this
    try {
      return (shell.status = await run())
    } catch (error) {
      if (!(error instanceof ShellError) && !(error instanceof FsError && error.code !== 'EPIPE')) throw error
      await shell.process.err(`${shell.name}: ${error.message}\n`)
      const status = error instanceof ShellError ? error.status : 1
      if (status > 1) throw new Exited(status)
      return (shell.status = status)
    }
  }

  /** `set -e`: a failure that nobody asks about ends the shell. */
  async #checked(running: Promise<number>, applies = true): Promise<number> {
    const { shell } = this
    const status = await running
    if (!applies || status === 0 || shell.conditions > 0) return status
    const action = shell.traps.get('ERR')
    if (action && shell.functionNames.length === 0) {
      await this.evaluateText(action)
      shell.status = status
    }
    if (shell.options.errexit) throw new Exited(status)
    return status
  }

  #define({ name, body }: FunctionNode): number {
    this.shell.functions.set(name.value, body)
    return (this.shell.status = 0)
  }

  async #andOr({ commands, operators }: AndOr): Promise<number> {
    const { shell } = this
    for (const [i, command] of commands.entries()) {
      if (i > 0 && (operators[i - 1] === '&&') !== (shell.status === 0)) continue
      if (i < commands.length - 1) await this.#asCondition(() => this.node(command))
      else await this.node(command)
    }
    return shell.status
  }

  async #asCondition(run: () => Promise<number>): Promise<number> {
    this.shell.conditions++
    try {
      return await run()
    } finally {
      this.shell.conditions--
    }
  }

  async #pipeline({ prefixes, commands, operators }: Pipeline): Promise<number> {
    const { shell } = this
    const isNegated = prefixes.filter((p) => p.type === 'Negation').length % 2 === 1
    const startMs = shell.process.clock.now()
    const run = () => (commands.length === 1 && commands[0] ? this.node(commands[0]) : this.#piped(commands, operators))
    let status = isNegated ? await this.#asCondition(run) : await run()
    if (prefixes.some((p) => p.type === 'Time')) await shell.process.err(timeReport(shell.process.clock.now() - startMs))
    if (isNegated) status = status === 0 ? 1 : 0
    shell.status = status
    if (commands.length === 1) shell.pipeStatus = [status]
    return isNegated || commands.length === 1 ? status : this.#checked(Promise.resolve(status))
  }

  async #piped(commands: readonly CommandNode[], operators: readonly string[]): Promise<number> {
    const { shell } = this
    const children = []
    let input: Open | undefined
    for (const [i, command] of commands.entries()) {
      const fds = new Map<number, Open>()
      if (input) fds.set(0, input)
      let pipe: Pipe | undefined
      if (i < commands.length - 1) {
        pipe = new Pipe()
        const output = new Open(pipe.writer)
        fds.set(1, output)
        if (operators[i] === '|&') fds.set(2, output)
      }
      children.push(this.#fork(fds, (executor) => executor.node(command)))
      for (const open of fds.values()) if (open !== input) open.release()
      input?.release()
      input = pipe && new Open(pipe.reader)
    }
    let last = 0
    let failed = 0
    const all: number[] = []
    for (const child of children) {
      last = await shell.process.block(child.exited)
      all.push(last)
      if (last !== 0) failed = last
    }
    shell.pipeStatus = all
    return shell.options.pipefail ? failed : last
  }

  /** Runs something in a copy of this shell. @param fds what differs from this shell's */
  #fork(fds: ReadonlyMap<number, Open | Pipe['reader']>, run: (executor: Executor) => Promise<number>) {
    const { process } = this.shell
    const child = process.sandbox.fork(process)
    for (const [fd, end] of fds) child.setFd(fd, end)
    const shell = this.shell.fork(child)
    void child.run(() => new Executor(shell).toEnd(run))
    return child
  }

  /** To the end of this shell, its EXIT trap included. */
  async toEnd(run: (executor: Executor) => Promise<number>): Promise<number> {
    const { shell } = this
    let status: number
    try {
      status = await run(this)
    } catch (error) {
      if (error instanceof Jump) status = shell.status
      else if (error instanceof ShellError) {
        await shell.process.err(`${shell.name}: ${error.message}\n`)
        status = error.status
      } else if (error instanceof Exited) status = error.code
      else throw error
    }
    const atExit = shell.traps.get('EXIT')
    if (!atExit) return status
    shell.traps.delete('EXIT')
    shell.status = status
    try {
      await this.evaluateText(atExit)
    } catch (error) {
      if (error instanceof Exited) return error.code
      throw error
    }
    return status
  }

  async runTraps(): Promise<void> {
    const { shell } = this
    for (let name = shell.pending.shift(); name !== undefined; name = shell.pending.shift()) {
      const action = shell.traps.get(name)
      if (!action) continue
      const { status } = shell
      await this.evaluateText(action)
      shell.status = status
    }
  }

  async evaluateText(text: string): Promise<number> {
    const script = this.shell.process.sandbox.parse(text)
    const [problem] = script.errors ?? []
    if (problem) {
      await this.shell.process.err(`${this.shell.name}: syntax error: ${problem.message}\n`)
      throw new Exited(2)
    }
    return this.script(script)
  }

  async #compound(node: Exclude<FunctionBody, { type: 'Redirected' }>): Promise<number> {
    const { shell } = this
    switch (node.type) {
      case 'BraceGroup':
        return this.script(node.body)
      case 'CompoundList':
        return this.script(node)
      case 'Subshell':
        return shell.process.block(this.#fork(new Map(), (executor) => executor.script(node.body)).exited)
      case 'If':
        return this.#if(node)
      case 'While':
        return this.#while(node)
      case 'For':
        return this.#for(node)
      case 'ArithmeticFor':
        return this.#arithmeticFor(node)
      case 'Case':
        return this.#case(node)
      case 'ArithmeticCommand':
        return (await evaluate(node.expression, arithmeticContext(this))) === 0n ? 1 : 0
      case 'TestCommand':
        return (await testExpression(node.expression, this)) ? 0 : 1
      case 'Select':
        throw new ShellError('select: not supported')
    }
  }

  async #holds(clause: CompoundList): Promise<boolean> {
    return (await this.#asCondition(() => this.script(clause))) === 0
  }

  async #if(node: If): Promise<number> {
    if (await this.#holds(node.clause)) return this.script(node.then)
    for (const { clause, then } of node.elif) if (await this.#holds(clause)) return this.script(then)
    this.shell.status = 0
    return node.else ? this.script(node.else) : 0
  }

  async #while({ kind, clause, body }: While): Promise<number> {
    let status = 0
    const goesOn = async () => (await this.#holds(clause)) === (kind === 'while')
    await this.#loop(async () => {
      if (!(await goesOn())) return false
      status = await this.script(body)
      return true
    })
    return status
  }

  async #for({ name, wordlist, body }: For): Promise<number> {
    const values = wordlist ? await expandWords(wordlist, this) : [...this.shell.args]
    let status = 0
    let i = 0
    await this.#loop(async () => {
      const value = values[i++]
      if (value === undefined) return false
      this.shell.set(name.value, value)
      status = await this.script(body)
      return true
    })
    return status
  }

  async #arithmeticFor({ initialize, test, update, body }: ArithmeticFor): Promise<number> {
    const context = arithmeticContext(this)
    await evaluate(initialize, context)
    let isFirst = true
    await this.#loop(async () => {
      if (!isFirst) await evaluate(update, context)
      isFirst = false
      if (test && (await evaluate(test, context)) === 0n) return false
      await this.script(body)
      return true
    })
    return this.shell.status
  }

  async #loop(round: () => Promise<boolean>): Promise<void> {
    const { shell } = this
    shell.loops++
    try {
      for (;;) {
        const tick = shell.process.tick()
        if (tick) await tick
        if (shell.pending.length > 0) await this.runTraps()
        try {
          if (!(await round())) return
        } catch (error) {
          if (!(error instanceof Jump) || error.kind === 'return') throw error
          if (--error.count > 0 && shell.loops > 1) throw error
          if (error.kind === 'break') return
        }
      }
    } finally {
      shell.loops--
    }
  }

  async #case({ word, items }: Case): Promise<number> {
    const text = await expandText(word, this)
    let falls = false
    for (const { pattern, body, terminator } of items) {
      let matches = falls
      for (const p of pattern) matches ||= new Pattern(await expandPattern(p, this)).matches(text)
      if (!matches) continue
      this.shell.status = 0
      await this.script(body)
      if (terminator === ';;' || terminator === undefined) return this.shell.status
      falls = terminator === ';&'
    }
    return falls ? this.shell.status : 0
  }

  async #command(node: Command): Promise<number> {
    const { shell } = this
    shell.substitution = undefined
    const assignments = node.prefix.filter((p): p is Assignment => p.type === 'Assignment')
    const argv = node.name ? await this.#argv(node) : []
    if (shell.options.xtrace && argv.length > 0) await shell.process.err(`+ ${argv.join(' ')}\n`)
    const saved = await redirect(node.redirects, this)
    let isKept = false
    try {
      const [name] = argv
      if (name === undefined) {
        for (const assignment of assignments) await this.#assign(assignment)
        return shell.substitution ?? 0
      }
      isKept = name === 'exec' && argv.length === 1
      return await this.#withAssignments(assignments, name, () => this.#declaring(node, argv))
    } finally {
      if (isKept) forget(saved)
      else restore(shell.process, saved)
    }
  }

  async #argv({ name, args }: Command): Promise<string[]> {
    const argv = await expandWords(name ? [name] : [], this)
    for (const arg of args) {
      if (arg.type === 'Word') argv.push(...(await expandWords([arg], this)))
      else if (arg.value.type === 'ArrayValue' && DECLARING.has(argv[0] ?? '')) argv.push(arg.name)
      else argv.push(arg.value.type === 'Word' ? `${arg.name}${arg.append ? '+' : ''}=${await expandText(arg.value, this)}` : arg.text)
    }
    const alias = this.shell.aliases.get(argv[0] ?? '')
    if (alias === undefined) return argv
    return [...alias.split(/\s+/).filter(Boolean), ...argv.slice(1)]
  }

  /** Arrays that `declare` and its like are given are assigned once the names are declared. */
  async #declaring(node: Command, argv: readonly string[]): Promise<number> {
    const status = await this.invoke(argv)
    if (DECLARING.has(argv[0] ?? '')) for (const arg of node.args) if (arg.type === 'Assignment' && arg.value.type === 'ArrayValue') await this.#assign(arg)
    return status
  }

  async #assign({ name, value, append = false, index }: Assignment, { exported = false } = {}): Promise<void> {
    const { shell } = this
    const old = shell.stored(name)
    if (value.type === 'ArrayValue') return shell.set(name, await arrayOf(value.elements, old, { append, expander: this }))
    const given = await expandText(value, this)
    if (index) return shell.set(name, await withElement(old, index, { text: given, append, expander: this }))
    const isInteger = shell.variables.get(shell.target(name))?.integer ?? false
    const before = append ? (shell.get(name) ?? '') : ''
    const text = isInteger ? String(await indexOf(append ? `(${before || 0})+(${given})` : given, this)) : `${before}${given}`
    if (old instanceof Map) shell.set(name, new Map(old).set('0', text))
    else if (Array.isArray(old)) shell.set(name, Object.assign([...old], { 0: text }))
    else shell.set(name, text, { exported })
  }

  /** `x=1 command`: only for it, but for special built-ins, after which it stays. */
  async #withAssignments(assignments: readonly Assignment[], name: string, run: () => Promise<number>): Promise<number> {
    const { shell } = this
    if (assignments.length === 0) return run()
    const before = assignments.map((a) => [a.name, shell.variables.get(a.name)] as const).map(([n, v]) => [n, v && { ...v }] as const)
    for (const assignment of assignments) await this.#assign(assignment, { exported: true })
    if (isSpecial(name)) return run()
    try {
      return await run()
    } finally {
      for (const [n, variable] of before) {
        if (variable) shell.variables.set(n, variable)
        else shell.variables.delete(n)
      }
    }
  }

  /** Runs a command by its words: function, built-in, or program. */
  async invoke(argv: readonly string[], { skipFunctions = false } = {}): Promise<number> {
    const { shell } = this
    const [name = '', ...args] = argv
    const body = skipFunctions ? undefined : shell.functions.get(name)
    if (body) return this.#call(name, body, args)
    const builtin = builtins.get(name)
    if (builtin) return builtin(this, args)
    const child = shell.process.sandbox.spawn(shell.process, { argv, env: shell.environment() })
    if ('problem' in child) {
      await shell.process.err(`${shell.name}: ${child.problem}\n`)
      return child.status
    }
    return shell.process.block(child.process.exited)
  }

  async #call(name: string, body: FunctionBody, args: readonly string[]): Promise<number> {
    const { shell } = this
    if (++shell.calls > MAX_CALLS) throw new ShellError('maximum function nesting level exceeded', 2)
    const { args: outer, loops } = shell
    shell.args = args
    shell.loops = 0
    shell.locals.push(new Map())
    shell.functionNames.unshift(name)
    try {
      return body.type === 'Redirected' ? await this.node(body) : await this.#compound(body)
    } catch (error) {
      if (error instanceof Jump && error.kind === 'return') return error.count
      throw error
    } finally {
      shell.leaveFunction()
      shell.functionNames.shift()
      shell.args = outer
      shell.loops = loops
      shell.calls--
    }
  }
}

function timeReport(ms: number): string {
  const text = `${Math.floor(ms / 60_000)}m ${((ms % 60_000) / 1000).toFixed(2)}s`
  return `real\t${text}\nuser\t0m 0.00s\nsys\t0m 0.00s\n`
}
