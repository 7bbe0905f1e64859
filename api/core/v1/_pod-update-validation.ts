import type { Pod } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validatePodUpdate(_p: Pod, _old: Pod): FieldError[] { return [] }
