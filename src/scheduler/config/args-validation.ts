/** What is wrong with arguments of plugins. Models pkg/scheduler/apis/config/validation/validation_pluginargs.go. */
import type { NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, TopologySpreadConstraint } from '../../../schemas/types.ts'
import { parseDuration } from '../../apimachinery/go-duration.ts'
import { validateLabelName } from '../../apimachinery/validate-meta.ts'
import { field, type FieldError } from '../../errors.ts'
import type { ShapePoint, WeighedResource } from '../resource-scores.ts'
import type { PluginArgs } from './types.ts'

type Validators = { [P in keyof PluginArgs]: (args: PluginArgs[P], path: string) => FieldError[] }

const inRange = (path: string, value: number, [low, high]: readonly [number, number]): FieldError[] => (value < low || value > high ? [field.invalid(path, value, `not in valid range [${low}, ${high}]`)] : [])

const VALIDATORS: Validators = {
  DefaultPreemption(args, path) {
    const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args
    const [percentagePath, absolutePath] = [`${path}.minCandidateNodesPercentage`, `${path}.minCandidateNodesAbsolute`]
    const errors = inRange(percentagePath, percentage, [0, 100])
    if (absolute < 0) errors.push(field.invalid(absolutePath, absolute, 'not in valid range [0, inf)'))
    if (percentage !== 0 || absolute !== 0) return errors
    return [...errors, field.invalid(percentagePath, percentage, 'cannot be zero at the same time as minCandidateNodesAbsolute'), field.invalid(absolutePath, absolute, 'cannot be zero at the same time as minCandidateNodesPercentage')]
  },
  DynamicResources({ filterTimeout, bindingTimeout }, path) {
    const errors: FieldError[] = []
    if (parseDuration(filterTimeout) < 0n) errors.push(field.invalid(`${path}.filterTimeout`, filterTimeout, 'must be zero or positive'))
    if (parseDuration(bindingTimeout) < 1_000_000_000n) errors.push(field.invalid(`${path}.bindingTimeout`, bindingTimeout, 'must be at least 1 second'))
    return errors
  },
  InterPodAffinity: ({ hardPodAffinityWeight }, path) => inRange(`${path}.hardPodAffinityWeight`, hardPodAffinityWeight, [0, 100]),
  NodeAffinity: ({ addedAffinity }, path) => (addedAffinity ? affinityErrors(addedAffinity, `${path}.addedAffinity`) : []),
  NodeResourcesBalancedAllocation({ resources }, path) {
    return resources.flatMap(({ name, weight }, i) => [
      ...(resources.findIndex((r) => r.name === name) < i ? [field.duplicate(`${path}.resources[${i}].name`, name)] : []),
      ...(weight === 1 ? [] : [field.invalid(`${path}.resources[${i}].weight`, weight, 'must be 1')]),
    ])
  },
  // Upstream looks for these arguments under a name that nobody has, so they are never validated when they are read;
  // the plugin does it when it is made.
  NodeResourcesFit: () => [],
  PodTopologySpread({ defaultingType, defaultConstraints = [] }, path) {
    const errors: FieldError[] = []
    if (!['System', 'List'].includes(defaultingType)) errors.push(field.notSupported(`${path}.defaultingType`, defaultingType, ['System', 'List']))
    else if (defaultingType === 'System' && defaultConstraints.length > 0) errors.push(field.invalid(`${path}.defaultingType`, defaultingType, 'when .defaultConstraints are not empty'))
    return [...errors, ...defaultConstraints.flatMap((_, i) => constraintErrors(defaultConstraints, i, `${path}.defaultConstraints[${i}]`))]
  },
  VolumeBinding(args, path) {
    const errors: FieldError[] = []
    if (args.bindTimeoutSeconds < 0) errors.push(field.invalid(`${path}.bindTimeoutSeconds`, args.bindTimeoutSeconds, 'invalid BindTimeoutSeconds, should not be a negative value'))
    if ('shape' in args) errors.push(field.invalid(`${path}.shape`, args.shape, 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring'))
    return errors
  },
}

export function validateArgs(plugin: string, args: Readonly<Record<string, unknown>>, path: string): FieldError[] {
  const validate = (VALIDATORS as Readonly<Record<string, ((args: never, path: string) => FieldError[]) | undefined>>)[plugin]
  return validate?.(args as never, path) ?? []
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']

/** Asked when a profile is made, not when its configuration is read. */
export function validateFitArgs({ ignoredResources = [], ignoredResourceGroups = [], scoringStrategy }: PluginArgs['NodeResourcesFit']): FieldError[] {
  const errors = ignoredResources.flatMap((name, i) => validateLabelName(name, `ignoredResources[${i}]`))
  for (const [i, group] of ignoredResourceGroups.entries()) {
    if (group.includes('/')) errors.push(field.invalid(`ignoredResourceGroups[${i}]`, group, "resource group name can't contain '/'"))
    errors.push(...validateLabelName(group, `ignoredResourceGroups[${i}]`))
  }
  const { type, resources, requestedToCapacityRatio: ratio } = scoringStrategy
  if (!STRATEGIES.includes(type)) errors.push(field.notSupported('scoringStrategy.type', type, STRATEGIES))
  errors.push(...resources.flatMap((r, i) => weightErrors(r, `scoringStrategy.resources[${i}].weight`)))
  const path = 'scoringStrategy.requestedToCapacityRatio'
  if (type !== 'RequestedToCapacityRatio') return ratio ? [...errors, field.forbidden(path, 'must be nil when type is not RequestedToCapacityRatio')] : errors
  return [...errors, ...(ratio ? shapeErrors(ratio.shape ?? [], `${path}.shape`) : [field.required(path, 'must be specified when type is RequestedToCapacityRatio')])]
}

function weightErrors({ name, weight }: WeighedResource, path: string): FieldError[] {
  return weight <= 0 || weight > 100 ? [field.invalid(path, weight, `resource weight of ${name} not in valid range (0, 100]`)] : []
}

function shapeErrors(shape: readonly ShapePoint[], path: string): FieldError[] {
  if (shape.length === 0) return [field.required(path, 'at least one point must be specified')]
  const unsorted = shape.findIndex(({ utilization }, i) => i > 0 && (shape[i - 1]?.utilization ?? 0) >= utilization)
  const errors = unsorted < 0 ? [] : [field.invalid(`${path}[${unsorted}].utilization`, shape[unsorted]?.utilization, 'values must be sorted in increasing order')]
  return [...errors, ...shape.flatMap(({ utilization, score }, i) => [...inRange(`${path}[${i}].utilization`, utilization, [0, 100]), ...inRange(`${path}[${i}].score`, score, [0, 10])])]
}

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway']

function constraintErrors(constraints: readonly TopologySpreadConstraint[], index: number, path: string): FieldError[] {
  const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector } = constraints[index] ?? {}
  const errors: FieldError[] = []
  if (maxSkew <= 0) errors.push(field.invalid(`${path}.maxSkew`, maxSkew, 'not in valid range (0, inf)'))
  errors.push(...(topologyKey ? validateLabelName(topologyKey, `${path}.topologyKey`) : [field.required(`${path}.topologyKey`, 'can not be empty')]))
  if (!whenUnsatisfiable) errors.push(field.required(`${path}.whenUnsatisfiable`, 'can not be empty'))
  else if (!ACTIONS.includes(whenUnsatisfiable)) errors.push(field.notSupported(`${path}.whenUnsatisfiable`, whenUnsatisfiable, ACTIONS))
  if (labelSelector) errors.push(field.forbidden(`${path}.labelSelector`, 'constraint must not define a selector, as they deduced for each pod'))
  const isRepeated = constraints.slice(0, index).some((c) => c.topologyKey === topologyKey && c.whenUnsatisfiable === whenUnsatisfiable)
  return isRepeated ? [...errors, field.duplicate(path, `{${topologyKey}, ${whenUnsatisfiable}}`)] : errors
}

function affinityErrors(affinity: NodeAffinity, path: string): FieldError[] {
  const required = affinity.requiredDuringSchedulingIgnoredDuringExecution
  const preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return [
    ...(required?.nodeSelectorTerms ?? []).flatMap((term, i) => termErrors(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`)),
    ...preferred.flatMap(({ weight, preference }, i) => (weight && preference ? termErrors(preference, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`) : [])),
  ]
}

const LABEL_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']
const FIELD_OPERATORS = ['In', 'NotIn']

function termErrors({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string): FieldError[] {
  return [...matchExpressions.flatMap((r, i) => expressionErrors(r, `${path}.matchExpressions[${i}]`)), ...matchFields.flatMap((r, i) => matchFieldErrors(r, `${path}.matchFields[${i}]`))]
}

function expressionErrors({ key = '', operator = '', values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  if (!LABEL_OPERATORS.includes(operator)) return [field.notSupported(`${path}.operator`, operator, LABEL_OPERATORS)]
  const errors = validateLabelName(key, `${path}.key`)
  const isSet = operator === 'In' || operator === 'NotIn'
  const shown = values.length > 0 ? values : null
  if (isSet && values.length === 0) errors.push(field.invalid(`${path}.values`, shown, "for 'in', 'notin' operators, values set can't be empty"))
  if (operator.includes('Exist') && values.length > 0) errors.push(field.invalid(`${path}.values`, values, 'values set must be empty for exists and does not exist'))
  if ((operator === 'Gt' || operator === 'Lt') && values.length !== 1) errors.push(field.invalid(`${path}.values`, shown, "for 'Gt', 'Lt' operators, exactly one value is required"))
  if (operator === 'Gt' || operator === 'Lt') values.forEach((v, i) => /^[+-]?\d+$/.test(v) || errors.push(field.invalid(`${path}.values[${i}]`, v, "for 'Gt', 'Lt' operators, the value must be an integer")))
  return errors
}

function matchFieldErrors({ operator = '', values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  if (!FIELD_OPERATORS.includes(operator)) return [field.notSupported(`${path}.operator`, operator, FIELD_OPERATORS)]
  return values.length === 1 ? [] : [field.invalid(`${path}.values`, values.length > 0 ? values : null, 'must have one element')]
}
