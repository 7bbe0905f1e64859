import type { DaemonSet } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateDaemonSet(_p: DaemonSet): FieldError[] { return [] }
export function validateDaemonSetUpdate(_p: DaemonSet, _old: DaemonSet): FieldError[] { return [] }
export function validateDaemonSetStatusUpdate(_p: DaemonSet, _old: DaemonSet): FieldError[] { return [] }
