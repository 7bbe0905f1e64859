/**
 * Checks the expressions of a validating policy against the types of what it matches: mistakes that would only show when
 * an object comes. Models k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go.
 */
import type { ExpressionWarning, ValidatingAdmissionPolicySpec } from '../../../schemas/types.ts'
import { admissionEnvironment } from './admission-types.ts'
import type { Environment } from './environment.ts'
import { typeOfExpression } from './program.ts'
import { type SchemaType, schemaTypes } from './schema-types.ts'
import { CelCompileError } from './source.ts'
import { type CelType, DYN } from './types.ts'

export interface MatchedType {
  /** `apps/v1, Kind=Deployment` */
  readonly name: string
  /** undefined: anything. */
  readonly type: SchemaType | undefined
}

export interface TypesOfPolicy {
  readonly matched: readonly MatchedType[]
  /** undefined: anything. */
  readonly params: SchemaType | undefined
}

export function expressionWarnings({ variables = [], validations = [], paramKind }: ValidatingAdmissionPolicySpec, { matched, params }: TypesOfPolicy): ExpressionWarning[] {
  const environments = matched.map(({ name, type }) => ({ name, environment: typedEnvironment(variables, { object: type, params, hasParams: paramKind !== undefined }) }))
  const warnings: ExpressionWarning[] = []
  const check = (expression: string, fieldRef: string): void => {
    const texts = environments.flatMap(({ name, environment }) => {
      const problem = problemOf(expression, environment)
      return typeof problem === 'string' ? [`${name}: ${problem}\n`] : []
    })
    if (texts.length > 0) warnings.push({ fieldRef, warning: texts.join('\n') })
  }
  for (const [i, { expression = '', messageExpression }] of validations.entries()) {
    check(expression, `spec.validations[${i}].expression`)
    if (messageExpression) check(messageExpression, `spec.validations[${i}].messageExpression`)
  }
  return warnings
}

/** The type of an expression, or what is wrong with it. */
function problemOf(expression: string, environment: Environment): CelType | string {
  try {
    return typeOfExpression(expression, environment)
  } catch (error) {
    if (error instanceof CelCompileError) return error.message
    throw error
  }
}

interface Types {
  object: SchemaType | undefined
  params: SchemaType | undefined
  hasParams: boolean
}

function typedEnvironment(variables: NonNullable<ValidatingAdmissionPolicySpec['variables']>, { object, params, hasParams }: Types): Environment {
  const types = new Map<string, CelType>()
  const plain = admissionEnvironment({ hasParams, hasAuthorizer: true, variables: types })
  const providers = [object, params].flatMap((type) => (type ? [schemaTypes(type)] : []))
  // Only the types of the others are of interest, and upstream declares no more than these.
  const others = [...plain.variables].filter(([name]) => name !== 'authorizer.requestResource')
  const environment: Environment = {
    ...plain,
    variables: new Map([...others, ['object', object?.type ?? DYN], ['oldObject', object?.type ?? DYN], ...(hasParams ? [['params', params?.type ?? DYN] as const] : [])]),
    types: {
      find: (name) => plain.types.find(name) ?? providers.map((provider) => provider.find(name)).find((type) => type !== undefined),
      field: (type, name) => plain.types.field(type, name) ?? providers.map((provider) => provider.field(type, name)).find((found) => found !== undefined),
    },
  }
  for (const { name = '', expression = '' } of variables) {
    const type = problemOf(expression, environment)
    types.set(name, typeof type === 'string' ? DYN : type)
  }
  return environment
}
