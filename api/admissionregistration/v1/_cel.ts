/**
 * Where the expressions of webhooks and admission policies are compiled when they are written.
 * Models k8s.io/apiserver/pkg/admission/plugin/cel/compile.go as far as writes see it.
 */
import type { FieldError } from '../../../src/errors.ts'

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

/** The errors of compiling `expression`, at `path`. CEL is not compiled yet: every expression passes. */
export function validateExpression(_expression: string, _path: string, _options: ExpressionOptions): FieldError[] {
  return []
}

const RESERVED = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '))

export function isCELIdentifier(name: string): boolean {
  return /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !RESERVED.has(name)
}
