/** Models ValidateStatefulSet and its kin of k8s.io/kubernetes/pkg/apis/apps/validation/validation.go. */
import type { PodSpec, PodTemplateSpec, StatefulSet, StatefulSetUpdateStrategy, Volume } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import type { Selector } from '../../../src/apimachinery/labels.ts'
import { validateAnnotations, validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateClaimSpec } from '../../core/v1/_claim-spec-validation.ts'
import { validatePodAnnotations } from '../../core/v1/_pod-annotations-validation.ts'
import { optionsForTemplate, type PodOptions } from '../../core/v1/_pod-options.ts'
import { validatePodTemplateSpec } from '../../core/v1/_pod-validation.ts'
import {
  intOrPercent, parsedSelector, shown, validateAtMost, validateAtMost100Percent, validateCollisionCount, validateIntOrPercent, validateLabelsMatch, validateNonnegative, validateRestarting, validateSelector,
} from './_workload-validation.ts'

type Spec = StatefulSet['spec']

interface SpecContext {
  options: PodOptions
  /** Names and claims cannot change, so that bad ones of before are put up with. */
  isUpdate: boolean
  /** The old template was wrong already. */
  skipTemplate?: boolean
}

export function validateStatefulSet({ spec }: StatefulSet, ctx: WriteContext): FieldError[] {
  return validateSpec(spec, { options: optionsForTemplate(ctx), isUpdate: false })
}

