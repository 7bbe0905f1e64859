/**
 * Where the expressions of webhooks and admission policies are compiled when they are written.
 * Models k8s.io/apiserver/pkg/admission/plugin/cel/compile.go as far as writes see it.
 */
import { admissionEnvironment } from '../../../src/apimachinery/cel/admission-types.ts'
import type { Environment } from '../../../src/apimachinery/cel/environment.ts'
import { CelProgramError } from '../../../src/apimachinery/cel/plan.ts'
import { compile, type Program } from '../../../src/apimachinery/cel/program.ts'
import { CelCompileError } from '../../../src/apimachinery/cel/source.ts'
import { type CelType, DYN } from '../../../src/apimachinery/cel/types.ts'
import { field, type FieldError } from '../../../src/errors.ts'

export interface ExpressionOptions {
  hasParams: boolean
  hasAuthorizer: boolean
  /** The expression may build patches (Object, JSONPatch). */
  hasPatchTypes?: boolean
  /** Variables of the policy that stand before the expression. */
  variables?: readonly { name?: string; expression?: string }[]
  /** What the expression must answer; anything unless told. */
  returns?: 'bool' | 'string' | 'string or null' | 'Object' | 'JSONPatch'
  /** Already stored before this write: compiled with what older servers knew, too. */
  isStored?: boolean
}

const RETURNS: Readonly<Record<NonNullable<ExpressionOptions['returns']>, readonly string[]>> = {
  bool: ['bool'],
  string: ['string'],
  'string or null': ['string', 'null_type'],
  Object: [],
  JSONPatch: [],
}

function compiled(expression: string, env: Environment): Program | string {
  try {
    return compile(expression, env)
  } catch (error) {
    if (error instanceof CelCompileError) return `compilation failed: ${error.message}`
    if (error instanceof CelProgramError) return `program instantiation failed: ${error.message}`
    throw error
  }
}

/** The types of variables that stand before; one that does not compile is anything. */
function variableTypes(variables: NonNullable<ExpressionOptions['variables']>, options: ExpressionOptions): Map<string, CelType> {
  const types = new Map<string, CelType>()
  for (const { name = '', expression = '' } of variables) {
    const program = compiled(expression, admissionEnvironment({ ...options, variables: new Map(types) }))
    types.set(name, typeof program === 'string' ? DYN : program.outputType)
  }
  return types
}

/** The errors of compiling `expression`, at `path`. Expressions that build patches are not compiled yet: each passes. */
export function validateExpression(expression: string, path: string, options: ExpressionOptions): FieldError[] {
  if (options.hasPatchTypes) return []
  const { hasParams, hasAuthorizer, variables, returns } = options
  const types = variables && variableTypes(variables, options)
  const program = compiled(expression, admissionEnvironment({ hasParams, hasAuthorizer, ...(types ? { variables: types } : {}) }))
  if (typeof program === 'string') return [field.invalid(path, expression, program)]
  const wanted = returns ? RETURNS[returns] : []
  const { name } = program.outputType
  if (!wanted.length || wanted.includes(name)) return []
  const expected = wanted.length === 1 ? (wanted[0] ?? '') : `one of [${wanted.join(' ')}]`
  return [field.invalid(path, expression, `must evaluate to ${expected} but got ${goTypeText(program.outputType)}`)]
}

/** A type as Go's Type.String writes it. */
function goTypeText({ kind, name, params }: CelType): string {
  if (kind === 'param') return `<${name}>`
  return params.length ? `${name}(${params.map(goTypeText).join(', ')})` : name
}

const RESERVED = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '))

export function isCELIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !RESERVED.has(name)
}
