/**
 * Expressions of webhooks and admission policies, with the variables of a policy between them. Models the compilers of
 * k8s.io/apiserver/pkg/admission/plugin/cel (compile.go, composition.go).
 */
import { admissionEnvironment, type AdmissionEnvironmentOptions } from './admission-types.ts'
import type { Environment } from './environment.ts'
import { CelProgramError } from './plan.ts'
import { compile, type Program } from './program.ts'
import { CelCompileError } from './source.ts'
import { type CelType, DYN, listOf, mapOf, goTypeText } from './types.ts'

export type Returns = 'any' | 'bool' | 'string' | 'string or null' | 'Object' | 'JSONPatch'

const RETURNS: Readonly<Record<Returns, readonly string[]>> = {
  any: [],
  bool: ['bool'],
  string: ['string'],
  'string or null': ['string', 'null_type'],
  Object: ['Object'],
  JSONPatch: ['list(JSONPatch)'],
}

/** `program` or `error`. */
export interface AdmissionExpression {
  readonly expression: string
  readonly program?: Program
  readonly error?: string
}

/** Compiles one expression; what is wrong with it is part of what comes back. */
export function compileAdmissionExpression(expression: string, env: Environment, returns: Returns): AdmissionExpression {
  const program = programOrError(expression, env)
  if (typeof program === 'string') return { expression, error: program }
  const wanted = RETURNS[returns]
  const type = goTypeText(program.outputType)
  if (!wanted.length || wanted.includes(type)) return { expression, program }
  const expected = wanted.length === 1 ? (wanted[0] ?? '') : `one of [${wanted.join(' ')}]`
  return { expression, error: `must evaluate to ${expected} but got ${type}` }
}

/** What is wrong with the expression is told in upstream's words. */
export function programOrError(expression: string, env: Environment): Program | string {
  try {
    return compile(expression, env)
  } catch (error) {
    if (error instanceof CelCompileError) return `compilation failed: ${error.message}`
    if (error instanceof CelProgramError) return `program instantiation failed: ${error.message}`
    throw error
  }
}

export type CompilerOptions = Pick<AdmissionEnvironmentOptions, 'hasParams' | 'hasAuthorizer' | 'hasPatchTypes'>

/** Compiles the expressions of one policy; a variable can be used by what is compiled after it. */
export class PolicyCompiler {
  readonly variables = new Map<string, AdmissionExpression>()
  readonly #types = new Map<string, CelType>()
  readonly #environments = new Map<string, Environment>()

  addVariable(name: string, expression: string, options: CompilerOptions): AdmissionExpression {
    const variable = this.compile(expression, options, 'any')
    this.#types.set(name, variable.program ? declaredType(variable.program.outputType) : DYN)
    this.variables.set(name, variable)
    return variable
  }

  compile(expression: string, options: CompilerOptions, returns: Returns): AdmissionExpression {
    const key = `${options.hasParams} ${options.hasAuthorizer} ${options.hasPatchTypes ?? false}`
    let env = this.#environments.get(key)
    if (!env) this.#environments.set(key, (env = admissionEnvironment({ ...options, variables: this.#types })))
    return compileAdmissionExpression(expression, env, returns)
  }
}

const SIMPLE: ReadonlySet<string> = new Set(['any', 'bool', 'bytes', 'double', 'duration', 'int', 'null', 'string', 'timestamp', 'uint'])

/** What is known of a variable's type where it is used: objects are anything there. */
function declaredType(type: CelType): CelType {
  const [first, second] = type.params
  if (type.kind === 'list' && first) return listOf(declaredType(first))
  if (type.kind === 'map' && first && second) return mapOf(declaredType(first), declaredType(second))
  return SIMPLE.has(type.kind) ? type : DYN
}
