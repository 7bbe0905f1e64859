/** The x-kubernetes-validations of a schema, compiled and run. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go. */
import { field, type FieldError } from '../../errors.ts'
import { CostLimitExceeded } from '../cel/frame.ts'
import { CelEvaluationError, type Program, RUNTIME_COST_BUDGET } from '../cel/program.ts'
import { escapeName } from '../cel/escape.ts'
import { type SchemaType, schemaType, withObjectMeta } from '../cel/schema-types.ts'
import { schemaValue } from '../cel/schema-values.ts'
import { NONE, Optional, type Value } from '../cel/values.ts'
import { isRecord } from '../json.ts'
import { type CompiledRule, RuleCompiler } from './compiled-rule.ts'
import { findField } from './field-path.ts'
import { correlateItem, correlateMember, type Correlation, isUnchanged } from './ratcheting.ts'
import { itemsOf, schemaOf, someSchema, type Schema } from './schema.ts'

export interface CompiledRules {
  /** The errors of a value; `old` is undefined on create. `base` is where it stands, '' for a whole resource. */
  validate(value: unknown, old: unknown, base?: string): FieldError[]
}

const hasRules = (schema: Schema): boolean => someSchema(schema, (s) => (s['x-kubernetes-validations'] ?? []).length > 0)

/** The rules of a schema, of a resource unless told; undefined for a schema without any. They are compiled when first needed. */
export function compileRules(schema: Schema, { isResource = true } = {}): CompiledRules | undefined {
  if (!hasRules(schema)) return undefined
  let root: RuleNode | undefined
  return {
    validate(value, old, base = '') {
      root ??= ruleNode(schema, schema, { type: schemaType(schema, 'selfType', isResource), isResource })
      return root ? new Run().validate(root, value, { path: base, old, correlation: old === undefined ? undefined : { old, schema: root.schema } }) : []
    },
  }
}

interface RuleNode {
  schema: Schema
  type: SchemaType | undefined
  rules: CompiledRule[]
  items: RuleNode | undefined
  additional: RuleNode | undefined
  properties: Map<string, RuleNode>
  allOf: RuleNode[]
}

interface NodeOptions {
  type: SchemaType | undefined
  isResource: boolean
}

/** `rules` has the rules for what `schema` describes: another one within allOf, else the same. */
function ruleNode(rules: Schema, schema: Schema, { type, isResource }: NodeOptions): RuleNode | undefined {
  if (!hasRules(rules)) return undefined
  const compiler = type && new RuleCompiler(type)
  const node: RuleNode = {
    schema: isResource ? withObjectMeta(schema) : schema,
    type,
    rules: compiler ? (rules['x-kubernetes-validations'] ?? []).map((rule) => compiler.compile(rule)) : [],
    items: undefined,
    additional: undefined,
    properties: new Map(),
    allOf: [],
  }
  const nested = (inner: Schema | undefined, at: Schema | undefined, innerType: SchemaType | undefined): RuleNode | undefined =>
    inner && at && ruleNode(inner, at, { type: innerType, isResource: at['x-kubernetes-embedded-resource'] ?? false })
  node.items = nested(itemsOf(rules), itemsOf(schema), type?.element)
  node.additional = nested(schemaOf(rules.additionalProperties), schemaOf(schema.additionalProperties), type?.element)
  for (const [name, property] of Object.entries(rules.properties ?? {})) {
    const at = schema.properties?.[name]
    const escaped = escapeName(name)
    const fieldType = escaped === undefined ? schemaType(at, name, at?.['x-kubernetes-embedded-resource']) : type?.fields?.get(escaped)
    const child = fieldType && nested(property, at, fieldType)
    if (child) node.properties.set(name, child)
  }
  for (const part of rules.allOf ?? []) {
    const child = ruleNode(part, schema, { type, isResource })
    if (child) node.allOf.push(child)
  }
  return node
}

interface Place {
  path: string
  old: unknown
  /** What the value corresponds to for ratcheting. */
  correlation: Correlation | undefined
}

/** How upstream names the path of the whole resource. */
const ROOT = '<nil>'

class BudgetSpent extends Error {}

const MAX_MESSAGE_BYTES = 5 * 1024
const OUT_OF_BUDGET = 'validation failed due to running out of cost budget, no further validation rules will be run'

/** One validation with its budget. */
class Run {
  #budget = RUNTIME_COST_BUDGET
  readonly #errors: FieldError[] = []

  validate(root: RuleNode, value: unknown, place: Place): FieldError[] {
    try {
      this.#node(root, value, place)
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error
    }
    return this.#errors
  }

