/**
 * `GET /orrery/v1/why?namespace=NAMESPACE&pod=NAME`: what the scheduler thinks of each node for a pod. It is no resource:
 * a role must name the path under `nonResourceURLs`.
 */
import type { Pod } from '../../schemas/types.ts'
import type { Api } from '../apiserver/api.ts'
import { viewOf } from '../apiserver/encode.ts'
import { valueResponse } from '../apiserver/handlers.ts'
import type { ApiRequest, ApiResponse } from '../apiserver/request.ts'
import { badRequest, methodNotAllowed } from '../errors.ts'
import type { Explanation } from '../scheduler/explain.ts'

const PATH = '/orrery/v1/why'

/** @param explain undefined for pods of another scheduler */
export function answerWhy(api: Api, explain: (pod: Pod) => Explanation | undefined, { method, path, query }: ApiRequest): ApiResponse | undefined {
  if (path !== PATH) return undefined
  if (method !== 'GET') throw methodNotAllowed()
  const name = query.get('pod')
  if (!name) throw badRequest('which pod? Ask with ?namespace=NAMESPACE&pod=NAME')
  const pods = api.scheme.require('v1/Pod')
  const pod = viewOf(pods, api.storageFor(pods).get(query.get('namespace') ?? 'default', name)) as Pod
  const explanation = explain(pod)
  if (!explanation) throw badRequest(`pod "${name}" is not for a scheduler of this cluster: its schedulerName is "${pod.spec.schedulerName}"`)
  return valueResponse({ kind: 'Why', apiVersion: 'orrery/v1', ...explanation }, { encoding: 'json', pretty: query.has('pretty'), as: undefined })
}
