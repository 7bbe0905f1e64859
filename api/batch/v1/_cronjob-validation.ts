import type { CronJob } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateCronJob(_p: CronJob): FieldError[] { return [] }
export function validateCronJobUpdate(_p: CronJob, _old: CronJob): FieldError[] { return [] }
