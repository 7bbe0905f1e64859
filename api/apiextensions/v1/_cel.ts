/** Where the validation rules of schemas are compiled when they are written. Models the CEL part of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */
import { maxCardinality, type SchemaType, schemaType } from '../../../src/apimachinery/cel/schema-types.ts'
import { RuleCompiler } from '../../../src/apimachinery/structural-schema/compiled-rule.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { internalRule } from './_internal-spec.ts'

/** The most that one rule may cost in all its places. */
const COST_LIMIT = 10_000_000n
/** The most that all rules of a schema may cost. */
const TOTAL_COST_LIMIT = 100_000_000n
const MAX_UINT64 = 2n ** 64n - 1n
const MAX_REPORTED = 4

/** Adds up the costs of the rules of one schema. */
export class RuleCosts {
  #total = 0n
  readonly #expensive: { path: string; cost: bigint }[] = []

  add(path: string, cost: bigint): void {
    this.#total = capped(this.#total + cost)
    if (cost < TOTAL_COST_LIMIT / 100n) return
    this.#expensive.push({ path, cost })
    this.#expensive.sort((a, b) => (a.cost < b.cost ? 1 : a.cost > b.cost ? -1 : 0)).splice(MAX_REPORTED)
  }

  /** @param path of the schema */
  errors(path: string): FieldError[] {
    if (this.#total <= TOTAL_COST_LIMIT) return []
    const contributed = this.#expensive.map((e) => field.forbidden(e.path, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'))
    return [...contributed, field.forbidden(path, costMessage('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.#total, TOTAL_COST_LIMIT))]
  }
}

export interface RuleOptions {
  /** The path of the first ancestor whose old and new values cannot be matched, so that oldSelf is not allowed. */
  uncorrelatablePath: string | undefined
  /** The root of a resource, or an embedded one. */
  isResource: boolean
  /** How often values of the schema may occur; undefined: below an unbounded list or map. */
  cardinality: bigint | undefined
  costs: RuleCosts
}

const capped = (cost: bigint): bigint => (cost > MAX_UINT64 ? MAX_UINT64 : cost)

function costMessage(name: string, cost: bigint, limit: bigint): string {
  const factor = Number(cost) / Number(limit)
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return `${name} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}

/** The errors of compiling the x-kubernetes-validations of one schema. */
export function validateRuleExpressions(schema: Schema, path: string, options: RuleOptions): FieldError[] {
  const type = schemaType(schema, 'selfType', options.isResource)
  if (!type) return [field.internal(`${path}.x-kubernetes-validations`, 'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations')]
  const compiler = new RuleCompiler(type)
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) => validateOne(compiler, rule, { type, at: `${path}.x-kubernetes-validations[${i}]`, options }))
}

interface OneRule {
  type: SchemaType
  at: string
  options: RuleOptions
}

function validateOne(compiler: RuleCompiler, rule: NonNullable<Schema['x-kubernetes-validations']>[number], { type, at, options }: OneRule): FieldError[] {
  const errors: FieldError[] = []
  const { costs, uncorrelatablePath, cardinality } = options
  const { error, usesOldSelf, maxCost, message, messageError, messageMaxCost } = compiler.compile(rule)
  const cost = capped(maxCost * (cardinality ?? BigInt(maxCardinality(type))))
  if (cost > COST_LIMIT) errors.push(field.forbidden(`${at}.rule`, costMessage('estimated rule cost', cost, COST_LIMIT)))
  costs.add(`${at}.rule`, cost)
  if (error !== undefined) errors.push(field.invalid(`${at}.rule`, internalRule(rule), error))
  if (messageError !== undefined) errors.push(field.invalid(`${at}.messageExpression`, internalRule(rule), messageError))
  else if (message) {
    if (messageMaxCost > COST_LIMIT) errors.push(field.forbidden(`${at}.messageExpression`, costMessage('estimated messageExpression cost', messageMaxCost, COST_LIMIT)))
    costs.add(`${at}.messageExpression`, messageMaxCost)
  }
  if (usesOldSelf) {
    if (uncorrelatablePath !== undefined) errors.push(field.invalid(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatablePath}`))
  } else if (rule.optionalOldSelf !== undefined) {
    errors.push(field.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule'))
  }
  return errors
}
