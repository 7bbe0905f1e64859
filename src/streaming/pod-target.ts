/** The pod and container a connection is for. Models LogLocation and streamLocation of k8s.io/kubernetes/pkg/registry/core/pod. */
import { badRequest, notFound } from '../errors.ts'
import type { Pod } from '../../schemas/types.ts'
import type { Connection } from '../apiserver/subresources/create.ts'

export interface PodTarget {
  pod: Pod
  container: string
}

/** @throws StatusError 404 for a pod that is not there, 400 for a container that is not in it or not told */
export function podTarget({ ctx, info, request, kind }: Connection): PodTarget {
  const pod = ctx.system.get<Pod>('v1/Pod', info.namespace, info.name)
  if (!pod) throw notFound(kind.groupResource, info.name)
  return { pod, container: containerOf(pod, request.query.get('container') ?? '') }
}

function containerOf({ metadata, spec }: Pod, wanted: string): string {
  const names = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])].map(({ name = '' }) => name)
  if (wanted) {
    if (!names.includes(wanted)) throw badRequest(`container ${wanted} is not valid for pod ${metadata.name}`)
    return wanted
  }
  const [only, ...others] = spec.containers ?? []
  if (only?.name && others.length === 0) return only.name
  throw badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${names.join(' ')}]`)
}
