/**
 * What the kinds of this group check alike: selectors against their template, counts, rolling updates.
 * Models k8s.io/kubernetes/pkg/apis/apps/validation/validation.go.
 */
import type { LabelSelector, PodTemplateSpec } from '../../../schemas/types.ts'
import { selectorFromLabelSelector, type Selector } from '../../../src/apimachinery/labels.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { validateLabelSelector, validateNonnegativeField } from '../../../src/apimachinery/validate-meta.ts'
import { isValidPercent } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { sorted } from '../../core/v1/_pod-internal.ts'
import type { PodOptions } from '../../core/v1/_pod-options.ts'
import { validatePodTemplateSpec } from '../../core/v1/_pod-validation.ts'

type IntOrString = number | string | undefined

/** Non-negative values of these fields; absent ones count as zero. */
export function validateNonnegative<T extends object>(object: T, names: readonly (keyof T & string)[], path: string): FieldError[] {
  return names.flatMap((name) => {
    const value = object[name]
    return typeof value === 'number' ? validateNonnegativeField(value, `${path}.${name}`) : []
  })
}

/** The selector, or nothing where it cannot be read. */
export function parsedSelector(selector: LabelSelector | undefined): Selector | undefined {
  try {
    return selectorFromLabelSelector(selector)
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}

/** A map or selector as error texts show it; none is null. */
export const shown = (value: object | undefined): unknown => sorted(value)

export function validateSelector(selector: LabelSelector | undefined, path: string, kind: string): FieldError[] {
  if (!selector) return [field.required(path)]
  return [...validateLabelSelector(selector, path), ...validateNotEmpty(selector, path, kind)]
}

export function validateNotEmpty(selector: LabelSelector | undefined, path: string, kind: string): FieldError[] {
  if (!selector) return []
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0
  return isEmpty ? [field.invalid(path, shown(selector), `empty selector is invalid for ${kind}`)] : []
}

export function validateLabelsMatch(template: PodTemplateSpec, selector: Selector, path: string): FieldError[] {
  const labels = template.metadata?.labels
  return selector.matches(labels) ? [] : [field.invalid(`${path}.metadata.labels`, shown(labels), '`selector` does not match template `labels`')]
}

/** A template whose pods always restart. @param kind how the text names it */
export function validateRestarting(template: PodTemplateSpec, path: string, kind: string): FieldError[] {
  const { restartPolicy = '', activeDeadlineSeconds } = template.spec ?? {}
  const errors = restartPolicy === 'Always' ? [] : [field.notSupported(`${path}.spec.restartPolicy`, restartPolicy, ['Always'])]
  if (activeDeadlineSeconds !== undefined) errors.push(field.forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`))
  return errors
}

/** Templates of replica sets and of deployments. */
export function validateReplicaSetTemplate(template: PodTemplateSpec, path: string, { selector, options }: { selector: Selector; options: PodOptions }): FieldError[] {
  return [
    ...(selector.isEmpty ? [] : validateLabelsMatch(template, selector, path)),
    ...validatePodTemplateSpec(template, path, options),
    ...validateRestarting(template, path, 'ReplicaSet'),
  ]
}

export function validateIntOrPercent(value: IntOrString, path: string): FieldError[] {
  if (typeof value === 'string') return isValidPercent(value).map((m) => field.invalid(path, value, m))
  return validateNonnegativeField(value ?? 0, path)
}

function percentOf(value: IntOrString): number | undefined {
  return typeof value === 'string' && isValidPercent(value).length === 0 ? Number(value.slice(0, -1)) : undefined
}

/** The number, with or without its percent sign; a text that is no number is 0. */
export function intOrPercent(value: IntOrString): number {
  if (typeof value !== 'string') return value ?? 0
  return percentOf(value) ?? (/^[+-]?\d+$/.test(value) ? Number(value) : 0)
}

export function validateAtMost100Percent(value: IntOrString, path: string): FieldError[] {
  return (percentOf(value) ?? 0) > 100 ? [field.invalid(path, value, 'must not be greater than 100%')] : []
}

/** The first of these counts must not exceed the number of replicas. */
export function validateAtMost<T extends object>(status: T, names: readonly (keyof T & string)[], { limit, path, message }: { limit: number; path: string; message: string }): FieldError[] {
  return names.flatMap((name) => {
    const value = status[name] ?? 0
    return typeof value === 'number' && value > limit ? [field.invalid(`${path}.${name}`, value, message)] : []
  })
}

export function validateCollisionCount(now: number | undefined, before: number | undefined): FieldError[] {
  const isLess = before !== undefined && (now === undefined || now < before)
  return isLess ? [field.invalid('status.collisionCount', now ?? 0, 'cannot be decremented')] : []
}
