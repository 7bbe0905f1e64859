import type { Pod } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validatePodEphemeralContainersUpdate(_p: Pod, _old: Pod): FieldError[] { return [] }
