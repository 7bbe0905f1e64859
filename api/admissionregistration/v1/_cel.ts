/** The expressions of webhooks and admission policies when they are written: what does not compile is refused. */
import { admissionEnvironment } from '../../../src/apimachinery/cel/admission-types.ts'
import { compileAdmissionExpression, PolicyCompiler, type CompilerOptions, type Returns } from '../../../src/apimachinery/cel/admission-expressions.ts'
import { field, type FieldError } from '../../../src/errors.ts'

export interface ExpressionOptions extends CompilerOptions {
  /** Variables of the policy that stand before the expression. */
  variables?: readonly { name?: string; expression?: string }[]
  /** What the expression must answer; anything unless told. */
  returns?: Returns
}

/** The errors of compiling `expression`, at `path`. */
export function validateExpression(expression: string, path: string, { variables, returns = 'any', ...options }: ExpressionOptions): FieldError[] {
  const { error } = variables ? policyCompiler(variables, options).compile(expression, options, returns) : compileAdmissionExpression(expression, admissionEnvironment(options), returns)
  return error === undefined ? [] : [field.invalid(path, expression, error)]
}

const compilers = new WeakMap<readonly object[], PolicyCompiler>()

/** The variables of one policy are compiled once for all of its expressions. */
function policyCompiler(variables: readonly { name?: string; expression?: string }[], { hasParams }: CompilerOptions): PolicyCompiler {
  const known = compilers.get(variables)
  if (known) return known
  const compiler = new PolicyCompiler()
  for (const { name = '', expression = '' } of variables) if (expression.trim()) compiler.addVariable(name, expression, { hasParams, hasAuthorizer: true })
  compilers.set(variables, compiler)
  return compiler
}

const RESERVED = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '))

export function isCELIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !RESERVED.has(name)
}
