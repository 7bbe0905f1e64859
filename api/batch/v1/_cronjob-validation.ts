/** Models ValidateCronJobCreate and its kin of k8s.io/kubernetes/pkg/apis/batch/validation/validation.go. */
import type { CronJob, CronJobSpec } from '../../../schemas/types.ts'
import { parseCron } from '../../../src/apimachinery/cron.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { isTimeZone } from '../../../src/apimachinery/time-zone.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { shown, validateNonnegative } from '../../apps/v1/_workload-validation.ts'
import { optionsForTemplate } from '../../core/v1/_pod-options.ts'
import { validateJobSpec } from './_job-validation.ts'

/** Jobs are named after their cron job with eleven characters more. */
const MAX_NAME_LENGTH = 52
const CONCURRENCY_POLICIES = ['Allow', 'Forbid', 'Replace']

export function validateCronJob({ spec, metadata }: CronJob, ctx: WriteContext): FieldError[] {
  const name = metadata.name ?? ''
  const errors = validateSpec(spec, ctx)
  if (byteLength(name) > MAX_NAME_LENGTH) errors.push(field.invalid('metadata.name', name, `must be no more than ${MAX_NAME_LENGTH} characters`))
  return errors
}

export function validateCronJobUpdate({ spec }: CronJob, old: CronJob, ctx: WriteContext): FieldError[] {
  return validateSpec(spec, ctx, old.spec)
}

function validateSpec(spec: CronJobSpec, ctx: WriteContext, old?: CronJobSpec): FieldError[] {
  const { schedule = '', timeZone, concurrencyPolicy: policy = '', jobTemplate } = spec
  const errors = schedule ? validateSchedule(spec, schedule, old) : [field.required('spec.schedule')]
  errors.push(...validateNonnegative(spec, ['startingDeadlineSeconds'], 'spec'))
  if (timeZone !== undefined && timeZone !== old?.timeZone) errors.push(...validateTimeZone(timeZone, 'spec.timeZone'))
  if (!policy) errors.push(field.required('spec.concurrencyPolicy'))
  else if (!CONCURRENCY_POLICIES.includes(policy)) errors.push(field.notSupported('spec.concurrencyPolicy', policy, CONCURRENCY_POLICIES))
  const job = jobTemplate?.spec ?? {}
  const path = 'spec.jobTemplate.spec'
  errors.push(...validateJobSpec(job, path, optionsForTemplate(ctx, old?.jobTemplate?.spec?.template)))
  if (job.selector) errors.push(field.invalid(`${path}.selector`, shown(job.selector), '`selector` will be auto-generated'))
  if (job.manualSelector) errors.push(field.notSupported(`${path}.manualSelector`, true, ['nil', 'false']))
  return [...errors, ...validateNonnegative(spec, ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'], 'spec')]
}

function validateSchedule({ timeZone }: CronJobSpec, schedule: string, old: CronJobSpec | undefined): FieldError[] {
  const errors: FieldError[] = []
  try {
    parseCron(schedule)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    errors.push(field.invalid('spec.schedule', schedule, error.message))
  }
  if (!schedule.includes('TZ')) return errors
  const isOld = old?.schedule?.includes('TZ') ?? false
  if (!isOld) errors.push(field.invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  else if (timeZone !== undefined) errors.push(field.invalid('spec.schedule', schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
  return errors
}

function validateTimeZone(zone: string, path: string): FieldError[] {
  if (!zone) return [field.invalid(path, zone, 'timeZone must be nil or non-empty string')]
  const isWrongPart = (part: string) => part === '.' || part === '..' || part.startsWith('-') || !/^[A-Za-z.\-_0-9+]{1,14}$/.test(part)
  if (zone.split('/').some(isWrongPart)) return [field.invalid(path, zone, `unknown time zone ${zone}`)]
  const errors = zone.toLowerCase() === 'local' ? [field.invalid(path, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')] : []
  if (zone !== 'Local' && !isTimeZone(zone)) errors.push(field.invalid(path, zone, `unknown time zone ${zone}`))
  return errors
}
