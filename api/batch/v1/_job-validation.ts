import type { Job } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateJob(_p: Job): FieldError[] { return [] }
export function validateJobUpdate(_p: Job, _old: Job): FieldError[] { return [] }
