/** Whether custom resources are as their schema wants them. Models k8s.io/apiextensions-apiserver/pkg/registry/customresource (validator.go, strategy.go). */
import { goFormat, goTypeOf } from '../apimachinery/go-format.ts'
import { isRecord } from '../apimachinery/json.ts'
import { validateEmbedded } from '../apimachinery/structural-schema/embedded-meta.ts'
import { validateListTypes } from '../apimachinery/structural-schema/list-types.ts'
import { compileRules, type CompiledRules } from '../apimachinery/structural-schema/rules.ts'
import type { Schema } from '../apimachinery/structural-schema/schema.ts'
import { validateValue } from '../apimachinery/structural-schema/validate.ts'
import { field, type FieldError } from '../errors.ts'
import type { CustomResourceDefinitionVersion, CustomResourceSubresourceScale } from '../../schemas/types.ts'
import type { KubeObject } from './kind.ts'

/** Errors that leave too little of an object to judge it by rules. */
const BLOCKING: ReadonlySet<FieldError['type']> = new Set(['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'])
const BLOCKED = field.invalid('<nil>', null, 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation')
const MAX_REPLICAS = 2 ** 31 - 1

export class CustomResourceValidation {
  readonly #schema: Schema | undefined
  readonly #scale: CustomResourceSubresourceScale | undefined
  #rules: CompiledRules | undefined | 'none'

  constructor({ schema, subresources }: CustomResourceDefinitionVersion) {
    this.#schema = schema?.openAPIV3Schema
    this.#scale = subresources?.scale
  }

  create(object: KubeObject): FieldError[] {
    const schema = this.#schema
    const errors = schema ? validateValue(object, schema) : []
    errors.push(...this.#validateScale(object, true), ...validateEmbedded(object, schema), ...validateListTypes(object, schema))
    return [...errors, ...this.#validateRules(object, undefined, errors)]
  }

  update(object: KubeObject, old: KubeObject): FieldError[] {
    const schema = this.#schema
    const errors = schema ? validateValue(object, schema, { old: { old, schema } }) : []
    errors.push(...this.#validateScale(object, true), ...validateEmbedded(object, schema), ...this.#validateLists(object, old))
    return [...errors, ...this.#validateRules(object, old, errors)]
  }

  updateStatus(object: KubeObject, old: KubeObject): FieldError[] {
    const schema = this.#schema?.properties?.status
    const { status } = object as KubeObject & { status?: unknown }
    const before = (old as KubeObject & { status?: unknown }).status
    const errors = schema && status !== undefined ? validateValue(status, schema, { base: 'status', old: { old: before ?? null, schema } }) : []
    errors.push(...this.#validateScale(object, false), ...this.#validateLists(object, old))
    return [...errors, ...this.#validateRules(object, old, errors)]
  }

  /** What was there twice before may stay so. */
  #validateLists(object: KubeObject, old: KubeObject): FieldError[] {
    const errors = validateListTypes(object, this.#schema)
    return errors.length > 0 && validateListTypes(old, this.#schema).length > 0 ? [] : errors
  }

  #validateRules(object: KubeObject, old: KubeObject | undefined, errors: readonly FieldError[]): FieldError[] {
    this.#rules ??= (this.#schema && compileRules(this.#schema)) ?? 'none'
    if (this.#rules === 'none') return []
    return errors.some(({ type }) => BLOCKING.has(type)) ? [BLOCKED] : this.#rules.validate(object, old)
  }

  #validateScale(object: KubeObject, withSpec: boolean): FieldError[] {
    const scale = this.#scale
    if (!scale) return []
    const { specReplicasPath = '', statusReplicasPath = '', labelSelectorPath } = scale
    return [
      ...(withSpec ? validateReplicas(object, specReplicasPath) : []),
      ...validateReplicas(object, statusReplicasPath),
      ...(labelSelectorPath ? validateSelector(object, labelSelectorPath) : []),
    ]
  }
}

function validateReplicas(object: KubeObject, path: string): FieldError[] {
  const { value, problem } = nested(object, path, 'int64')
  if (problem !== undefined) return [field.invalid(path, 0, problem)]
  const replicas = Number(value ?? 0)
  if (replicas < 0) return [field.invalid(path, replicas, 'should be a non-negative integer')]
  return replicas > MAX_REPLICAS ? [field.invalid(path, replicas, `should be less than or equal to ${MAX_REPLICAS}`)] : []
}

function validateSelector(object: KubeObject, path: string): FieldError[] {
  const { problem } = nested(object, path, 'string')
  return problem === undefined ? [] : [field.invalid(path, '', problem)]
}

/** A value by its dotted path, or why it is not of the type. Models unstructured.NestedInt64 and NestedString. */
export function nested(object: unknown, path: string, type: 'int64' | 'string'): { value?: unknown; problem?: string } {
  const steps = path.replace(/^\./, '').split('.')
  let at: unknown = object
  for (const [i, step] of steps.entries()) {
    if (at === null) return {}
    if (!isRecord(at)) return { problem: accessError(steps.slice(0, i + 1), at, 'map[string]interface{}') }
    if (!Object.hasOwn(at, step)) return {}
    at = at[step]
  }
  if (goTypeOf(at) === type) return { value: at }
  return { problem: accessError(steps, at, type) }
}

function accessError(steps: readonly string[], value: unknown, type: string): string {
  return `.${steps.join('.')} accessor error: ${goFormat(value)} is of the type ${value === null ? '<nil>' : goTypeOf(value)}, expected ${type}`
}
