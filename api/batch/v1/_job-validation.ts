/** Jobs, and their template in cron jobs. Models ValidateJob and ValidateJobUpdate of k8s.io/kubernetes/pkg/apis/batch/validation/validation.go. */
import type { Affinity, Container, Job, JobSpec, PodSpec, PodTemplateSpec } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { labelSelectorHasInvalidLabelValue, validateImmutableField, validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { byteLength, isDNS1123Label, isDomainPrefixedPath } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { parsedSelector, shown, validateLabelsMatch, validateNonnegative } from '../../apps/v1/_workload-validation.ts'
import { orderedMeta, toInternalPodSpec } from '../../core/v1/_pod-internal.ts'
import { optionsForTemplate, type PodOptions } from '../../core/v1/_pod-options.ts'
import { validatePodTemplateSpec } from '../../core/v1/_pod-validation.ts'
import { internalFailurePolicy, internalSuccessPolicy, validateFailurePolicy, validateSuccessPolicy } from './_job-policy-validation.ts'

export const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name'
export const CONTROLLER_UID_LABEL = 'batch.kubernetes.io/controller-uid'

interface JobOptions extends PodOptions {
  /** The labels with the prefix must be right too; jobs of before have none. */
  requirePrefixedLabels: boolean
}

export function validateJob(job: Job, ctx: WriteContext): FieldError[] {
  return validateWhole(job, { ...optionsForTemplate(ctx), requirePrefixedLabels: true })
}

function validateWhole(job: Job, options: JobOptions): FieldError[] {
  const { spec, metadata } = job
  const errors = [...validateGeneratedSelector(job, options.requirePrefixedLabels), ...validateSpec(spec, options)]
  if (spec.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
    const hostname = `${metadata.name ?? ''}-${(spec.completions ?? 0) - 1}`
    if (isDNS1123Label(hostname).length) errors.push(field.invalid('metadata.name', metadata.name ?? '', `will not able to create pod with invalid DNS label: ${hostname}`))
  }
  return errors
}

/** The selector that the server made must find the pods of this job and of no other. */
function validateGeneratedSelector({ spec, metadata }: Job, withPrefixed: boolean): FieldError[] {
  if (spec.manualSelector || !spec.selector) return []
  const { uid = '', name = '' } = metadata
  const expected: Record<string, string> = { 'controller-uid': uid, 'job-name': name }
  if (withPrefixed) Object.assign(expected, { [CONTROLLER_UID_LABEL]: uid, [JOB_NAME_LABEL]: name })
  const labels = spec.template?.metadata?.labels
  const errors: FieldError[] = uid ? [] : [field.required('metadata.uid')]
  for (const [key, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels[${key}]`
    if (labels?.[key] === undefined) errors.push(field.required(path, `must be '${value}'`))
    else if (labels[key] !== value) errors.push(field.invalid(path, shown(labels), `must be '${value}'`))
  }
  const selector = parsedSelector(spec.selector)
  if (selector && !selector.matches(expected)) errors.push(field.invalid('spec.selector', shown(spec.selector), '`selector` not auto-generated'))
  return errors
}

function validateSpec(spec: JobSpec, options: PodOptions): FieldError[] {
  const errors = validateJobSpec(spec, 'spec', options)
  if (spec.selector) errors.push(...validateLabelSelector(spec.selector, 'spec.selector', { allowInvalidLabelValueInSelector: options.allowInvalidLabelValueInSelector ?? false }))
  else errors.push(field.required('spec.selector'))
  const selector = parsedSelector(spec.selector)
  if (selector) errors.push(...validateLabelsMatch(spec.template ?? {}, selector, 'spec.template'))
  return errors
}

const COMPLETION_MODES = ['NonIndexed', 'Indexed']
const REPLACEMENT_POLICIES = ['Failed', 'TerminatingOrFailed']
const MAX_MANAGED_BY_LENGTH = 63

/** All that the spec of a job and that of a job template have in common. */
export function validateJobSpec(spec: JobSpec, path: string, options: PodOptions): FieldError[] {
  const errors = validateNonnegative(spec, ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'], path)
  const { managedBy, completionMode, podFailurePolicy: failure, successPolicy: success, podReplacementPolicy: replacement } = spec
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) errors.push(field.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  if (managedBy !== undefined) {
    errors.push(...isDomainPrefixedPath(`${path}.managedBy`, managedBy))
    if (byteLength(managedBy) > MAX_MANAGED_BY_LENGTH) errors.push(field.tooLong(`${path}.managedBy`, MAX_MANAGED_BY_LENGTH))
  }
  if (completionMode !== undefined && !COMPLETION_MODES.includes(completionMode)) errors.push(field.notSupported(`${path}.completionMode`, completionMode, COMPLETION_MODES))
  if (completionMode === 'Indexed') errors.push(...validateIndexed(spec, path))
  if (completionMode === undefined || completionMode === 'NonIndexed') {
    for (const key of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) if (spec[key] !== undefined) errors.push(field.invalid(`${path}.${key}`, spec[key], 'requires indexed completion mode'))
  }
  if (failure) errors.push(...validateFailurePolicy(spec, failure, `${path}.podFailurePolicy`))
  if (success && completionMode !== 'Indexed') errors.push(field.invalid(`${path}.successPolicy`, internalSuccessPolicy(success), 'requires indexed completion mode'))
  else if (success) errors.push(...validateSuccessPolicy(spec, success, `${path}.successPolicy`))
  const replacements = failure ? ['Failed'] : REPLACEMENT_POLICIES
  if (replacement !== undefined && !replacements.includes(replacement)) errors.push(field.notSupported(`${path}.podReplacementPolicy`, replacement, replacements))
  return [...errors, ...validatePodTemplateSpec(spec.template ?? {}, `${path}.template`, options), ...validateRestartPolicy(spec, `${path}.template.spec.restartPolicy`)]
}

const MAX_PARALLELISM = 100_000
const MAX_FAILED_INDEXES = 100_000
const COMPLETIONS_SOFT_LIMIT = 100_000
const LIMIT_FOR_HIGH_COMPLETIONS = 10_000

function validateIndexed(spec: JobSpec, path: string): FieldError[] {
  const { completions, parallelism = 0, maxFailedIndexes: failed, backoffLimitPerIndex } = spec
  const errors: FieldError[] = []
  if (completions === undefined) errors.push(field.required(`${path}.completions`, 'when completion mode is Indexed'))
  if (parallelism > MAX_PARALLELISM) errors.push(field.invalid(`${path}.parallelism`, parallelism, `must be less than or equal to ${MAX_PARALLELISM} when completion mode is Indexed`))
  if (completions !== undefined && failed !== undefined && failed > completions) errors.push(field.invalid(`${path}.maxFailedIndexes`, failed, 'must be less than or equal to completions'))
  if (failed !== undefined && failed > MAX_FAILED_INDEXES) errors.push(field.invalid(`${path}.maxFailedIndexes`, failed, `must be less than or equal to ${MAX_FAILED_INDEXES}`))
  if ((completions ?? 0) <= COMPLETIONS_SOFT_LIMIT || backoffLimitPerIndex === undefined) return errors
  const limit = `must be less than or equal to ${LIMIT_FOR_HIGH_COMPLETIONS} when completions are above ${COMPLETIONS_SOFT_LIMIT} and used with backoff limit per index`
  if (failed === undefined) errors.push(field.required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${COMPLETIONS_SOFT_LIMIT}`))
  if (parallelism > LIMIT_FOR_HIGH_COMPLETIONS) errors.push(field.invalid(`${path}.parallelism`, parallelism, limit))
  if (failed !== undefined && failed > LIMIT_FOR_HIGH_COMPLETIONS) errors.push(field.invalid(`${path}.maxFailedIndexes`, failed, limit))
  return errors
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, path: string): FieldError[] {
  const policy = template?.spec?.restartPolicy ?? ''
  if (policy === 'Always' || policy === '') return [field.required(path, 'valid values: "OnFailure", "Never"')]
  if (policy !== 'OnFailure' && policy !== 'Never') return [field.notSupported(path, policy, ['OnFailure', 'Never'])]
  return podFailurePolicy && policy !== 'Never' ? [field.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')] : []
}

export function validateJobUpdate(job: Job, old: Job, ctx: WriteContext): FieldError[] {
  const options = optionsForUpdate(old, ctx)
  const { spec } = job
  const errors = [...validateMetadataOf(job, 'Namespaced'), ...validateWhole(job, options), ...validateSpec(spec, options), ...validateCompletions(spec, old.spec)]
  errors.push(...validateImmutableField(shown(spec.selector), shown(old.spec.selector), 'spec.selector'), ...validateTemplateUpdate(spec, old))
  errors.push(
    ...immutable(spec.completionMode, old.spec.completionMode, 'completionMode'),
    ...immutable(internalFailurePolicy(spec.podFailurePolicy), internalFailurePolicy(old.spec.podFailurePolicy), 'podFailurePolicy'),
    ...immutable(spec.backoffLimitPerIndex, old.spec.backoffLimitPerIndex, 'backoffLimitPerIndex'),
    ...immutable(spec.managedBy, old.spec.managedBy, 'managedBy'),
    ...immutable(internalSuccessPolicy(spec.successPolicy), internalSuccessPolicy(old.spec.successPolicy), 'successPolicy'),
  )
  return errors
}

const immutable = (value: unknown, old: unknown, name: string): FieldError[] => validateImmutableField(value ?? null, old ?? null, `spec.${name}`)

function optionsForUpdate(old: Job, ctx: WriteContext): JobOptions {
  const options = optionsForTemplate(ctx, old.spec.template)
  const labels = old.spec.template?.metadata?.labels
  return {
    ...options,
    allowInvalidLabelValueInSelector: (options.allowInvalidLabelValueInSelector ?? false) || labelSelectorHasInvalidLabelValue(old.spec.selector),
    requirePrefixedLabels: labels?.[JOB_NAME_LABEL] !== undefined && labels[CONTROLLER_UID_LABEL] !== undefined,
  }
}

/** The completions of an indexed job may change together with its parallelism. */
function validateCompletions(spec: JobSpec, old: JobSpec): FieldError[] {
  if (spec.completionMode !== 'Indexed') return immutable(spec.completions, old.completions, 'completions')
  if (spec.completions === undefined || spec.completions === old.completions || spec.completions === spec.parallelism) return []
  return [field.invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism')]
}

/** While a job is suspended and nothing of it runs, where and with what its pods run may still change. */
function validateTemplateUpdate({ template = {} }: JobSpec, old: Job): FieldError[] {
  const before = old.spec.template ?? {}
  if (!old.spec.suspend) return equalJSON(template, before) ? [] : [field.invalid('spec.template', internalTemplate(template), 'field is immutable')]
  const isIdle = (old.status?.startTime === undefined || isSuspended(old)) && !old.status?.active
  const allowed = isIdle ? withDirectives(before, template) : before
  if (!isIdle) return equalJSON(template, allowed) ? [] : [field.invalid('spec.template', internalTemplate(template), 'field is immutable')]
  const expected = withResources(allowed.spec ?? {}, template.spec ?? {})
  return equalJSON(template.spec, expected) ? [] : [field.invalid('spec.template.spec', toInternalPodSpec(template.spec ?? {}), 'field is immutable')]
}

function isSuspended({ status }: Job): boolean {
  return status?.conditions?.some((c) => c.type === 'Suspended' && c.status === 'True') ?? false
}

function internalTemplate({ metadata = {}, spec = {} }: PodTemplateSpec): unknown {
  return { ...orderedMeta(metadata), Spec: toInternalPodSpec(spec) }
}

/** The old template with the new one's scheduling directives. */
function withDirectives(old: PodTemplateSpec, now: PodTemplateSpec): PodTemplateSpec {
  const spec: PodSpec = { ...old.spec }
  const { nodeAffinity: _, ...others } = old.spec?.affinity ?? {}
  const node = now.spec?.affinity?.nodeAffinity
  const affinity: Affinity = node ? { ...others, nodeAffinity: node } : others
  if (now.spec?.affinity || Object.keys(affinity).length) spec.affinity = affinity
  else delete spec.affinity
  for (const key of ['nodeSelector', 'tolerations', 'schedulingGates'] as const) {
    delete spec[key]
    if (now.spec?.[key] !== undefined) Object.assign(spec, { [key]: now.spec[key] })
  }
  return { ...old, spec }
}

function withResources(old: PodSpec, now: PodSpec): PodSpec {
  const restore = (before: Container[] | undefined, after: Container[] | undefined) =>
    before?.length === after?.length ? before?.map((c, i) => (c.name === after?.[i]?.name ? { ...c, resources: after?.[i]?.resources ?? {} } : c)) : before
  const spec: PodSpec = { ...old }
  for (const key of ['containers', 'initContainers'] as const) {
    const restored = restore(old[key], now[key])
    if (restored) spec[key] = restored
  }
  return spec
}
