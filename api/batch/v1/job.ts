/** Jobs. Models k8s.io/kubernetes/pkg/registry/batch/job and pkg/apis/batch/v1/defaults.go. */
import type { Job } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { formatLabelSelector } from '../../../src/apimachinery/labels.ts'
import { formatTime } from '../../../src/clock.ts'
import { quote } from '../../../src/errors.ts'
import { defineKind, type ColumnContext } from '../../../src/registry/kind.ts'
import { hostnameWarnings } from '../../core/v1/_name-warnings.ts'
import { containerColumns } from '../../core/v1/_pod-columns.ts'
import { dropDisabledTemplateFields } from '../../core/v1/_pod-disabled-fields.ts'
import { defaultJobSpec } from './_job-defaults.ts'
import { validateJobStatusUpdate } from './_job-status-validation.ts'
import { validateJob, validateJobUpdate } from './_job-validation.ts'
import { jobSpecWarnings } from './_job-warnings.ts'

export default defineKind<Job>({
  group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', categories: ['all'],
  namespaced: true,
  repeatsMetadataUpdate: 'last',
  columns: [
    { name: 'Name', format: 'name', value: (j) => j.metadata.name ?? '' },
    { name: 'Status', value: statusCell },
    { name: 'Completions', value: completionsCell },
    { name: 'Duration', value: durationCell },
    { name: 'Age', value: (j, ctx) => ctx.age(j.metadata.creationTimestamp) },
    ...containerColumns<Job>((j) => j.spec.template),
    { name: 'Selector', priority: 1, value: (j) => formatLabelSelector(j.spec.selector) },
  ],
  selectableFields: { 'status.successful': (j) => String(j.status?.succeeded ?? 0) },
  fieldLabelError: (name) => `field label ${quote(name)} not supported for Job`,
  subresources: { status: { validateUpdate: validateJobStatusUpdate } },
  default(j) {
    const labels = j.spec.template?.metadata?.labels
    // The same map, not a copy: a selector that is generated then labels the job too.
    if (labels && Object.keys(j.metadata.labels ?? {}).length === 0) j.metadata.labels = labels
    defaultJobSpec(j.spec)
    if (j.spec.parallelism === undefined) j.spec.completions ??= 1
    j.spec.parallelism ??= 1
    j.spec.backoffLimit ??= j.spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1
    j.spec.completionMode ??= 'NonIndexed'
    j.spec.suspend ??= false
    j.spec.podReplacementPolicy ??= j.spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
    j.spec.manualSelector ??= false
  },
  generation: true,
  defaultPropagation: 'orphan',
  orphanWarning: 'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  prepareForCreate(j) {
    if (!j.spec.manualSelector) generateSelector(j)
    dropDisabledTemplateFields(j.spec.template)
  },
  prepareForUpdate: (j, old) => dropDisabledTemplateFields(j.spec.template, old.spec.template),
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  warnings(j, old) {
    if (!old) return [...hostnameWarnings(j.metadata.name), ...jobSpecWarnings(j.spec, 'spec')]
    return equalJSON(j.spec, old.spec) ? [] : jobSpecWarnings(j.spec, 'spec')
  },
})

/** Pods of a job are told from others by its uid; what the user set under the same keys stays and is judged by validation. */
function generateSelector({ spec, metadata }: Job): void {
  const uid = metadata.uid ?? ''
  const name = metadata.name ?? ''
  const template = (spec.template ??= {})
  const isSameMap = Object.keys(metadata.labels ?? {}).length === 0 || metadata.labels === template.metadata?.labels
  template.metadata = {
    ...template.metadata,
    labels: { 'job-name': name, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'batch.kubernetes.io/controller-uid': uid, ...template.metadata?.labels },
  }
  if (isSameMap && template.metadata.labels) metadata.labels = { ...template.metadata.labels }
  spec.selector = { ...spec.selector, matchLabels: { 'batch.kubernetes.io/controller-uid': uid, ...spec.selector?.matchLabels } }
}

function statusCell(j: Job): string {
  const is = (type: string) => j.status?.conditions?.find((c) => c.type === type)?.status === 'True'
  if (is('Complete')) return 'Complete'
  if (is('Failed')) return 'Failed'
  if (j.metadata.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(is) ?? 'Running'
}

function completionsCell(j: Job): string {
  const succeeded = j.status?.succeeded ?? 0
  const { completions, parallelism = 0 } = j.spec
  if (completions !== undefined) return `${succeeded}/${completions}`
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationCell(j: Job, ctx: ColumnContext): string {
  const { startTime, completionTime } = j.status ?? {}
  if (!startTime) return ''
  if (!completionTime) return ctx.age(startTime)
  return ctx.age(formatTime(ctx.nowMs - (Date.parse(completionTime) - Date.parse(startTime))))
}
