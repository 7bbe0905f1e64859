/** What a shell remembers, and how a copy of it goes into a subshell. Models XCU 2.12, Shell Execution Environment. */
import type { CompoundCommand, CompoundList, Redirected } from 'unbash'
import type { Process } from '../process.ts'

/** One text, or an array by number or by name. */
export type Value = string | string[] | Map<string, string>

export interface Variable {
  value: Value
  exported: boolean
  readonly: boolean
  /** Assignments to it are arithmetic. */
  integer?: boolean
  /** It stands for the variable of that name. */
  nameref?: boolean
}

export type FunctionBody = CompoundCommand | Redirected | CompoundList

export interface Options {
  errexit: boolean
  nounset: boolean
  xtrace: boolean
  noglob: boolean
  pipefail: boolean
  noexec: boolean
  allexport: boolean
}

/** Ends of loops and functions on their way up. */
export class Jump extends Error {
  readonly kind: 'break' | 'continue' | 'return'
  count: number

  constructor(kind: 'break' | 'continue' | 'return', count: number) {
    super(kind)
    this.kind = kind
    this.count = count
  }
}

/** A mistake that ends a shell which is not interactive. */
export class ShellError extends Error {
  readonly status: number

  constructor(message: string, status = 1) {
    super(message)
    this.status = status
  }
}

export class ShellState {
  readonly process: Process
  readonly variables = new Map<string, Variable>()
  readonly functions = new Map<string, FunctionBody>()
  readonly aliases = new Map<string, string>()
  readonly options: Options = { errexit: false, nounset: false, xtrace: false, noglob: false, pipefail: false, noexec: false, allexport: false }
  readonly traps = new Map<string, string>()
  /** Signals that have a trap and have arrived. */
  readonly pending: string[] = []
  readonly locals: Map<string, Variable | undefined>[] = []
  readonly jobs: Process[] = []
  /** Options of shopt that are on. */
  readonly shopts = new Set<string>()
  /** Names of the functions that run, the innermost first. */
  readonly functionNames: string[] = []
  /** Of each command of the last pipeline. */
  pipeStatus: readonly number[] = [0]
  readonly directories: string[] = []
  readonly isBash: boolean
  script: string | undefined
  name = 'sh'
  args: readonly string[] = []
  status = 0
  /** Status of the last substitution in the command being run. */
  substitution: number | undefined
  lastJob: number | undefined
  loops = 0
  calls = 0
  /** Inside a condition, where a failure is an answer. */
  conditions = 0
  interrupt: (() => void) | undefined
  optionIndex = 1
  #bytes = 0

  constructor(process: Process) {
    this.process = process
    this.isBash = process.name === 'bash'
    for (const [name, value] of process.env) this.variables.set(name, { value, exported: true, readonly: false })
    if (!this.variables.has('IFS')) this.variables.set('IFS', { value: ' \t\n', exported: false, readonly: false })
    this.variables.set('PWD', { value: process.cwd, exported: true, readonly: false })
  }

  fork(process: Process): ShellState {
    const copy = new ShellState(process)
    copy.variables.clear()
    for (const [name, variable] of this.variables) copy.variables.set(name, { ...variable })
    for (const [name, body] of this.functions) copy.functions.set(name, body)
    for (const [name, text] of this.aliases) copy.aliases.set(name, text)
    Object.assign(copy.options, this.options)
    for (const [name, action] of this.traps) if (action === '') copy.traps.set(name, action)
    for (const name of this.shopts) copy.shopts.add(name)
    copy.functionNames.push(...this.functionNames)
    copy.script = this.script
    copy.name = this.name
    copy.args = this.args
    copy.status = this.status
    copy.lastJob = this.lastJob
    copy.calls = this.calls
    copy.conditions = this.conditions
    return copy
  }

  /** The variable that a name stands for, through references. */
  target(name: string): string {
    let at = name
    for (let i = 0; i < 10; i++) {
      const variable = this.variables.get(at)
      if (!variable?.nameref || typeof variable.value !== 'string' || variable.value === '') return at
      at = variable.value
    }
    return at
  }

  stored(name: string): Value | undefined {
    return this.variables.get(this.target(name))?.value
  }

  get(name: string): string | undefined {
    const value = this.stored(name)
    if (value instanceof Map) return value.get('0')
    return Array.isArray(value) ? value[0] : value
  }

  set(given: string, value: Value, { exported = false } = {}): void {
    const name = this.target(given)
    const known = this.variables.get(name)
    if (known?.readonly) throw new ShellError(`${name}: is read only`, 2)
    this.#account(value)
    if (known) {
      known.value = value
      known.exported ||= exported
    } else this.variables.set(name, { value, exported: exported || this.options.allexport, readonly: false })
  }

  unset(given: string): void {
    const name = this.target(given)
    if (this.variables.get(name)?.readonly) throw new ShellError(`${name}: is read only`, 2)
    this.variables.delete(name)
  }

  /** Makes a variable one of the function that runs. */
  local(name: string, value: string | undefined): void {
    const scope = this.locals.at(-1)
    if (!scope) throw new ShellError('local: not in a function')
    const known = this.variables.get(name)
    if (!scope.has(name)) scope.set(name, known && { ...known })
    this.variables.set(name, { value: value ?? '', exported: known?.exported ?? false, readonly: false })
    if (value === undefined) this.variables.delete(name)
  }

  leaveFunction(): void {
    for (const [name, variable] of this.locals.pop() ?? []) {
      if (variable) this.variables.set(name, variable)
      else this.variables.delete(name)
    }
  }

  environment(): Map<string, string> {
    const env = new Map<string, string>()
    for (const [name, { value, exported }] of this.variables) if (exported && typeof value === 'string') env.set(name, value)
    return env
  }

  /** What variables hold is counted roughly: the bytes assigned lately. */
  #account(value: Value): void {
    const bytes = typeof value === 'string' ? value.length : [...value.values()].reduce((sum, v) => sum + (v?.length ?? 0) + 16, 0)
    this.#bytes = Math.max(this.#bytes, bytes)
    if (bytes > 65_536) this.process.sandbox.holds(bytes)
  }
}
