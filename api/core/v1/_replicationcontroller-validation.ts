import type { ReplicationController } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateReplicationController(_p: ReplicationController, _old?: ReplicationController): FieldError[] { return [] }
export function validateReplicationControllerStatusUpdate(_p: ReplicationController, _old: ReplicationController): FieldError[] { return [] }