  #node(node: RuleNode, value: unknown, place: Place): void {
    if (value === undefined || value === null) return
    this.#rules(node, value, place)
    for (const part of node.allOf) this.#node(part, value, place)
    if (Array.isArray(value)) this.#items(node, value, place)
    else if (isRecord(value)) this.#members(node, value, place)
  }

  #items({ items, schema }: RuleNode, value: readonly unknown[], { path, old, correlation }: Place): void {
    if (!items) return
    for (const [i, item] of value.entries()) {
      const before = Array.isArray(old) ? correlateItem({ old, schema }, item) : undefined
      this.#node(items, item, { path: `${path}[${i}]`, old: before?.old, correlation: correlation && correlateItem(correlation, item) })
    }
  }

  #members({ additional, properties }: RuleNode, value: Record<string, unknown>, { path, old, correlation }: Place): void {
    const before = isRecord(old) ? old : {}
    for (const [key, member] of Object.entries(value)) {
      const place = { old: Object.hasOwn(before, key) ? before[key] : undefined, correlation: correlation && correlateMember(correlation, key) }
      if (additional) this.#node(additional, member, { ...place, path: `${path}[${key}]` })
      const property = properties.get(key)
      if (property) this.#node(property, member, { ...place, path: path ? `${path}.${key}` : key })
    }
  }

  #rules({ rules, schema }: RuleNode, value: unknown, { path: inside, old, correlation }: Place): void {
    if (!rules.length) return
    const path = inside || ROOT
    const type = schema.type ?? ''
    if (this.#budget <= 0) this.#stop(field.invalid(path, type, OUT_OF_BUDGET))
    const self = schemaValue(value, schema)
    const hasOld = old !== undefined && old !== null
    const oldSelf = hasOld && rules.some((rule) => rule.usesOldSelf) ? schemaValue(old, schema) : undefined
    for (const compiled of rules) {
      const { rule, program, error, usesOldSelf } = compiled
      if (error !== undefined) this.#errors.push(field.invalid(path, type, `rule compile error: ${error}`))
      if (!program || (usesOldSelf && !hasOld && !rule.optionalOldSelf)) continue
      const activation = activationOf(self, rule.optionalOldSelf ? (oldSelf === undefined ? NONE : new Optional(oldSelf)) : oldSelf)
      const holds = this.#evaluate(program, activation, { path, type, compiled })
      if (holds !== false) continue
      // What a transition rule says counts even where nothing changed.
      if (!usesOldSelf && correlation && isUnchanged(value, correlation)) continue
      this.#fail(compiled, activation, { path, schema, value })
    }
  }

  #stop(error: FieldError): never {
    this.#errors.push(error)
    throw new BudgetSpent()
  }

  #spend(cost: number): boolean {
    if (cost > this.#budget) return false
    this.#budget -= cost
    return true
  }

  /** undefined: it failed, which was noted. */
  #evaluate(program: Program, activation: (name: string) => Value | undefined, { path, type, compiled }: { path: string; type: string; compiled: CompiledRule }): boolean | undefined {
    const what = (compiled.rule.message || compiled.rule.rule || '').trim()
    try {
      const { value, cost } = program.evaluate(activation)
      if (!this.#spend(cost)) this.#stop(field.invalid(path, type, OUT_OF_BUDGET))
      return value === true
    } catch (error) {
      if (error instanceof CostLimitExceeded) {
        this.#stop(field.invalid(path, type, `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${what}`))
      }
      if (!(error instanceof CelEvaluationError)) throw error
      if (!this.#spend(error.cost)) this.#stop(field.invalid(path, type, OUT_OF_BUDGET))
      const isMismatch = error.message.startsWith('no such overload')
      const detail = isMismatch ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${what}` : `${error.message} evaluating rule: ${what}`
      this.#errors.push(field.invalid(path, type, detail))
      return undefined
    }
  }

  #fail({ rule, message }: CompiledRule, activation: (name: string) => Value | undefined, { path, schema, value }: { path: string; schema: Schema; value: unknown }): void {
    const found = rule.fieldPath ? findField(schema, rule.fieldPath) : undefined
    const relative = found && !('error' in found) ? found.path : ''
    const at = relative ? (path === ROOT ? relative : `${path}.${relative}`) : path
    const detail = (message && this.#message(message, activation, { at, type: schema.type ?? '', source: rule.messageExpression ?? '' })) ?? messageOf(rule)
    this.#errors.push(errorForReason(at, { detail, reason: rule.reason, value, isShown: schema.type !== 'object' && schema.type !== 'array' }))
  }

  /** undefined: the message of the rule stands. */
  #message(program: Program, activation: (name: string) => Value | undefined, { at, type, source }: { at: string; type: string; source: string }): string | undefined {
    try {
      const { value, cost } = program.evaluate(activation)
      if (!this.#spend(cost)) this.#stop(field.invalid(at, type, 'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'))
      const text = typeof value === 'string' ? value.trim() : ''
      return text === '' || text.includes('\n') || Buffer.byteLength(text) > MAX_MESSAGE_BYTES ? undefined : text
    } catch (error) {
      if (error instanceof CostLimitExceeded) {
        this.#stop(field.invalid(at, type, `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(source)}`))
      }
      if (!(error instanceof CelEvaluationError)) throw error
      this.#spend(error.cost)
      return undefined
    }
  }
}

const activationOf = (self: Value, oldSelf: Value | undefined) => (name: string): Value | undefined => (name === 'self' ? self : name === 'oldSelf' ? oldSelf : undefined)

const messageOf = ({ message, rule }: CompiledRule['rule']): string => (message ? message.trim() : `failed rule: ${(rule ?? '').trim()}`)

interface Failure {
  detail: string
  reason: string | undefined
  value: unknown
  /** Objects and arrays are left out. */
  isShown: boolean
}

function errorForReason(path: string, { detail, reason, value, isShown }: Failure): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return field.forbidden(path, detail)
    case 'FieldValueRequired':
      return field.required(path, detail)
    case 'FieldValueDuplicate':
      return isShown ? field.duplicate(path, value) : { type: 'FieldValueDuplicate', field: path, body: 'Duplicate value' }
    default:
      return isShown ? field.invalid(path, value, detail) : { type: 'FieldValueInvalid', field: path, body: `Invalid value: ${detail}` }
  }
}
