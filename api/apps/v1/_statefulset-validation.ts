import type { StatefulSet } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateStatefulSet(_p: StatefulSet): FieldError[] { return [] }
export function validateStatefulSetUpdate(_p: StatefulSet, _old: StatefulSet): FieldError[] { return [] }
export function validateStatefulSetStatusUpdate(_p: StatefulSet, _old: StatefulSet): FieldError[] { return [] }
