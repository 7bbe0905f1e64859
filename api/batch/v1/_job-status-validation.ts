import type { Job } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateJobStatusUpdate(_p: Job, _old: Job): FieldError[] { return [] }
