import type { Deployment } from '../../../schemas/types.ts'
import type { FieldError } from '../../../src/errors.ts'
export function validateDeployment(_p: Deployment): FieldError[] { return [] }
export function validateDeploymentUpdate(_p: Deployment, _old: Deployment): FieldError[] { return [] }
export function validateDeploymentStatusUpdate(_p: Deployment, _old: Deployment): FieldError[] { return [] }
