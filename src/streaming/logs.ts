/** `GET pods/NAME/log`. Models k8s.io/kubernetes/pkg/registry/core/pod/rest/log.go and ValidatePodLogOptions. */
import { textResponse } from '../apiserver/routes.ts'
import type { ApiResponse } from '../apiserver/request.ts'
import type { Connection } from '../apiserver/subresources/create.ts'
import { parseInteger } from '../apiserver/write-options.ts'
import { field, invalid, type FieldError } from '../errors.ts'
import { podTarget } from './pod-target.ts'

const STREAMS = ['All', 'Stderr', 'Stdout']

/** A pod that runs by stages alone has said nothing, so its log is empty, as that of a pod without a node is. */
export function log(connection: Connection): ApiResponse {
  const errors = validateLogOptions(connection)
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, connection.info.name, errors)
  podTarget(connection)
  return textResponse('')
}

function validateLogOptions({ request: { query } }: Connection): FieldError[] {
  const number = (name: string) => (query.get(name) ? parseInteger(query.get(name) ?? '') : undefined)
  const [tailLines, limitBytes, sinceSeconds] = [number('tailLines'), number('limitBytes'), number('sinceSeconds')]
  const stream = query.get('stream') || 'All'
  const errors: FieldError[] = []
  if (tailLines !== undefined && tailLines < 0) errors.push(field.invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1) errors.push(field.invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && query.get('sinceTime')) errors.push(field.forbidden('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else if (sinceSeconds !== undefined && sinceSeconds < 1) errors.push(field.invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  if (!STREAMS.includes(stream)) errors.push(field.notSupported('stream', stream, STREAMS))
  else if (stream !== 'All' && tailLines !== undefined) errors.push(field.forbidden('[]', '`tailLines` and specific `stream` are mutually exclusive for now'))
  return errors
}
