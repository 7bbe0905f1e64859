/** One of x-kubernetes-validations, compiled against its schema. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go. */
import type { ValidationRule } from '../../../schemas/types.ts'
import { type Environment, environment } from '../cel/environment.ts'
import { CelProgramError } from '../cel/plan.ts'
import { compile, type Program } from '../cel/program.ts'
import { schemaSizes, type SchemaType, schemaTypes } from '../cel/schema-types.ts'
import { CelCompileError } from '../cel/source.ts'
import { optionalOf } from '../cel/types.ts'

export interface CompiledRule {
  rule: ValidationRule
  /** undefined where there is an error, or nothing to evaluate. */
  program: Program | undefined
  error: string | undefined
  usesOldSelf: boolean
  maxCost: bigint
  message: Program | undefined
  messageError: string | undefined
  messageMaxCost: bigint
}

/** Compiles the rules of schemas of one type. */
export class RuleCompiler {
  readonly #type: SchemaType
  #plain: Environment | undefined
  #optional: Environment | undefined

  constructor(type: SchemaType) {
    this.#type = type
  }

  compile(rule: ValidationRule): CompiledRule {
    const compiled: CompiledRule = { rule, program: undefined, error: undefined, usesOldSelf: false, maxCost: 0n, message: undefined, messageError: undefined, messageMaxCost: 0n }
    if ((rule.rule ?? '').trim() === '') return compiled
    const program = this.#program(rule.rule ?? '', rule, 'compilation failed')
    if (typeof program === 'string') return { ...compiled, error: program }
    if (program.outputType.kind !== 'bool') return { ...compiled, error: 'cel expression must evaluate to a bool' }
    const sizes = schemaSizes(this.#type)
    const withRule = { ...compiled, program, usesOldSelf: program.refersTo('oldSelf'), maxCost: program.estimateCost(sizes).max }
    if (!rule.messageExpression) return withRule
    const message = this.#program(rule.messageExpression, rule, 'messageExpression compilation failed')
    if (typeof message === 'string') return { ...withRule, messageError: message }
    if (message.outputType.kind !== 'string') return { ...withRule, messageError: 'messageExpression must evaluate to a string' }
    return { ...withRule, message, messageMaxCost: message.estimateCost(sizes).max }
  }

  #program(expression: string, { optionalOldSelf }: ValidationRule, failure: string): Program | string {
    try {
      return compile(expression, optionalOldSelf ? (this.#optional ??= this.#environment(true)) : (this.#plain ??= this.#environment(false)))
    } catch (error) {
      if (error instanceof CelCompileError) return `${failure}: ${error.message}`
      if (error instanceof CelProgramError) return `${failure.startsWith('message') ? 'messageExpression instantiation failed' : 'program instantiation failed'}: ${error.message}`
      throw error
    }
  }

  #environment(isOptional: boolean): Environment {
    const { type } = this.#type
    return environment({ types: schemaTypes(this.#type), variables: { self: type, oldSelf: isOptional ? optionalOf(type) : type } })
  }
}
