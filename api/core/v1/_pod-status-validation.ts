import type { Pod } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validatePodStatusUpdate(_p: Pod, _old: Pod): FieldError[] { return [] }
export function podStatusWarnings(_p: Pod): string[] { return [] }
