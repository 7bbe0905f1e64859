/** Cron jobs. Models k8s.io/kubernetes/pkg/registry/batch/cronjob and pkg/apis/batch/v1/defaults.go. */
import type { CronJob } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { formatLabelSelector } from '../../../src/apimachinery/labels.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { hostnameWarnings } from '../../core/v1/_name-warnings.ts'
import { containerColumns } from '../../core/v1/_pod-columns.ts'
import { dropDisabledTemplateFields } from '../../core/v1/_pod-disabled-fields.ts'
import { validateCronJob, validateCronJobUpdate } from './_cronjob-validation.ts'
import { defaultJobSpec } from './_job-defaults.ts'
import { jobSpecWarnings } from './_job-warnings.ts'

const JOB_PATH = 'spec.jobTemplate.spec'
const NONE = '<none>'

export default defineKind<CronJob>({
  group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', shortNames: ['cj'], categories: ['all'],
  namespaced: true,
  columns: [
    { name: 'Name', format: 'name', value: (c) => c.metadata.name ?? '' },
    { name: 'Schedule', value: (c) => c.spec.schedule ?? '' },
    { name: 'Timezone', value: (c) => c.spec.timeZone ?? NONE },
    { name: 'Suspend', type: 'boolean', value: (c) => (c.spec.suspend === undefined ? '<unset>' : c.spec.suspend ? 'True' : 'False') },
    { name: 'Active', type: 'integer', value: (c) => c.status?.active?.length ?? 0 },
    { name: 'Last Schedule', value: (c, ctx) => (c.status?.lastScheduleTime ? ctx.age(c.status.lastScheduleTime) : NONE) },
    { name: 'Age', value: (c, ctx) => ctx.age(c.metadata.creationTimestamp) },
    ...containerColumns<CronJob>((c) => c.spec.jobTemplate?.spec?.template),
    { name: 'Selector', priority: 1, value: (c) => formatLabelSelector(c.spec.jobTemplate?.spec?.selector) },
  ],
  subresources: { status: { repeatsMetadataUpdate: false } },
  default({ spec }) {
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    const template = (spec.jobTemplate ??= {})
    defaultJobSpec((template.spec ??= {}))
  },
  generation: true,
  prepareForCreate: (c) => dropDisabledTemplateFields(c.spec.jobTemplate?.spec?.template),
  prepareForUpdate: (c, old) => dropDisabledTemplateFields(c.spec.jobTemplate?.spec?.template, old.spec.jobTemplate?.spec?.template),
  validate: validateCronJob,
  validateUpdate: validateCronJobUpdate,
  warnings(c, old) {
    const job = c.spec.jobTemplate?.spec ?? {}
    if (!old) return [...hostnameWarnings(c.metadata.name), ...jobSpecWarnings(job, JOB_PATH)]
    const out = equalJSON(c.spec, old.spec) ? [] : jobSpecWarnings(job, JOB_PATH)
    if (c.spec.schedule?.includes('TZ')) {
      out.push('cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details')
    }
    return out
  },
})