const MUTABLE = ['replicas', 'template', 'updateStrategy', 'minReadySeconds', 'ordinals', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy'] as const

export function validateStatefulSetUpdate({ spec }: StatefulSet, old: StatefulSet, ctx: WriteContext): FieldError[] {
  const options = optionsForTemplate(ctx, old.spec.template)
  let errors = validateSpec(spec, { options, isUpdate: true })
  if (errors.length && validateSpec(old.spec, { options, isUpdate: true }).length) errors = validateSpec(spec, { options, isUpdate: true, skipTemplate: true })
  const munged: Spec = { ...spec }
  for (const key of MUTABLE) {
    delete munged[key]
    if (old.spec[key] !== undefined) Object.assign(munged, { [key]: old.spec[key] })
  }
  if (equalJSON(munged, old.spec)) return errors
  const allowed = "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'"
  return [...errors, field.forbidden('spec', `updates to statefulset spec for fields other than ${allowed} are forbidden`)]
}

const POD_MANAGEMENT = ['OrderedReady', 'Parallel']

function validateSpec(spec: Spec, ctx: SpecContext): FieldError[] {
  const { podManagementPolicy: management = '', updateStrategy = {}, template = {}, selector, serviceName = '' } = spec
  const errors: FieldError[] = []
  if (!management) errors.push(field.required('spec.podManagementPolicy'))
  else if (!POD_MANAGEMENT.includes(management)) errors.push(field.invalid('spec.podManagementPolicy', management, "must be 'OrderedReady' or 'Parallel'"))
  errors.push(...validateStrategy(updateStrategy, 'spec.updateStrategy'), ...validateRetention(spec))
  if (!ctx.isUpdate) for (const [i, claim] of (spec.volumeClaimTemplates ?? []).entries()) errors.push(...validateClaimSpec(claim.spec, `spec.volumeClaimTemplates[${i}].spec`))
  errors.push(...validateNonnegative(spec, ['replicas', 'minReadySeconds'], 'spec'))
  if (spec.ordinals) errors.push(...validateNonnegative(spec.ordinals, ['start'], 'spec.ordinals'))
  if (!ctx.isUpdate && serviceName) for (const m of isDNS1123Label(serviceName)) errors.push(field.invalid('spec.serviceName', serviceName, m))
  errors.push(...validateSelector(selector, 'spec.selector', 'statefulset'))
  const parsed = parsedSelector(selector)
  if (parsed) errors.push(...validateTemplate(withClaims(template, spec), parsed, ctx))
  else errors.push(field.invalid('spec.selector', shown(selector), ''))
  return [...errors, ...validateRestarting(template, 'spec.template', 'StatefulSet')]
}

/** The controller gives each pod its host name, subdomain and the volumes of its claims. */
function withClaims(template: PodTemplateSpec, { volumeClaimTemplates = [] }: Spec): PodTemplateSpec {
  const { hostname: _, subdomain: __, ...rest } = template.spec ?? {}
  const spec: PodSpec = rest
  if (volumeClaimTemplates.length) {
    const names = [...new Set(volumeClaimTemplates.map((c) => c.metadata.name ?? ''))]
    const claims = names.map((name): Volume => ({ name, persistentVolumeClaim: { claimName: name } }))
    spec.volumes = [...claims, ...(spec.volumes ?? []).filter((v) => !names.includes(v.name ?? ''))]
  }
  return { ...template, spec }
}

function validateTemplate(template: PodTemplateSpec, selector: Selector, { options, skipTemplate }: SpecContext): FieldError[] {
  const path = 'spec.template'
  const { metadata = {}, spec = {} } = template
  return [
    ...(selector.isEmpty ? [] : validateLabelsMatch(template, selector, path)),
    ...(skipTemplate ? [] : validatePodTemplateSpec(template, path, options)),
    // Upstream checks these once more, and reports them twice.
    ...validateLabels(metadata.labels, `${path}.labels`),
    ...validateAnnotations(metadata.annotations, `${path}.annotations`),
    ...validatePodAnnotations(metadata.annotations, spec, `${path}.annotations`),
  ]
}

function validateStrategy({ type = '', rollingUpdate }: StatefulSetUpdateStrategy, path: string): FieldError[] {
  const internal = rollingUpdate ? { Partition: rollingUpdate.partition ?? 0, MaxUnavailable: rollingUpdate.maxUnavailable ?? null } : null
  switch (type) {
    case '':
      return [field.required(path)]
    case 'OnDelete':
      return rollingUpdate ? [field.invalid(`${path}.rollingUpdate`, internal, "only allowed for updateStrategy 'RollingUpdate'")] : []
    case 'RollingUpdate':
      break
    default:
      return [field.invalid(path, { Type: type, RollingUpdate: internal }, "must be 'RollingUpdate' or 'OnDelete'")]
  }
  if (!rollingUpdate) return []
  const errors = validateNonnegative(rollingUpdate, ['partition'], `${path}.rollingUpdate`)
  const { maxUnavailable } = rollingUpdate
  const at = `${path}.rollingUpdate.maxUnavailable`
  if (maxUnavailable === undefined) return errors
  errors.push(...validateIntOrPercent(maxUnavailable, at))
  if (intOrPercent(maxUnavailable) === 0) errors.push(field.invalid(at, maxUnavailable, 'cannot be 0'))
  return [...errors, ...validateAtMost100Percent(maxUnavailable, at)]
}

const RETENTION = ['Retain', 'Delete']

function validateRetention({ persistentVolumeClaimRetentionPolicy: policy }: Spec): FieldError[] {
  if (!policy) return []
  return (['whenDeleted', 'whenScaled'] as const).flatMap((key) => {
    const value = policy[key] ?? ''
    return RETENTION.includes(value) ? [] : [field.notSupported(`spec.persistentVolumeClaimRetentionPolicy.${key}`, value, RETENTION)]
  })
}

export function validateStatefulSetStatusUpdate({ status = {} }: StatefulSet, old: StatefulSet): FieldError[] {
  const path = 'status'
  return [
    ...validateNonnegative(status, ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount'], path),
    ...validateAtMost(status, ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], { limit: status.replicas ?? 0, path, message: 'cannot be greater than status.replicas' }),
    ...validateAtMost(status, ['availableReplicas'], { limit: status.readyReplicas ?? 0, path, message: 'cannot be greater than status.readyReplicas' }),
    ...validateCollisionCount(status.collisionCount, old.status?.collisionCount),
  ]
}
