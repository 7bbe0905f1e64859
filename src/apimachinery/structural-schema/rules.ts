/** The x-kubernetes-validations of a schema, compiled. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel. */
import type { FieldError } from '../../errors.ts'
import { someSchema, type Schema } from './schema.ts'

export interface CompiledRules {
  /** The errors of a whole resource; `old` is undefined on create. */
  validate(object: object, old: object | undefined): FieldError[]
}

/** The rules of a resource's schema; undefined for a schema without any. Rules are not evaluated yet: all hold. */
export function compileRules(schema: Schema): CompiledRules | undefined {
  return someSchema(schema, (s) => (s['x-kubernetes-validations'] ?? []).length > 0) ? { validate: () => [] } : undefined
}
