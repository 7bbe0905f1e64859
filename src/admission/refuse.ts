/** The refusals of admission plugins. Models k8s.io/apiserver/pkg/admission/errors.go. */
import { forbidden, type StatusError } from '../errors.ts'
import type { AdmissionAttributes } from './chain.ts'

/** 403 about the object of the request, by whatever name it has so far. */
export function refuse(attributes: AdmissionAttributes, why: string): StatusError {
  return forbidden(attributes.kind.groupResource, nameFor(attributes), why)
}

function nameFor({ name, object }: AdmissionAttributes): string {
  if (name) return name
  if (!object) return 'Unknown'
  return object.metadata?.name || object.metadata?.generateName || 'Unknown'
}
