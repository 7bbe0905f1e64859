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

/** Several refusals as one text: each once, in an order that does not change. */
export function aggregate(reasons: readonly string[]): string {
  const unique = [...new Set(reasons)].sort()
  return unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`
}
