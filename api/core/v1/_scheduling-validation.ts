/** Tolerations, topology spread constraints and gates. Models ValidateTolerations and validateTopologySpreadConstraints of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { Toleration, TopologySpreadConstraint } from '../../../schemas/types.ts'
import { parseInt64 } from '../../../src/apimachinery/labels-requirement.ts'
import { validateLabelName, validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { isDecimalInteger, isQualifiedName, isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { validateMatchLabelKeys } from './_affinity-validation.ts'
import type { PodOptions } from './_pod-options.ts'

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway']
const INCLUSION_POLICIES = ['Honor', 'Ignore']

export function validateTolerations(tolerations: readonly Toleration[], path: string, options: PodOptions = {}): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, toleration] of tolerations.entries()) {
    const { key = '', operator = '', effect = '', tolerationSeconds } = toleration
    const at = `${path}[${i}]`
    if (key) errors.push(...validateLabelName(key, `${at}.key`))
    else if (operator !== 'Exists') errors.push(field.invalid(`${at}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'))
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') errors.push(field.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    errors.push(...validateTolerationOperator(toleration, at, options))
    if (effect && !EFFECTS.includes(effect)) errors.push(field.notSupported(`${at}.effect`, effect, EFFECTS))
  }
  return errors
}

function validateTolerationOperator({ operator = '', value = '' }: Toleration, path: string, options: PodOptions): FieldError[] {
  const at = `${path}.operator`
  switch (operator) {
    case '':
    case 'Equal': {
      const messages = isValidLabelValue(value)
      return messages.length ? [field.invalid(at, value, messages.join(';'))] : []
    }
    case 'Exists':
      return value ? [field.invalid(at, value, "value must be empty when `operator` is 'Exists'")] : []
    case 'Lt':
    case 'Gt': {
      if (!options.allowTolerationComparison) return [field.notSupported(at, operator, ['Equal', 'Exists', 'Lt', 'Gt'])]
      const errors = isDecimalInteger(value).map((m) => field.invalid(`${path}.value`, value, m))
      if (parseInt64(value) === undefined) errors.push(field.invalid(`${path}.value`, value, `strconv.ParseInt: parsing ${quote(value)}: ${/^[+-]?\d+$/.test(value) ? 'value out of range' : 'invalid syntax'}`))
      return errors
    }
    default:
      return [field.notSupported(at, operator, ['Equal', 'Exists'])]
  }
}

export function validateTopologySpread(constraints: readonly TopologySpreadConstraint[], path: string, options: PodOptions): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, constraint] of constraints.entries()) {
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' } = constraint
    const at = `${path}[${i}]`
    errors.push(...validatePositive(maxSkew, `${at}.maxSkew`))
    if (!topologyKey) errors.push(field.required(`${at}.topologyKey`, 'can not be empty'))
    if (!ACTIONS.includes(whenUnsatisfiable)) errors.push(field.notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ACTIONS))
    if (constraints.slice(i + 1).some((other) => (other.topologyKey ?? '') === topologyKey && (other.whenUnsatisfiable ?? '') === whenUnsatisfiable)) {
      errors.push(field.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`))
    }
    errors.push(...validateConstraintPolicies(constraint, at))
    errors.push(...(options.useLegacyMatchLabelKeys ? validateLegacyMatchLabelKeys(constraint, `${at}.matchLabelKeys`) : validateMatchLabelKeys(constraint, at)))
    if (!options.allowInvalidTopologySpreadSelector) errors.push(...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`))
  }
  return errors
}

function validateConstraintPolicies({ minDomains, whenUnsatisfiable = '', nodeAffinityPolicy, nodeTaintsPolicy }: TopologySpreadConstraint, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (minDomains !== undefined) {
    errors.push(...validatePositive(minDomains, `${path}.minDomains`))
    if (whenUnsatisfiable !== 'DoNotSchedule') errors.push(field.invalid(`${path}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`))
  }
  if (nodeAffinityPolicy !== undefined && !INCLUSION_POLICIES.includes(nodeAffinityPolicy)) errors.push(field.notSupported(`${path}.nodeAffinityPolicy`, nodeAffinityPolicy, INCLUSION_POLICIES))
  if (nodeTaintsPolicy !== undefined && !INCLUSION_POLICIES.includes(nodeTaintsPolicy)) errors.push(field.notSupported(`${path}.nodeTaintsPolicy`, nodeTaintsPolicy, INCLUSION_POLICIES))
  return errors
}

function validatePositive(value: number, path: string): FieldError[] {
  return value <= 0 ? [field.invalid(path, value, 'must be greater than zero')] : []
}

/** The rules of before keys were merged into the selector. */
function validateLegacyMatchLabelKeys({ matchLabelKeys = [], labelSelector }: TopologySpreadConstraint, path: string): FieldError[] {
  if (matchLabelKeys.length === 0) return []
  const errors = labelSelector ? [] : [field.forbidden(path, 'must not be specified when labelSelector is not set')]
  const asked = new Set([...Object.keys(labelSelector?.matchLabels ?? {}), ...(labelSelector?.matchExpressions ?? []).map((e) => e.key ?? '')])
  for (const [i, key] of matchLabelKeys.entries()) {
    errors.push(...validateLabelName(key, `${path}[${i}]`))
    if (asked.has(key)) errors.push(field.invalid(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
  }
  return errors
}

export function validateSchedulingGates(gates: readonly { name?: string }[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, { name = '' }] of gates.entries()) {
    for (const m of isQualifiedName(name)) errors.push(field.invalid(`${path}[${i}]`, name, m))
    if (seen.has(name)) errors.push(field.duplicate(`${path}[${i}]`, name))
    seen.add(name)
  }
  return errors
}
