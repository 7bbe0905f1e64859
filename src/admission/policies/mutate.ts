/** What one mutation of a policy makes of an object. Models k8s.io/apiserver/pkg/admission/plugin/policy/mutating/{compilation.go,patch}. */
import type { MutatingAdmissionPolicy } from '../../../schemas/types.ts'
import { type AdmissionExpression, PolicyCompiler } from '../../apimachinery/cel/admission-expressions.ts'
import { NotJSON, toJSON } from '../../apimachinery/cel/json-values.ts'
import { PatchObject, textField, typeNameErrors } from '../../apimachinery/cel/patch-types.ts'
import { RUNTIME_COST_BUDGET } from '../../apimachinery/cel/program.ts'
import { ListValue, toArray, type Value } from '../../apimachinery/cel/values.ts'
import { applyJSONPatch, type JSONPatchOperation, TestFailed } from '../../apimachinery/json-patch.ts'
import { isRecord } from '../../apimachinery/json.ts'
import type { MergeType } from '../../apimachinery/merge-type.ts'
import { ParseError } from '../../apimachinery/parse-error.ts'
import { mergeValues } from '../../apimachinery/structured-merge.ts'
import { validateValue } from '../../apimachinery/structured-validate.ts'
import { internalError } from '../../errors.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { ObjectCodec } from '../../registry/scheme.ts'
import type { RequestView } from './activation.ts'
import { evaluateAll, OutOfBudget, type Variables } from './evaluate.ts'

/** Why a mutation cannot be made; what becomes of the request is for the failure policy to say. */
export class MutationError extends Error {}

export interface CompiledMutation {
  readonly patchType: string
  readonly expression: AdmissionExpression
}

export interface CompiledMutations {
  readonly variables: Variables
  readonly conditions: AdmissionExpression[]
  readonly mutations: CompiledMutation[]
}

const known = new WeakMap<MutatingAdmissionPolicy, CompiledMutations>()

export function compileMutations(policy: MutatingAdmissionPolicy): CompiledMutations {
  const found = known.get(policy)
  if (found) return found
  const { paramKind, variables = [], matchConditions = [], mutations = [] } = policy.spec
  const options = { hasParams: paramKind !== undefined, hasAuthorizer: true }
  const compiler = new PolicyCompiler()
  for (const { name = '', expression = '' } of variables) compiler.addVariable(name, expression, options)
  const compiled = {
    variables: compiler.variables,
    conditions: matchConditions.map(({ expression = '' }) => compiler.compile(expression, options, 'bool')),
    mutations: mutations.map(({ patchType = '', jsonPatch, applyConfiguration }) => ({
      patchType,
      expression:
        patchType === 'JSONPatch'
          ? compiler.compile(jsonPatch?.expression ?? '', { ...options, hasPatchTypes: true }, 'JSONPatch')
          : compiler.compile(applyConfiguration?.expression ?? '', { ...options, hasPatchTypes: true }, 'Object'),
    })),
  }
  known.set(policy, compiled)
  return compiled
}

interface Target {
  /** The object in the matched version, canonical. */
  object: KubeObject
  codec: ObjectCodec
}

/** The changed object, decoded. @throws MutationError, StatusError, Pending */
export function mutate({ patchType, expression }: CompiledMutation, view: RequestView, { variables, target }: { variables: Variables; target: Target }): KubeObject {
  if (expression.error !== undefined) throw new MutationError(expression.error)
  const value = resultOf(expression, view, variables)
  return patchType === 'JSONPatch' ? applyPatch(value, target) : applyConfiguration(value, target)
}

function resultOf(expression: AdmissionExpression, view: RequestView, variables: Variables): Value {
  try {
    const [outcome] = evaluateAll([expression], view, { variables, budget: RUNTIME_COST_BUDGET }).outcomes
    if (outcome?.error !== undefined) throw new MutationError(outcome.error)
    return outcome?.value ?? null
  } catch (error) {
    if (error instanceof OutOfBudget) throw new MutationError(error.message)
    throw error
  }
}

function applyPatch(value: Value, { object, codec }: Target): KubeObject {
  if (!(value instanceof ListValue)) throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array')
  const operations = toArray(value).map(operationOf)
  let patched: unknown
  try {
    patched = applyJSONPatch(object, operations)
  } catch (error) {
    // The object stays as it is.
    if (error instanceof TestFailed) return codec.decode(object).object
    throw error instanceof ParseError ? new MutationError(`JSON Patch: ${error.message}`) : error
  }
  return decodeStrictly(codec, patched)
}

function operationOf(value: Value): JSONPatchOperation {
  if (!(value instanceof PatchObject)) throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch')
  const given = value.fields.get('value')
  const from = textField(value, 'from')
  const operation = { op: textField(value, 'op'), path: textField(value, 'path'), ...(from ? { from } : {}) }
  if (given === undefined) return operation
  if (given instanceof PatchObject) checkTypeNames(given)
  try {
    return { ...operation, value: toJSON(given) }
  } catch (error) {
    throw error instanceof NotJSON ? new MutationError(`JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${error.message}`) : error
  }
}

function decodeStrictly(codec: ObjectCodec, json: unknown): KubeObject {
  try {
    const { object, strictErrors } = codec.decode(json)
    if (strictErrors.length > 0) throw internalError(`strict decoding error: ${strictErrors.join(', ')}`)
    return object
  } catch (error) {
    throw error instanceof ParseError ? internalError(error.message) : error
  }
}

function checkTypeNames(value: PatchObject): void {
  const errors = typeNameErrors(value)
  if (errors.length > 0) throw new MutationError(`type mismatch: ${errors.join('\n')}`)
}

function applyConfiguration(value: Value, { object, codec }: Target): KubeObject {
  if (!(value instanceof PatchObject)) throw new MutationError('unsupported return type from ApplyConfiguration expression')
  checkTypeNames(value)
  const configuration = { ...configurationOf(value), apiVersion: object.apiVersion, kind: object.kind }
  const { mergeType } = codec
  try {
    validateValue(mergeType, configuration)
  } catch (error) {
    throw error instanceof ParseError ? new MutationError(`error applying patch: failed to convert patch object to typed object: ${error.message}`) : error
  }
  const atomics = findAtomics(mergeType, configuration, '')
  if (atomics.length > 0) throw new MutationError(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`)
  try {
    return codec.decode(mergeValues(mergeType, object, configuration)).object
  } catch (error) {
    throw error instanceof ParseError ? new MutationError(error.message) : error
  }
}

function configurationOf(value: PatchObject): Record<string, unknown> {
  try {
    const json = toJSON(value)
    return isRecord(json) ? json : {}
  } catch (error) {
    throw error instanceof NotJSON ? new MutationError('invalid return type: *dynamic.ObjectVal') : error
  }
}

/** Where a configuration would replace a list, map or struct as a whole, which is mostly not what its author means. */
function findAtomics(type: MergeType, value: unknown, path: string): string[] {
  const { map, list } = type
  if (isRecord(value) && map) {
    const inside = Object.entries(value).flatMap(([name, member]) => {
      const declared = map.fields.get(name)
      return declared ? findAtomics(declared.type, member, `${path}.${name}`) : []
    })
    return map.isAtomic ? [path, ...inside] : inside
  }
  if (!Array.isArray(value) || !list) return []
  const inside = value.flatMap((item, i) => findAtomics(list.element, item, `${path}[${i}]`))
  return list.isAtomic ? [path, ...inside] : inside
}
