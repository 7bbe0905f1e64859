/** Which requests an authorization webhook is asked about. Models k8s.io/apiserver/pkg/authorization/cel. */
import { compileAdmissionExpression } from '../apimachinery/cel/admission-expressions.ts'
import { environment, structProvider, type Environment, type Fields } from '../apimachinery/cel/environment.ts'
import { jsonValue } from '../apimachinery/cel/json-values.ts'
import type { Program } from '../apimachinery/cel/program.ts'
import { listOf, mapOf, STRING, structType, type CelType } from '../apimachinery/cel/types.ts'
import { aggregateTexts, field, type FieldError } from '../errors.ts'
import type { SubjectAccessReviewSpec } from '../../schemas/types.ts'

const MAX_CONDITIONS = 64
const named = (name: string): CelType => structType(`kubernetes.${name}`)
const texts = (...names: string[]): Fields => Object.fromEntries(names.map((name) => [name, STRING]))
const selector: Fields = { rawSelector: STRING, requirements: listOf(named('SelectorRequirement')) }

const TYPES: Readonly<Record<string, Fields>> = {
  'kubernetes.SubjectAccessReviewSpec': {
    ...texts('user', 'uid'),
    groups: listOf(STRING),
    extra: mapOf(STRING, listOf(STRING)),
    resourceAttributes: named('ResourceAttributes'),
    nonResourceAttributes: named('NonResourceAttributes'),
  },
  'kubernetes.ResourceAttributes': {
    ...texts('namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'),
    fieldSelector: named('FieldSelectorAttributes'),
    labelSelector: named('LabelSelectorAttributes'),
  },
  'kubernetes.NonResourceAttributes': texts('path', 'verb'),
  'kubernetes.FieldSelectorAttributes': selector,
  'kubernetes.LabelSelectorAttributes': selector,
  'kubernetes.SelectorRequirement': { ...texts('key', 'operator'), values: listOf(STRING) },
}

let shared: Environment | undefined

interface Condition {
  text: string
  program: Program
}

export class MatchConditions {
  readonly #conditions: readonly Condition[]

  private constructor(conditions: readonly Condition[]) {
    this.#conditions = conditions
  }

  /** What is wrong goes to `errors`. */
  static compile(expressions: readonly string[], path: string, errors: FieldError[]): MatchConditions {
    if (expressions.length > MAX_CONDITIONS) {
      errors.push(field.tooMany(`${path}.matchConditions`, expressions.length, MAX_CONDITIONS))
      return new MatchConditions([])
    }
    shared ??= environment({ variables: { request: named('SubjectAccessReviewSpec') }, types: structProvider(TYPES) })
    const env = shared
    const conditions = expressions.flatMap((text, i): Condition[] => {
      const at = `${path}.matchConditions[${i}].expression`
      const { program, error } = text.trim() === '' ? {} : compileAdmissionExpression(text, env, 'bool')
      if (text.trim() === '') errors.push(field.required(at))
      else if (expressions.indexOf(text) < i) errors.push(field.duplicate(at, text))
      else if (program) return [{ text, program }]
      else errors.push(field.invalid(at, text, error ?? ''))
      return []
    })
    return new MatchConditions(conditions)
  }

  /** One that is false decides, even behind one that fails. @throws Error where that cannot be told */
  matches(spec: SubjectAccessReviewSpec): boolean {
    if (this.#conditions.length === 0) return true
    const request = jsonValue(shownSpec(spec))
    const errors: string[] = []
    for (const { text, program } of this.#conditions) {
      try {
        if (program.evaluate((name) => (name === 'request' ? request : undefined)).value === false) return false
      } catch (error) {
        errors.push(`cel evaluation error: expression '${text}' resulted in error: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    if (errors.length > 0) throw new Error(aggregateTexts(errors))
    return true
  }
}

/** Attributes that say nothing are there, and empty. */
function shownSpec({ user = '', uid = '', groups = [], extra = {}, resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec): object {
  return {
    ...{ user, uid, groups, extra },
    ...(resourceAttributes ? { resourceAttributes: { namespace: '', verb: '', group: '', version: '', resource: '', subresource: '', name: '', ...resourceAttributes } } : {}),
    ...(nonResourceAttributes ? { nonResourceAttributes } : {}),
  }
}
