import type { ReplicaSet } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateReplicaSet(_p: ReplicaSet): FieldError[] { return [] }
export function validateReplicaSetUpdate(_p: ReplicaSet, _old: ReplicaSet): FieldError[] { return [] }
export function validateReplicaSetStatusUpdate(_p: ReplicaSet, _old: ReplicaSet): FieldError[] { return [] }
